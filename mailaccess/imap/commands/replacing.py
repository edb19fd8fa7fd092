"""REPLACE and UID REPLACE (RFC 8508): a draft is saved over its last version, in one transaction.

Only what the old version leaves free is counted against the quota.
"""

from mailaccess.imap.answers import bad, no
from mailaccess.imap.commands.copying import try_create
from mailaccess.imap.commands.expunge import require_writable
from mailaccess.imap.dispatch import command
from mailaccess.imap.receiving import Reception
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.model.errors import NoSuchMailbox
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.replace import Replace
from mailaccess.store.api import Replaced


@command("REPLACE", "UID REPLACE", state=Authenticated, tells_expunges=True)
async def replace(session: Authenticated, args: Replace, out: Replies) -> r.Status:
    """RFC 8508 §3.4: APPENDUID goes before the EXPUNGE, which the dispatcher tells, in an untagged OK.

    The message may be a catenation, also of parts of the one it replaces (§4.2).
    """
    freed = 0

    async def room(octets: int, messages: int) -> None:
        await session.account.check_quota(max(octets - freed, 0), 0)

    reception = Reception(session, out, room=room, most=1)
    try:
        if not isinstance(session, Selected):
            raise bad("No mailbox is selected")
        uid, freed = _replaceable(session, args)
        await session.account.require(args.mailbox)
        messages = await reception.messages((args.message,), Replaced(session.mailbox, uid))
        appended = await session.account.append(args.mailbox, messages)
    except NoSuchMailbox as error:
        raise try_create(args.mailbox, error) from None
    finally:
        reception.refuse()
        await reception.discard()
    out.send(r.Ok("Replaced", r.AppendUid(appended.uidvalidity, appended.uids)))
    highest = r.HighestModSeq(session.mailbox.highest_modseq) if session.qresync else None
    return r.Ok("REPLACE completed", highest)


def _replaceable(session: Selected, args: Replace) -> tuple[int, int]:
    """UID and octets of the message to be replaced; raises what stands against it."""
    require_writable(session)
    uids = session.uids(session.spans(args.number, uid=args.uid))
    uid = next(iter(uids), 0)
    place = session.mailbox.columns.position(uid)
    if len(uids) != 1 or place < 0:
        raise no("There is no such message", r.EXPUNGEISSUED if uids else r.NONEXISTENT)
    return uid, session.mailbox.columns.sizes[place]
