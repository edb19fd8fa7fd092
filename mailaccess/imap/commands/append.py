"""APPEND (RFC 3501 §6.3.11; MULTIAPPEND RFC 3502; APPENDUID RFC 4315 §3; APPENDLIMIT RFC 7889).

The framer announces each message and the handler says at once whether it may come: an unknown mailbox, a
message too large or a full account is refused before the client has sent it. What is sent flows into the
store's ``Upload``; after an error the rest is read and dropped, since a literal once begun has to be got
past.
"""

from mailaccess.imap.answers import Refusal, bad
from mailaccess.imap.commands.copying import try_create
from mailaccess.imap.commands.oldname import tell_old_name
from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.model.errors import NoSuchMailbox, TooBig
from mailaccess.proto.imap import framing, parse
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.append import Append, AppendMessage
from mailaccess.store.api import NewMessage, Upload


@command("APPEND", state=Authenticated, tells_expunges=True)
async def append(session: Authenticated, args: Append, out: Replies) -> r.Status | None:
    """RFC 3501 §6.3.11. With several messages all are stored or none (RFC 3502 §6)."""
    connection = session.connection
    announced, connection.announced = connection.announced, None
    if announced is None:
        raise bad("A message has to be sent as a literal")
    uploads: list[Upload] = []
    messages: list[NewMessage] = []
    described: AppendMessage | None = args.messages[-1]
    try:
        while described is not None:
            await _allow(session, args.mailbox, announced, sum(upload.size for upload in uploads))
            upload = session.account.upload(session.house.message_size)
            uploads.append(upload)
            await _receive(session, announced, upload, out)
            messages.append(new_message(described, upload))
            announced, described = await _following(session, announced)
        appended = await session.account.append(args.mailbox, messages)
    except NoSuchMailbox as error:
        raise try_create(args.mailbox, error) from None
    finally:
        for upload in uploads:
            await upload.discard()
    await tell_old_name(session, args.mailbox, out)
    return r.Ok("APPEND completed", r.AppendUid(appended.uidvalidity, appended.uids))


def new_message(message: AppendMessage, upload: Upload, replaces: int | None = None) -> NewMessage:
    """As the store takes it."""
    date = None if message.date is None else int(message.date.timestamp())
    return NewMessage(upload, message.flags, date, replaces)


async def receive_one(
    session: Authenticated, announced: framing.StreamStart, upload: Upload, out: Replies
) -> None:
    """The only message of a command (REPLACE). Raises Refusal where another follows."""
    await _receive(session, announced, upload, out)
    _, more = await _following(session, announced)
    if more is not None:
        session.connection.framer.refuse()
        raise bad("One message replaces another")


async def _allow(session: Authenticated, mailbox: str, announced: framing.StreamStart, before: int) -> None:
    """Raise what the whole APPEND would fail with, while the client has not sent the message yet."""
    try:
        if announced.number == 0:
            await session.account.require(mailbox)
        if announced.size > session.house.message_size:
            raise TooBig
        await session.account.check_quota(before + announced.size, announced.number + 1)
    except BaseException:
        session.connection.framer.refuse()
        raise


async def _receive(
    session: Authenticated, announced: framing.StreamStart, upload: Upload, out: Replies
) -> None:
    """Take in one literal; an error is raised once the command is got past."""
    connection = session.connection
    connection.framer.accept()
    if announced.synchronising:
        out.send(r.Continue())
    failure: Exception | None = None
    while True:
        event = await connection.event()
        if isinstance(event, framing.StreamEnd):
            break
        if isinstance(event, framing.StreamChunk) and failure is None:
            try:
                await upload.write(event.octets)
            except Exception as error:
                failure = error
    if failure is not None:
        following = await connection.event()
        if isinstance(following, framing.StreamStart):
            connection.framer.refuse()
        raise failure


async def _following(
    session: Authenticated, announced: framing.StreamStart
) -> tuple[framing.StreamStart, AppendMessage | None]:
    """What stands behind a literal: another message, or the end of the command. Raises Refusal."""
    connection = session.connection
    event = await connection.event()
    try:
        if isinstance(event, framing.StreamStart):
            try:
                return event, parse.parse_next_message(event.frame, utf8=connection.out.utf8)
            except parse.ParseError:
                connection.framer.refuse()
                raise
        if isinstance(event, framing.Frame):
            parse.parse(event, utf8=connection.out.utf8)
            return announced, None
    except parse.ParseError as error:
        raise Refusal(error.status) from None
    raise bad("The command is too long")
