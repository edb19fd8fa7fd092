"""COPY and MOVE, by number and by UID (RFC 3501 §6.4.7; RFC 6851; COPYUID RFC 4315 §3)."""

from mailaccess.imap.answers import no
from mailaccess.imap.commands.expunge import require_writable
from mailaccess.imap.dispatch import command
from mailaccess.imap.limiting import last_uids, require_savable, told
from mailaccess.imap.namespaces import Place
from mailaccess.imap.progress import signs_of_life
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.imap.transfer import copy_across
from mailaccess.model.errors import NoSuchMailbox
from mailaccess.model.names import problem
from mailaccess.model.rights import FLAG_RIGHTS, permitted
from mailaccess.model.sequence import SequenceSet, UidSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.messages import Copy, Move
from mailaccess.store.api import Copied, FlagFilter


@command("COPY", "UID COPY", state=Selected, tells_expunges=True)
async def copy(session: Selected, args: Copy, out: Replies) -> r.Status:
    """RFC 3501 §6.4.7: all or nothing."""
    uids = _chosen(session, args.numbers, uid=args.uid)
    if not uids:
        return r.Ok("No messages copied")
    require_savable(session, len(uids), uids)
    place = await target(session, args.mailbox)
    try:
        with signs_of_life(session.connection):
            if place.account is session.place.account:
                copied = await session.mailbox.copy(uids, place.name, keep=_filter(place))
            else:
                copied = await copy_across(session, uids, place)
    except NoSuchMailbox as error:
        raise try_create(place.shown, error, owned=place.owned) from None
    return r.Ok("COPY completed", _copy_uid(copied))


@command("MOVE", "UID MOVE", state=Selected, tells_expunges=True)
async def move(session: Selected, args: Move, out: Replies) -> r.Status:
    """RFC 6851 §3.3: COPYUID goes before the EXPUNGEs, which the dispatcher tells, in an untagged OK.

    It needs the rights of COPY, STORE and EXPUNGE (RFC 6851 §4.2). Between accounts the copies are on disk
    before the originals go: after a crash in between both are there, and never none.
    """
    require_writable(session)
    session.place.require("te")
    uids = _chosen(session, args.numbers, uid=args.uid)
    if not uids:
        return r.Ok("No messages moved")
    uids, limited = last_uids(session, uids)
    place = await target(session, args.mailbox)
    try:
        with signs_of_life(session.connection):
            if place.account is session.place.account:
                moved = await session.mailbox.move(uids, place.name, keep=_filter(place))
            else:
                moved = await copy_across(session, uids, place)
                await session.mailbox.remove(UidSet.of(moved.sources))
    except NoSuchMailbox as error:
        raise try_create(place.shown, error, owned=place.owned) from None
    code = _copy_uid(moved)
    if code is not None:
        out.send(r.Ok("Moved", code))
    highest = r.HighestModSeq(session.mailbox.highest_modseq) if session.qresync and code else None
    return told(r.Ok("MOVE completed", highest), limited, out)


async def target(session: Authenticated, name: str) -> Place:
    """The place of a mailbox that messages may be put into. Raises Refusal, NotPermitted."""
    try:
        place = await session.namespaces.place(name)
        place.require("i")
    except NoSuchMailbox as error:
        raise try_create(name, error, owned=False) from None
    return place


def try_create(name: str, error: NoSuchMailbox, *, owned: bool) -> Exception:
    """TRYCREATE where CREATE would help. RFC 3501 §7.1."""
    if problem(name) is not None:
        return no(str(error), r.CANNOT)
    return no(str(error), r.TRYCREATE if owned else r.NONEXISTENT)


def _filter(place: Place) -> FlagFilter | None:
    """What COPY may take along of a message's flags: RFC 4314 §4. None: all."""
    rights = place.rights
    return None if rights >= FLAG_RIGHTS else lambda flags: permitted(rights, flags)


def _chosen(session: Selected, numbers: SequenceSet, *, uid: bool) -> UidSet:
    """The messages meant. By number, one that is gone but not told makes it fail: RFC 2180 §4.4."""
    uids = session.uids(session.spans(numbers, uid=uid))
    lost = uids & session.view.losses()
    if lost and not uid:
        raise no("Some of the messages no longer exist", r.EXPUNGEISSUED)
    return uids - lost if lost else uids


def _copy_uid(copied: Copied) -> r.CopyUid | None:
    if not copied.targets:
        return None
    return r.CopyUid(copied.uidvalidity, copied.sources, copied.targets)
