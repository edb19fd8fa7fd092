"""QRESYNC (RFC 7162 §3.2): what went and what changed since a client was last here, in one round trip."""

from typing import Final

from mailaccess.imap.answers import bad
from mailaccess.imap.fetch.items import plan
from mailaccess.imap.fetch.produce import produce
from mailaccess.imap.replies import Replies
from mailaccess.imap.session import Authenticated, Selected
from mailaccess.model.sequence import MAX_NUMBER, SequenceSet, UidSet
from mailaccess.proto.imap import fetch as f
from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.commands.mailboxes import QResync

RANGES: Final = 500
"""Ranges of UIDs in one VANISHED line: below 10 KB, which every client's line buffer takes."""

_ITEMS: Final = (f.Uid(), f.Flags(), f.ModSeq())


async def resynchronize(session: Selected, asked: QResync, out: Replies) -> None:
    """What SELECT (QRESYNC ...) tells besides. RFC 7162 §3.2.5; another UIDVALIDITY: nothing."""
    mailbox = session.mailbox
    if asked.uid_validity != mailbox.uidvalidity:
        return
    highest = max(mailbox.uidnext - 1, 1)
    known = UidSet(((1, highest),))
    if asked.known_uids is not None:
        known &= asked.known_uids.resolve(highest)
    matched = _last_match(session, asked.seq_match, asked.uid_match)
    unsure = known & UidSet(((matched + 1, MAX_NUMBER),)) if matched < MAX_NUMBER else UidSet()
    await tell_vanished(session, unsure, asked.modseq, out)
    made = plan(_ITEMS, uid=session.names_uid(True), flags=True, modseq=True)
    await produce(session, made, session.view.spans_of(known), out, changed_since=asked.modseq)


def _last_match(session: Selected, numbers: SequenceSet | None, uids: SequenceSet | None) -> int:
    """The highest UID of which the client knows the right number: below it, it has missed nothing that went.

    RFC 7162 §3.2.5.2. The pairs stand in ascending order; the sets are equally long or worth nothing.
    """
    if numbers is None or uids is None:
        return 0
    theirs, wanted = numbers.resolve(MAX_NUMBER), uids.resolve(MAX_NUMBER)
    view = session.view
    known = view.uids
    count = min(len(theirs), len(wanted), view.count)
    last = 0
    for (number, uid), _ in zip(zip(theirs, wanted, strict=False), range(count), strict=False):
        if number > view.count or known[number - 1] != uid:
            break
        last = uid
    return last


async def tell_vanished(session: Selected, among: UidSet, modseq: int, out: Replies) -> None:
    """VANISHED (EARLIER) for those of ``among`` that went after ``modseq``. RFC 7162 §3.2.6, §3.2.10.1.

    Where the index does not remember that far, all that are not there. What this session still has a number
    for is told as any other loss.
    """
    if not among:
        return
    gone = await session.mailbox.expunged_since(modseq)
    view = session.view
    there = view.uid_set([(0, view.count)]) if view.count else UidSet()
    known = among & UidSet(((1, max(session.mailbox.uidnext - 1, 1)),))
    gone = (known if gone is None else gone & known) - there
    for start in range(0, len(gone.ranges), RANGES):
        out.send(r.Vanished(UidSet(gone.ranges[start : start + RANGES]), earlier=True))
        await out.room()


def require_qresync(session: Authenticated, what: str) -> None:
    """Raises Refusal (BAD) where the client has not enabled QRESYNC. RFC 7162 §3.2.3."""
    if not session.qresync:
        raise bad(f"{what} needs ENABLE QRESYNC", r.CLIENTBUG)
