"""REPLACE and UID REPLACE (RFC 8508): a draft is saved over its last version, in one transaction.

Only what the old version leaves free is counted against the quota. Into another account's mailbox the new
version is appended before the old one goes, each in its own transaction: after a crash in between both are
there.
"""

from mailaccess.imap.answers import bad, no
from mailaccess.imap.commands.copying import target, try_create
from mailaccess.imap.commands.expunge import require_writable
from mailaccess.imap.dispatch import command
from mailaccess.imap.receiving import Reception
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.model.errors import NoSuchMailbox
from mailaccess.model.sequence import UidSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.replace import Replace
from mailaccess.store.api import Replaced


@command("REPLACE", "UID REPLACE", state=Authenticated, tells_expunges=True)
async def replace(session: Authenticated, args: Replace, out: Replies) -> r.Status:
    """RFC 8508 §3.4: APPENDUID goes before the EXPUNGE, which the dispatcher tells, in an untagged OK.

    The message may be a catenation, also of parts of the one it replaces (§4.2). It needs the rights of STORE,
    EXPUNGE and APPEND (§4.1).
    """
    reception = Reception(session, out, most=1)
    try:
        if not isinstance(session, Selected):
            raise bad("No mailbox is selected")
        uid, freed = _replaceable(session, args)
        place = await target(session, args.mailbox)
        within = place.account is session.place.account

        async def room(octets: int, messages: int) -> None:
            if within:
                await place.account.check_quota(max(octets - freed, 0), 0)
            else:
                await place.account.check_quota(octets, messages)

        try:
            await place.account.require(place.name)
            replaced = Replaced(session.mailbox, uid) if within else None
            messages = await reception.messages((args.message,), place, room=room, replaces=replaced)
            appended = await place.account.append(place.name, messages)
        except NoSuchMailbox as error:
            raise try_create(place.shown, error, owned=place.owned) from None
    finally:
        reception.refuse()
        await reception.discard()
    if not within:
        await session.mailbox.remove(UidSet.of([uid]))
    out.send(r.Ok("Replaced", r.AppendUid(appended.uidvalidity, appended.uids)))
    highest = r.HighestModSeq(session.mailbox.highest_modseq) if session.qresync else None
    return r.Ok("REPLACE completed", highest)


def _replaceable(session: Selected, args: Replace) -> tuple[int, int]:
    """UID and octets of the message to be replaced; raises what stands against it."""
    require_writable(session)
    session.place.require("te")
    uids = session.uids(session.spans(args.number, uid=args.uid))
    uid = next(iter(uids), 0)
    place = session.mailbox.columns.position(uid)
    if len(uids) != 1 or place < 0:
        raise no("There is no such message", r.EXPUNGEISSUED if uids else r.NONEXISTENT)
    return uid, session.mailbox.columns.sizes[place]
