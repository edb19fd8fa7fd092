"""REPLACE and UID REPLACE (RFC 8508): a draft is saved over its last version.

The new message is on disk before the old one goes, each in its own transaction: after a crash in between both
are there, and never none. Only what the old one leaves free is counted against the quota.
"""

from mailaccess.imap.answers import bad, no
from mailaccess.imap.commands.append import new_message, receive_one
from mailaccess.imap.commands.copying import try_create
from mailaccess.imap.commands.expunge import require_writable
from mailaccess.imap.dispatch import command
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.model.errors import NoSuchMailbox, TooBig
from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap import framing
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.replace import Replace


@command("REPLACE", "UID REPLACE", state=Authenticated, tells_expunges=True)
async def replace(session: Authenticated, args: Replace, out: Replies) -> r.Status:
    """RFC 8508 §3.4: APPENDUID goes before the EXPUNGE, which the dispatcher tells, in an untagged OK."""
    connection = session.connection
    announced, connection.announced = connection.announced, None
    if announced is None:
        raise bad("A message has to be sent as a literal")
    try:
        if not isinstance(session, Selected):
            raise bad("No mailbox is selected")
        old = await _replaceable(session, args, announced)
    except BaseException:
        connection.framer.refuse()
        raise
    upload = session.account.upload(session.house.message_size)
    try:
        await receive_one(session, announced, upload, out)
        message = new_message(args.message, upload, replaces=old[1])
        appended = await session.account.append(args.mailbox, [message])
    except NoSuchMailbox as error:
        raise try_create(args.mailbox, error) from None
    finally:
        await upload.discard()
    await session.mailbox.remove(UidSet.of([old[0]]))
    out.send(r.Ok("Replaced", r.AppendUid(appended.uidvalidity, appended.uids)))
    highest = r.HighestModSeq(session.mailbox.highest_modseq) if session.qresync else None
    return r.Ok("REPLACE completed", highest)


async def _replaceable(session: Selected, args: Replace, announced: framing.StreamStart) -> tuple[int, int]:
    """UID and octets of the message to be replaced, if all may come to pass; raises what stands against it."""
    require_writable(session)
    uids = session.uids(session.spans(args.number, uid=args.uid))
    uid = next(iter(uids), 0)
    place = session.mailbox.columns.position(uid)
    if len(uids) != 1 or place < 0:
        raise no("There is no such message", r.EXPUNGEISSUED if uids else r.NONEXISTENT)
    size = session.mailbox.columns.sizes[place]
    try:
        await session.account.require(args.mailbox)
    except NoSuchMailbox as error:
        raise try_create(args.mailbox, error) from None
    if announced.size > session.house.message_size:
        raise TooBig
    await session.account.check_quota(max(announced.size - size, 0), 0)
    return uid, size
