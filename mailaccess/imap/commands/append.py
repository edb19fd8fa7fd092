"""APPEND (RFC 3501 §6.3.11; MULTIAPPEND RFC 3502; APPENDUID RFC 4315 §3; APPENDLIMIT RFC 7889; CATENATE RFC 4469)."""

from mailaccess.imap.commands.copying import try_create
from mailaccess.imap.commands.oldname import tell_old_name
from mailaccess.imap.dispatch import command
from mailaccess.imap.limiting import require_savable
from mailaccess.imap.receiving import Reception
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated
from mailaccess.model.errors import NoSuchMailbox
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.append import Append


@command("APPEND", state=Authenticated, tells_expunges=True)
async def append(session: Authenticated, args: Append, out: Replies) -> r.Status:
    """RFC 3501 §6.3.11. With several messages all are stored or none (RFC 3502 §6)."""

    async def room(octets: int, messages: int) -> None:
        require_savable(session, messages)
        await session.account.check_quota(octets, messages)

    reception = Reception(session, out, room=room)
    try:
        await session.account.require(args.mailbox)
        messages = await reception.messages(args.messages)
        appended = await session.account.append(args.mailbox, messages)
    except NoSuchMailbox as error:
        raise try_create(args.mailbox, error) from None
    finally:
        reception.refuse()
        await reception.discard()
    await tell_old_name(session, args.mailbox, out)
    return r.Ok("APPEND completed", r.AppendUid(appended.uidvalidity, appended.uids))
