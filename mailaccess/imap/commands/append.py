"""APPEND (RFC 3501 §6.3.11; MULTIAPPEND RFC 3502; APPENDUID RFC 4315 §3; APPENDLIMIT RFC 7889; CATENATE RFC 4469)."""

from mailaccess.imap.commands.copying import target, try_create
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
    """RFC 3501 §6.3.11. With several messages all are stored or none (RFC 3502 §6.3.11)."""
    reception = Reception(session, out)
    try:
        place = await target(session, args.mailbox)

        async def room(octets: int, messages: int) -> None:
            require_savable(session, messages)
            await place.account.check_quota(octets, messages)

        try:
            await place.account.require(place.name)
            messages = await reception.messages(args.messages, place, room=room)
            appended = await place.account.append(place.name, messages)
        except NoSuchMailbox as error:
            raise try_create(place.shown, error, owned=place.owned) from None
    finally:
        reception.refuse()
        await reception.discard()
    await tell_old_name(session, args.mailbox, out)
    return r.Ok("APPEND completed", r.AppendUid(appended.uidvalidity, appended.uids))
