"""Sets of message numbers: as a client writes them, and as sets of UIDs.

``SequenceSet`` keeps what was written (``4,2:*``, RFC 9051 §9 sequence-set); only a session's
view knows which numbers it stands for. ``UidSet`` is a set of numbers held as sorted,
disjoint, non-adjacent ranges, so that ``1:4000000000`` costs nothing.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

MAX_NUMBER: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Range:
    """One seq-range. An end of None is ``*``; the ends stay in the order in which they were written."""

    first: int | None
    last: int | None

    def resolve(self, largest: int) -> tuple[int, int]:
        """The ends in ascending order, with ``*`` read as ``largest``. RFC 9051 §9 (seq-number)."""
        first = largest if self.first is None else self.first
        last = largest if self.last is None else self.last
        return (first, last) if first <= last else (last, first)


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """A sequence-set as written; ``saved`` is ``$``, the result of the last search (RFC 9051 §6.4.4.1)."""

    ranges: tuple[Range, ...] = ()
    saved: bool = False

    def resolve(self, largest: int) -> "UidSet":
        """The numbers meant, with ``*`` read as ``largest`` (the highest number in use, at least 1).

        ``*`` in an empty mailbox stands for nothing that exists: the caller intersects with what is there.
        """
        return UidSet.from_ranges(item.resolve(largest) for item in self.ranges)


class UidSet:
    """An immutable set of numbers from 1 to 2**32 - 1: sorted disjoint ranges, both ends inclusive."""

    __slots__ = ("_firsts", "ranges")

    ranges: tuple[tuple[int, int], ...]

    def __init__(self, ranges: tuple[tuple[int, int], ...] = ()) -> None:
        """``ranges`` must be sorted, disjoint and not adjacent; use the class methods for anything else."""
        self.ranges = ranges
        self._firsts: list[int] | None = None

    @classmethod
    def from_ranges(cls, ranges: Iterable[tuple[int, int]]) -> Self:
        """Merge ranges (first <= last) in any order. O(n log n)."""
        merged: list[tuple[int, int]] = []
        for first, last in sorted(ranges):
            if merged and first <= merged[-1][1] + 1:
                if last > merged[-1][1]:
                    merged[-1] = (merged[-1][0], last)
            else:
                merged.append((first, last))
        return cls(tuple(merged))

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Self:
        """From single numbers in any order."""
        ordered = sorted(numbers)
        if not ordered:
            return cls()
        if ordered[-1] - ordered[0] + 1 == len(ordered):  # the common case: one run without duplicates
            return (
                cls.from_ranges([(ordered[0], ordered[-1])])
                if len(set(ordered)) == len(ordered)
                else cls._runs(ordered)
            )
        return cls._runs(ordered)

    @classmethod
    def _runs(cls, ordered: Sequence[int]) -> Self:
        ranges: list[tuple[int, int]] = []
        first = last = ordered[0]
        for number in ordered:
            if number > last + 1:
                ranges.append((first, last))
                first = number
            last = number
        ranges.append((first, last))
        return cls(tuple(ranges))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``3:5,9`` (no ``*``). Raises ValueError."""
        ranges = []
        for item in text.split(","):
            first, colon, last = item.partition(":")
            low, high = int(first), int(last if colon else first)
            if low > high:
                low, high = high, low
            if not 1 <= low <= high <= MAX_NUMBER:
                raise ValueError("number out of range")
            ranges.append((low, high))
        return cls.from_ranges(ranges)

    def __str__(self) -> str:
        """As a sequence-set: ``3:5,9``; the empty set is the empty string."""
        return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in self.ranges)

    def __bytes__(self) -> bytes:
        return str(self).encode("ascii")

    def __repr__(self) -> str:
        return f"UidSet({self})"

    def __iter__(self) -> Iterator[int]:
        for first, last in self.ranges:
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.ranges)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int):
            return False
        if self._firsts is None:
            self._firsts = [first for first, _ in self.ranges]
        place = bisect_right(self._firsts, number) - 1
        return place >= 0 and number <= self.ranges[place][1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UidSet) and self.ranges == other.ranges

    def __hash__(self) -> int:
        return hash(self.ranges)

    def __or__(self, other: "UidSet") -> "UidSet":
        return UidSet.from_ranges((*self.ranges, *other.ranges))

    def __and__(self, other: "UidSet") -> "UidSet":
        found: list[tuple[int, int]] = []
        mine, theirs = self.ranges, other.ranges
        i = j = 0
        while i < len(mine) and j < len(theirs):
            first, last = max(mine[i][0], theirs[j][0]), min(mine[i][1], theirs[j][1])
            if first <= last:
                found.append((first, last))
            if mine[i][1] < theirs[j][1]:
                i += 1
            else:
                j += 1
        return UidSet(tuple(found))

    def __sub__(self, other: "UidSet") -> "UidSet":
        return self & other.complement()

    def complement(self) -> "UidSet":
        """Every number from 1 to 2**32 - 1 that is not in the set."""
        gaps: list[tuple[int, int]] = []
        start = 1
        for first, last in self.ranges:
            if first > start:
                gaps.append((start, first - 1))
            start = last + 1
        if start <= MAX_NUMBER:
            gaps.append((start, MAX_NUMBER))
        return UidSet(tuple(gaps))

    def among(self, ascending: Sequence[int]) -> list[int]:
        """Those of ``ascending`` (sorted) that are in the set, in order. O(ranges · log n + found)."""
        found: list[int] = []
        for first, last in self.ranges:
            start = bisect_right(ascending, first - 1)
            found.extend(ascending[start : bisect_right(ascending, last, start)])
            if start >= len(ascending):
                break
        return found


EMPTY: Final = UidSet()
