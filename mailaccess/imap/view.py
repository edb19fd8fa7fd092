"""Message numbers as one client knows them (RFC 9051 §2.3.1.2, §7.5.1; RFC 2180).

The mailbox is shared and moves on; a client's numbers move only when that client is told. The view
holds what lies between: how many messages the client knows, the highest UID among them, and which of
them are gone without the client having been told ("losses").

While there are no losses, the client's messages are the first ``count`` of the mailbox's UID column: new
messages only ever come at its end. So a view costs nothing in the common case. With losses, what the
client knows is the column up to ``last`` with the losses put back, in order; that array is made when
first needed and thrown away when the losses are told. The losses do not change the numbers of the client
while they wait, which is what RFC 9051 §7.5.1 asks of FETCH, STORE and SEARCH.

Places count from 0, numbers from 1. A span is a half-open range of places.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, starmap
from typing import Any, NamedTuple

from mailaccess.model.sequence import EMPTY, SequenceSet, UidSet
from mailaccess.store.api import Mailbox

Span = tuple[int, int]


class BadNumber(Exception):
    """A message number beyond the last one: BAD. RFC 3501 §9 (seq-number)."""


class Rows(NamedTuple):
    """Messages of one slice that are still there: their numbers, UIDs, and places in the mailbox's columns.

    The places hold only until the next ``await``.
    """

    numbers: Sequence[int]
    uids: Sequence[int]
    places: Sequence[int]

    def take(self, column: Sequence[Any]) -> Sequence[Any]:
        """The values of these messages in one of the mailbox's columns."""
        places = self.places
        if type(places) is range:
            return column[places.start : places.stop]
        return [column[place] for place in places]


class View:
    """See the module's text. Made when a mailbox is selected: the client is told all that is there then."""

    __slots__ = ("_known", "_lost", "_losses", "_mailbox", "count", "last")

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._losses: list[UidSet] = []  # each UID at most once, so never more than ``count`` entries
        self._lost = 0  # how many messages the losses are
        self._known: array[int] | None = None  # the client's UIDs, while there are losses
        self.count = 0
        self.last = 0
        self.grow()

    @property
    def has_losses(self) -> bool:
        return self._lost > 0

    @property
    def has_grown(self) -> bool:
        """Whether the mailbox has messages that the client doesn't know."""
        return len(self._mailbox.columns) + self._lost > self.count

    @property
    def uids(self) -> Sequence[int]:
        """The UIDs of messages 1 to ``count``. Not to be held over an ``await``."""
        column = self._mailbox.columns.uids
        if not self._lost:
            return column if len(column) == self.count else column[: self.count]
        if self._known is None:
            known = array("I", column[: bisect_right(column, self.last)])
            for loss in self._losses:
                known.extend(loss)
            self._known = array("I", sorted(known))
        return self._known

    def number(self, uid: int) -> int:
        """The message number of ``uid``; 0 if the client doesn't know it."""
        if not self._lost:
            place = self._mailbox.columns.position(uid)
            return place + 1 if 0 <= place < self.count else 0
        uids = self.uids
        place = bisect_left(uids, uid)
        return place + 1 if place < len(uids) and uids[place] == uid else 0

    def numbers(self, uids: list[int]) -> list[int]:
        """The message number of each of ``uids`` (ascending), of messages that the client knows and that are there."""
        known, count = self.uids, self.count
        if (
            uids and known[count - 1] - known[0] + 1 == count
        ):  # as in most mailboxes that nothing was expunged from
            before = known[0] - 1
            return [uid - before for uid in uids] if before else uids
        return [bisect_right(known, uid) for uid in uids]

    # --- what happened, and what the client is told of it --------------------------------------------

    def lose(self, gone: UidSet) -> bool:
        """Note that messages are gone; says whether the client knew any of them."""
        if not gone or gone.ranges[0][0] > self.last:
            return False
        if gone.ranges[-1][1] > self.last:
            gone &= UidSet(((1, self.last),))
        self._losses.append(gone)
        self._lost += len(gone)
        return True

    def grow(self) -> bool:
        """Let the client know of all messages there are; says whether there were new ones (tell EXISTS)."""
        uids = self._mailbox.columns.uids
        if len(uids) + self._lost == self.count:
            return False
        if uids:
            self.last = max(self.last, uids[-1])
        self.count = len(uids) + self._lost
        self._known = None
        return True

    def forget_losses(self) -> tuple[UidSet, list[tuple[int, int]]]:
        """The losses, and how to tell them: (number, times) pairs for EXPUNGE in ascending order of UIDs.

        A message's number, once all lower losses are told, is one more than what is left below it. So a run
        of UIDs is the same number again and again.
        """
        gone = self.losses()
        column = self._mailbox.columns.uids
        told = [(bisect_left(column, first) + 1, last - first + 1) for first, last in gone.ranges]
        self._losses.clear()
        self.count -= self._lost
        self._lost = 0
        self._known = None
        return gone, told

    def losses(self) -> UidSet:
        """The messages that are gone and not told."""
        if not self._losses:
            return EMPTY
        if len(self._losses) > 1:
            self._losses = [UidSet.from_ranges(span for loss in self._losses for span in loss.ranges)]
        return self._losses[0]

    # --- what a client means --------------------------------------------------------------------------

    def spans(self, numbers: SequenceSet, *, uid: bool, saved: UidSet = EMPTY) -> list[Span]:
        """The places that a sequence-set stands for, ascending and apart.

        uid: the set is one of UIDs; those the client doesn't know are passed over (RFC 9051 §6.4.9).
        saved: what ``$`` stands for. Raises BadNumber for a message number there is none of.
        """
        if numbers.saved:
            return self.spans_of(saved)
        if uid:
            return self.spans_of(numbers.resolve(self.last_uid()))
        count = self.count
        chosen = numbers.resolve(count).ranges
        if not chosen or chosen[-1][1] > count or chosen[0][0] < 1:
            raise BadNumber
        return [(first - 1, last) for first, last in chosen]

    def last_uid(self) -> int:
        """What ``*`` means in a set of UIDs; 1 where there is no message, which then names none."""
        uids = self.uids
        return uids[-1] if self.count else 1

    def spans_of(self, uids: UidSet) -> list[Span]:
        """The places of those of ``uids`` that the client knows. O(ranges · log count)."""
        known = self.uids
        count = self.count
        spans: list[Span] = []
        start = stop = 0
        for first, last in uids.ranges:
            begin = bisect_left(known, first, stop)
            if begin >= count:
                break
            end = bisect_right(known, last, begin)
            if begin == end:
                continue
            if begin == stop and stop:
                stop = end
                continue
            if stop:
                spans.append((start, stop))
            start, stop = begin, end
        if stop:
            spans.append((start, stop))
        return spans

    def uid_set(self, spans: Iterable[Span]) -> UidSet:
        """The UIDs at those places."""
        known = self.uids
        ranges: list[tuple[int, int]] = []
        for start, stop in spans:
            _runs(known, start, stop, ranges)
        return UidSet.from_ranges(ranges)

    def numbers_of(self, uids: UidSet) -> UidSet:
        """The message numbers of those of ``uids`` that the client knows."""
        return UidSet.from_ranges((start + 1, stop) for start, stop in self.spans_of(uids))

    def rows_of(self, spans: Sequence[Span]) -> Rows:
        """The messages at these places that still exist; for thousands of single numbers as for one long
        span.
        """
        if len(spans) == 1:
            return self.rows(*spans[0])
        if not self._lost:
            places = list(chain.from_iterable(starmap(range, spans)))
            uids = list(map(self._mailbox.columns.uids.__getitem__, places))
            return Rows([place + 1 for place in places], uids, places)
        parts = [self.rows(start, stop) for start, stop in spans]
        return Rows(*(list(chain.from_iterable(column)) for column in zip(*parts, strict=True)))

    def rows(self, start: int, stop: int) -> Rows:
        """The messages at places ``start`` to ``stop`` that still exist."""
        columns = self._mailbox.columns
        if not self._lost:
            places = range(start, stop)
            return Rows(range(start + 1, stop + 1), columns.uids[start:stop], places)
        rows = [
            (number, uid, place)
            for number, uid in enumerate(self.uids[start:stop], start + 1)
            if (place := columns.position(uid)) >= 0
        ]
        return Rows([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])


def chunks(spans: Sequence[Span], length: int) -> Iterator[list[Span]]:
    """The spans, cut and gathered so that each lot stands for at most ``length`` messages."""
    lot: list[Span] = []
    room = length
    for start, stop in spans:
        while start < stop:
            end = min(stop, start + room)
            lot.append((start, end))
            room -= end - start
            start = end
            if not room:
                yield lot
                lot, room = [], length
    if lot:
        yield lot


def _runs(known: Sequence[int], start: int, stop: int, ranges: list[tuple[int, int]]) -> None:
    """Append the runs of consecutive UIDs in ``known[start:stop]``; halves until a piece is one run or
    short.
    """
    stack = [(start, stop)]
    while stack:
        start, stop = stack.pop()
        if known[stop - 1] - known[start] == stop - 1 - start:
            ranges.append((known[start], known[stop - 1]))
        elif stop - start <= 16:
            ranges.extend(UidSet.of(known[start:stop]).ranges)
        else:
            middle = (start + stop) // 2
            stack.append((middle, stop))
            stack.append((start, middle))
