"""PARTIAL: a window of results, counted from the first or from the last (RFC 9394; RFC 5267 §4.4)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from mailaccess.model.sequence import MAX_NUMBER
from mailaccess.proto.imap.tokens import ImapCursor

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PartialRange:
    """partial-range. Both ends count from 1, or from -1 backwards; in the order in which they were written."""

    first: int
    last: int

    def of(self, results: Sequence[T]) -> Sequence[T]:
        """Those results that lie in the window, in their order."""
        low, high = sorted((self.first, self.last))
        if low > 0:
            return results[low - 1 : high]
        count = len(results)
        return results[max(count + low, 0) : max(count + high + 1, 0)]

    def __str__(self) -> str:
        return f"{self.first}:{self.last}"


_RANGE: Final = re.compile(rb"(-?)([1-9][0-9]{0,9}):(-?)([1-9][0-9]{0,9})")


def result_range(cur: ImapCursor) -> PartialRange:
    """partial-range = nz-number ":" nz-number / "-" nz-number ":" "-" nz-number. RFC 9394 §4."""
    at = cur.pos
    octets = cur.take(_RANGE, "a range of results")
    first, _, last = octets.partition(b":")
    found = PartialRange(int(first), int(last))
    if (found.first < 0) != (found.last < 0) or max(abs(found.first), abs(found.last)) > MAX_NUMBER:
        cur.fail("a range of results", at)
    return found
