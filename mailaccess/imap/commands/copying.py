"""COPY and MOVE, by number and by UID (RFC 3501 §6.4.7; RFC 6851; COPYUID RFC 4315 §3)."""

from mailaccess.imap.answers import no
from mailaccess.imap.commands.expunge import require_writable
from mailaccess.imap.dispatch import command
from mailaccess.imap.limiting import last_uids, require_savable, told
from mailaccess.imap.progress import signs_of_life
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Selected
from mailaccess.model.errors import NoSuchMailbox
from mailaccess.model.names import problem
from mailaccess.model.sequence import SequenceSet, UidSet
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.messages import Copy, Move
from mailaccess.store.api import Copied


@command("COPY", "UID COPY", state=Selected, tells_expunges=True)
async def copy(session: Selected, args: Copy, out: Replies) -> r.Status:
    """RFC 3501 §6.4.7: all or nothing."""
    uids = _chosen(session, args.numbers, uid=args.uid)
    if not uids:
        return r.Ok("No messages copied")
    require_savable(session, len(uids), uids)
    try:
        with signs_of_life(session.connection):
            copied = await session.mailbox.copy(uids, args.mailbox)
    except NoSuchMailbox as error:
        raise try_create(args.mailbox, error) from None
    return r.Ok("COPY completed", _copy_uid(copied))


@command("MOVE", "UID MOVE", state=Selected, tells_expunges=True)
async def move(session: Selected, args: Move, out: Replies) -> r.Status:
    """RFC 6851 §3.3: COPYUID goes before the EXPUNGEs, which the dispatcher tells, in an untagged OK."""
    require_writable(session)
    uids = _chosen(session, args.numbers, uid=args.uid)
    if not uids:
        return r.Ok("No messages moved")
    uids, limited = last_uids(session, uids)
    try:
        with signs_of_life(session.connection):
            moved = await session.mailbox.move(uids, args.mailbox)
    except NoSuchMailbox as error:
        raise try_create(args.mailbox, error) from None
    code = _copy_uid(moved)
    if code is not None:
        out.send(r.Ok("Moved", code))
    highest = r.HighestModSeq(session.mailbox.highest_modseq) if session.qresync and code else None
    return told(r.Ok("MOVE completed", highest), limited, out)


def try_create(name: str, error: NoSuchMailbox) -> Exception:
    """TRYCREATE where CREATE would help. RFC 3501 §7.1."""
    return no(str(error), r.TRYCREATE if problem(name) is None else r.CANNOT)


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
