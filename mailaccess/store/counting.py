"""STATUS: the numbers of a mailbox, counted once and then kept current by what is done to it.

What is kept is checked against the numbers that change whenever anything does (UIDVALIDITY, UIDNEXT,
HIGHESTMODSEQ, the first \\Recent), so a change that went unseen here costs a count and no wrong answer.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from mailaccess.model.flags import DELETED, SEEN, FlagSet
from mailaccess.store.api import Status
from mailaccess.store.changes import Delta

KEPT: Final = 10_000
"""Mailboxes of an account whose numbers are kept: all that it may have."""

FOLLOWED: Final = 64
"""New messages of one change that are counted one by one; more of them are counted with the whole."""

Stamp = tuple[int, int, int, int]
"""uidvalidity, uidnext, highest_modseq, first_recent"""


class Counts:
    """Written and read in the account's serial jobs. sets: the account's flag sets by their numbers."""

    def __init__(self, sets: Sequence[FlagSet]) -> None:
        self._sets = sets
        self._kept: dict[str, tuple[Stamp, Status]] = {}

    def get(self, mailbox_id: str, stamp: Stamp) -> Status | None:
        kept = self._kept.get(mailbox_id)
        return kept[1] if kept is not None and kept[0] == stamp else None

    def has(self, mailbox_id: str) -> bool:
        """Whether the mailbox's numbers are kept: then what comes in is to be told with its flags and sizes."""
        return mailbox_id in self._kept

    def keep(self, mailbox_id: str, stamp: Stamp, status: Status) -> None:
        if len(self._kept) >= KEPT:
            self._kept.clear()
        self._kept[mailbox_id] = (stamp, status)

    def follow(self, delta: Delta) -> None:
        """What was committed to a mailbox: small changes are added, others make a count necessary."""
        kept = self._kept.get(delta.mailbox_id)
        if kept is None:
            return
        stamp, before = kept
        after = self._after(before, delta) if delta.modseq == stamp[2] + 1 else None
        if after is None:
            del self._kept[delta.mailbox_id]
            return
        after = replace(after, uidnext=delta.uidnext, highest_modseq=delta.modseq)
        self._kept[delta.mailbox_id] = ((stamp[0], delta.uidnext, delta.modseq, stamp[3]), after)

    def _after(self, before: Status, delta: Delta) -> Status | None:
        if (
            delta.expunged
            or delta.rows
            or delta.resized
            or delta.gone
            or delta.whole is not None
            or delta.first_recent
        ):
            return None
        new = delta.appended
        if new is not None and not delta.flagged and len(new.uids) <= FOLLOWED:
            flags = [self._sets[number] for number in new.flag_ids]
            deleted = [size for size, of in zip(new.sizes, flags, strict=True) if DELETED in of]
            return replace(
                before,
                messages=before.messages + len(flags),
                recent=before.recent + len(flags),
                unseen=before.unseen + sum([SEEN not in of for of in flags]),
                deleted=before.deleted + len(deleted),
                size=before.size + sum(new.sizes),
                deleted_size=before.deleted_size + sum(deleted),
            )
        if new is None and len(delta.mapping) == 1 and len(delta.flagged) == 1:
            ((old, now),) = delta.mapping.items()
            was, is_now = self._sets[old], self._sets[now]
            if (DELETED in was) == (DELETED in is_now):
                return replace(before, unseen=before.unseen + (SEEN in was) - (SEEN in is_now))
        return None
