"""A mailbox in memory: parallel arrays in ascending UID order (``api.Columns``)."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from mailaccess.model.flags import FlagSet
from mailaccess.model.sequence import UidSet
from mailaccess.store.values import UNDATED

DATED_AT_ONCE: Final = 10_000
"""Messages whose dates one job looks up: 60 ms."""


class MailboxColumns:
    """36 octets a message. Changed on the reactor thread only."""

    __slots__ = ("__weakref__", "dates", "flag_ids", "flag_sets", "modseqs", "sizes", "uids", "undated")

    def __init__(self, flag_sets: list[FlagSet]) -> None:
        self.uids = array("I")
        self.flag_ids = array("I")
        self.modseqs = array("Q")
        self.sizes = array("Q")
        self.dates = array("q")
        self.flag_sets = flag_sets
        self.undated = False

    def __len__(self) -> int:
        return len(self.uids)

    def position(self, uid: int) -> int:
        place = bisect_left(self.uids, uid)
        return place if place < len(self.uids) and self.uids[place] == uid else -1

    def append(
        self,
        uids: Sequence[int],
        flag_ids: Sequence[int],
        modseqs: Sequence[int],
        sizes: Sequence[int],
        dates: Sequence[int],
    ) -> None:
        """Add messages; ``uids`` ascend and lie above all that are there."""
        self.uids.extend(uids)
        self.flag_ids.extend(flag_ids)
        self.modseqs.extend(modseqs)
        self.sizes.extend(sizes)
        self.dates.extend(dates)
        if dates and dates[0] == UNDATED:  # all of a chunk's are, or none (``index.packed``)
            self.undated = True

    def set_flags(self, uids: UidSet, mapping: dict[int, int], modseq: int) -> None:
        """Give each of ``uids`` the flag set that ``mapping`` has for its present one, and ``modseq``."""
        same = next(iter(mapping.values())) if len(set(mapping.values())) == 1 else None
        for start, stop in self.slices(uids):
            if same is None:
                self.flag_ids[start:stop] = array("I", map(mapping.__getitem__, self.flag_ids[start:stop]))
            else:
                self.flag_ids[start:stop] = array("I", (same,)) * (stop - start)
            self.modseqs[start:stop] = array("Q", (modseq,)) * (stop - start)

    def set_each(self, rows: Iterable[tuple[int, int, int]]) -> None:
        """From rows of (uid, flag id, modseq); UIDs that are not there are passed over."""
        for uid, flag_id, modseq in rows:
            place = self.position(uid)
            if place >= 0:
                self.flag_ids[place] = flag_id
                self.modseqs[place] = modseq

    def set_sizes(self, rows: Iterable[tuple[int, int]]) -> None:
        """From rows of (uid, size); UIDs that are not there are passed over."""
        for uid, size in rows:
            place = self.position(uid)
            if place >= 0:
                self.sizes[place] = size

    def next_undated(self, start: int, low: int, high: int) -> tuple[int, int] | None:
        """The first and last UID of some messages from ``low`` to ``high``, of which the first has no date: from
        place ``start`` on.
        """
        start = max(start, bisect_left(self.uids, low))
        stop = bisect_right(self.uids, high)
        try:
            first = self.dates.index(UNDATED, start, stop)
        except ValueError:
            return None
        return self.uids[first], self.uids[min(first + DATED_AT_ONCE, stop) - 1]

    def set_dates(self, uids: "array[int]", dates: "array[int]") -> None:
        """UIDs ascend; those that are not there are passed over."""
        place = bisect_left(self.uids, uids[0])
        if self.uids[place : place + len(uids)] == uids:
            self.dates[place : place + len(uids)] = dates
            return
        for uid, date in zip(uids, dates, strict=True):
            place = self.position(uid)
            if place >= 0:
                self.dates[place] = date

    def remove(self, uids: UidSet) -> None:
        """Take messages out. O(n) however many ranges."""
        slices = self.slices(uids)
        if len(slices) <= 8:
            for start, stop in reversed(slices):
                for column in (self.uids, self.flag_ids, self.modseqs, self.sizes, self.dates):
                    del column[start:stop]
            return
        for name in ("uids", "flag_ids", "modseqs", "sizes", "dates"):
            column = getattr(self, name)
            kept = array(column.typecode)
            place = 0
            for start, stop in slices:
                kept.extend(column[place:start])
                place = stop
            kept.extend(column[place:])
            setattr(self, name, kept)

    def slices(self, uids: UidSet) -> list[tuple[int, int]]:
        """Where the ranges of ``uids`` lie: (start, stop) places, ascending, without empty ones."""
        found: list[tuple[int, int]] = []
        column = self.uids
        place, count = 0, len(column)
        for first, last in uids.ranges:
            start = bisect_left(column, first, place)
            stop = bisect_left(column, last + 1, start)
            if start < stop:
                found.append((start, stop))
            place = stop
            if place >= count:
                break
        return found
