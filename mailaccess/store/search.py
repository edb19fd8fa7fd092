"""Runs a search tree over a mailbox: columns first, then cached headers, then text (RFC 9051 §6.4.4).

The tree is put in order of cost once; then each node narrows the messages that are still undecided.
The parts of an And see only what the cheaper parts left over, the dearer side of an Or only what the
cheaper one did not find, so a text is read only where nothing else decides.

A search works on copies of the columns, taken when it begins: messages that arrive meanwhile are not
in the answer, messages that go meanwhile are taken out at the end. What the columns tell is compared
on the reactor in slices of 1 to 2 ms. Headers and texts are read in jobs of the account's serial
queue, each bounded, so that other jobs come between them. The answer is that of a sequential scan.
"""

import sqlite3
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import date
from functools import partial
from itertools import compress
from typing import Final, Protocol, TypeVar

from mailaccess.message.text import SEPARATOR, fold
from mailaccess.model import criteria as tree
from mailaccess.model.criteria import Comparison, Criterion, DateField
from mailaccess.model.sequence import UidSet
from mailaccess.store.api import Columns, Fact
from mailaccess.store.index import collated, fulltext, fuzzy, keysearch, objectids
from mailaccess.store.index.keys import COLUMNS
from mailaccess.store.index.rows import Job, Read
from mailaccess.store.keytexts import KeyTexts
from mailaccess.store.lane import step_aside

T = TypeVar("T")

SLICE: Final = 20_000
"""Positions compared before the reactor has its turn: about 1 ms."""

KEYS_AT_ONCE: Final = 5_000
"""Messages looked at in one job by their search keys: about 5 ms in SQLite."""

FEW: Final = 500
"""Messages that are looked up in the index rather than in the texts of the whole mailbox."""

ROWS_AT_ONCE: Final = 250
"""Messages looked at in one job by header or text, 5 to 8 ms; the tables' own bounds may end it earlier."""

WORDS_AT_ONCE: Final = 2_500
"""Messages looked at in one job by the words of their texts: about 5 ms; what has to be looked through ends it
earlier."""

LEAST: Final = 512
"""Messages asked for even where files have to be read: some whole blocks of words are among them (``firstwords``)."""

DAY: Final = 86_400
EPOCH: Final = date(1970, 1, 1).toordinal()

Positions = Sequence[int]
"""Places in the copied columns, ascending: a range or a list."""


class Searchable(Protocol):
    """What the core lends a search: one open mailbox and a way to its account's serial thread."""

    @property
    def columns(self) -> Columns: ...

    def run_job(self, job: Callable[[sqlite3.Connection, Read], T]) -> Awaitable[T]:
        """Run ``job(connection, read)`` on the account's serial queue; other jobs may come between two."""
        ...

    def contents(self, connection: sqlite3.Connection, uids: Sequence[int]) -> list[int | None]:
        """Blocking, within a job: the content id of each UID (ascending), None where it is gone."""
        ...

    def saved_dates(self, connection: sqlite3.Connection, uids: Sequence[int]) -> list[int | None]:
        """Blocking, within a job: the save date of each UID (RFC 8514), None where it is gone."""
        ...

    def key_texts(self, name: str) -> Awaitable[KeyTexts]:
        """The texts of a search key (of ``keys.COLUMNS``), as far as the index keeps them."""
        ...

    def prepare_key_texts(self, name: str) -> None:
        """More of them are kept now: have them in memory for the next search."""
        ...

    async def settle_dates(self, uids: UidSet) -> None:
        """``api.Mailbox``."""
        ...

    def pause(self) -> Awaitable[None]:
        """Give way to the reactor (``ThreadRunner.pause``)."""
        ...


async def search(
    mailbox: Searchable, criteria: Criterion, now: float, relevancies: dict[int, int] | None = None
) -> list[int]:
    """UIDs that match, ascending; messages expunged meanwhile are left out.

    relevancies: filled with a score for each, 1 to 100 (RFC 6203 §4).

    now: seconds since the epoch, for OLDER and YOUNGER.  ``Recent`` and ``MessageNumbers`` must have been
    resolved (ValueError).  Runs on the reactor in slices; headers and texts are read in bounded jobs.
    """
    run = _Search(mailbox, now)
    _, planned = _plan(criteria)
    matched = await run.matching(planned, range(len(run.uids)))
    uids, now_there = run.uids, mailbox.columns.uids
    if relevancies is not None:
        relevancies.update({uids[position]: run.relevancy(position) for position in matched})
    found = [uids[position] for position in matched]
    if now_there == uids:
        return found
    there = set(now_there)
    return [uid for uid in found if uid in there]


# What a key costs for each message, in microseconds or so; only the order counts.
_COSTS: Final[dict[type[Criterion], int]] = {
    tree.All: 0,
    tree.Uids: 0,
    tree.HasFlag: 1,
    tree.Larger: 1,
    tree.Smaller: 1,
    tree.Older: 1,
    tree.Younger: 1,
    tree.ModSeqSince: 1,
    tree.DateIs: 1,
    tree.Header: 30,
    tree.Body: 100,
    tree.Text: 130,
    tree.EmailId: 50,
    tree.Collated: 1000,
    tree.ThreadId: 50,
}
_COST_SENT: Final = 5
_COST_KEY: Final = 6
_FUZZY_TIMES: Final = 10


def _plan(node: Criterion) -> tuple[int, Criterion]:
    """A node's cost, and an equal node whose parts stand cheapest first, nested Ands made one."""
    match node:
        case tree.And(parts):
            planned = [_plan(part) for part in _flat(parts)]
            planned.sort(key=lambda item: item[0])
            return sum(cost for cost, _ in planned), tree.And(tuple(part for _, part in planned))
        case tree.Or(left, right):
            (left_cost, first), (right_cost, second) = sorted(
                (_plan(left), _plan(right)), key=lambda item: item[0]
            )
            return left_cost + right_cost, tree.Or(first, second)
        case tree.Not(part):
            cost, inner = _plan(part)
            return cost, inner.part if isinstance(inner, tree.Not) else tree.Not(inner)
        case tree.Header(field) if field.lower() in COLUMNS:
            return _COST_KEY, node
        case tree.DateIs(DateField.SENT | DateField.SAVED, _, _):
            return _COST_SENT, node
        case tree.Fuzzy(part):
            return _FUZZY_TIMES * _plan(part)[0], node
    return _COSTS.get(type(node), 0), node


def _flat(parts: tuple[Criterion, ...]) -> Iterator[Criterion]:
    for part in parts:
        if isinstance(part, tree.And):
            yield from _flat(part.parts)
        else:
            yield part


class _Search:
    """One search under way, over the columns as they were."""

    def __init__(self, mailbox: Searchable, now: float) -> None:
        columns = mailbox.columns
        self.mailbox = mailbox
        self.now = now
        self.uids = columns.uids[:]
        self.flag_ids = columns.flag_ids[:]
        self.modseqs = columns.modseqs[:]
        self.sizes = columns.sizes[:]
        self._dates = None if columns.undated else columns.dates[:]
        self.flag_sets = columns.flag_sets
        self.relevancies: dict[int, list[int]] = {}

    def relevancy(self, position: int) -> int:
        """The mean of what was found there by FUZZY keys; 100 where none was asked, all being met exactly."""
        scores = self.relevancies.get(position)
        if scores is None:
            return 1 if self.relevancies else 100
        return round(sum(scores) / len(scores))

    async def matching(self, node: Criterion, among: Positions) -> Positions:
        """Those of ``among`` that match. Nesting is bounded by the grammar that made the tree."""
        if not among:
            return among
        match node:
            case tree.All():
                return among
            case tree.And(parts):
                for part in parts:
                    among = await self.matching(part, among)
                return among
            case tree.Or(first, second):
                found = await self.matching(first, among)
                return await self.joined(found, await self.matching(second, await self.without(among, found)))
            case tree.Not(tree.HasFlag(flag)):
                return await self.with_flag(flag, among, wanted=False)
            case tree.Not(part):
                return await self.without(among, await self.matching(part, among))
            case tree.Fuzzy(part):
                return await self.with_fuzzy(part, among)
            case tree.Collated(part, collation):
                return await self.by_content(among, ROWS_AT_ONCE, collated.matcher(part, collation))
            case tree.Uids(uids):
                return await self.with_uids(uids, among)
            case tree.HasFlag(flag):
                return await self.with_flag(flag, among)
            case tree.DateIs(field, comparison, day):
                return await self.with_date(field, comparison, day, among)
            case tree.Header() | tree.Body() | tree.Text():
                return await self.with_text(node, among)
            case tree.EmailId(wanted):
                return await self.by_content(among, ROWS_AT_ONCE, objectids.by_id(Fact.EMAIL_ID, wanted))
            case tree.ThreadId(wanted):
                return await self.by_content(among, ROWS_AT_ONCE, objectids.by_id(Fact.THREAD_ID, wanted))
        return await self.with_number(node, among)

    # Sets of positions

    async def without(self, among: Positions, found: Positions) -> Positions:
        if not found:
            return among
        if len(found) == len(among):
            return []
        gone = set(found)
        return await self.sifted(among, lambda slice_: [at for at in slice_ if at not in gone])

    async def joined(self, found: Positions, more: Positions) -> Positions:
        if not found or not more:
            return found or more
        await self.mailbox.pause()
        return sorted([*found, *more])  # two runs: merged, not sorted

    async def sifted(self, among: Positions, sieve: Callable[[Positions], list[int]]) -> Positions:
        """What ``sieve`` leaves of ``among``, slice by slice."""
        if len(among) <= SLICE:
            return sieve(among)
        found: list[int] = []
        for start in range(0, len(among), SLICE):
            if start:
                await self.mailbox.pause()
            found += sieve(among[start : start + SLICE])
        return found

    # Columns

    async def with_uids(self, uids: UidSet, among: Positions) -> Positions:
        column, found = self.uids, list[int]()
        for number, (first, last) in enumerate(uids.ranges, 1):
            low = bisect_left(among, bisect_left(column, first))
            found += among[low : bisect_left(among, bisect_right(column, last), low)]
            if number % 1000 == 0:
                await self.mailbox.pause()
        return found

    async def with_flag(self, flag: str, among: Positions, *, wanted: bool = True) -> Positions:
        """Each different set of flags is looked at once; keywords compare without regard to case.

        wanted: whether they are to have it.
        """
        name = flag.lower()
        fits = bytes([any([own.lower() == name for own in flags]) == wanted for flags in self.flag_sets])
        return await self.selected(fits.__getitem__, self.flag_ids, among)

    async def with_number(self, node: Criterion, among: Positions) -> Positions:
        """A comparison of one column."""
        match node:
            case tree.Larger(octets):
                return await self.selected(octets.__lt__, self.sizes, among)
            case tree.Smaller(octets):
                return await self.selected(octets.__gt__, self.sizes, among)
            case tree.Older(seconds):
                return await self.selected((int(self.now) - seconds).__ge__, await self.dates(), among)
            case tree.Younger(seconds):
                return await self.selected((int(self.now) - seconds).__le__, await self.dates(), among)
            case tree.ModSeqSince(modseq):
                return await self.selected(modseq.__le__, self.modseqs, among)
        raise ValueError(f"{type(node).__name__} cannot be searched for")

    async def selected(
        self, test: Callable[[int], int | bool], column: "array[int]", among: Positions
    ) -> Positions:
        """Those of ``among`` whose value in ``column`` passes ``test``, a method in C where speed matters."""

        def sieve(slice_: Positions) -> list[int]:
            if isinstance(slice_, range):
                return list(compress(slice_, map(test, column[slice_.start : slice_.stop])))
            return list(compress(slice_, map(test, map(column.__getitem__, slice_))))

        return await self.sifted(among, sieve)

    # Dates

    async def dates(self) -> "array[int]":
        """INTERNALDATE of each; 0 of those that went meanwhile."""
        if self._dates is None:
            await self.mailbox.settle_dates(UidSet(((1, 2**32 - 1),)))
            columns = self.mailbox.columns
            now = dict(zip(columns.uids, columns.dates, strict=True))
            self._dates = array("q", [now.get(uid, 0) for uid in self.uids])
        return self._dates

    async def with_date(
        self, field: DateField, comparison: Comparison, day: date, among: Positions
    ) -> Positions:
        """INTERNALDATE and save date as days in UTC; the Date field as the day its writer saw."""
        first = (day.toordinal() - EPOCH) * DAY
        if field is DateField.INTERNAL:
            return await self.selected(_compare_days(comparison, first), await self.dates(), among)
        if field is DateField.SAVED:
            return await self.with_save_date(_compare_days(comparison, first), among)
        return await self.by_content(among, KEYS_AT_ONCE, keysearch.by_sent(comparison, day.toordinal()))

    async def with_save_date(self, test: Callable[[int], bool], among: Positions) -> Positions:
        found: list[int] = []
        for start in range(0, len(among), KEYS_AT_ONCE):
            batch = among[start : start + KEYS_AT_ONCE]
            saved = await self.mailbox.run_job(partial(self.saved, [self.uids[at] for at in batch]))
            found += [at for at, when in zip(batch, saved, strict=True) if when is not None and test(when)]
        return found

    def saved(self, uids: Sequence[int], connection: sqlite3.Connection, _: Read) -> list[int | None]:
        return self.mailbox.saved_dates(connection, uids)

    # Headers and texts

    async def with_text(self, node: tree.Header | tree.Body | tree.Text, among: Positions) -> Positions:
        match node:
            case tree.Header(field, text):
                name = field.lower()
                if name in COLUMNS:
                    return await self.with_key(name, text, among)
                return await self.by_content(among, ROWS_AT_ONCE, keysearch.by_header(name, text))
            case tree.Body(text):
                return await self.by_content(among, WORDS_AT_ONCE, fulltext.matcher(text, whole=False))
            case tree.Text(text):
                return await self.by_content(among, WORDS_AT_ONCE, fulltext.matcher(text, whole=True))

    async def with_fuzzy(self, node: Criterion, among: Positions) -> Positions:
        """FUZZY of a key is FUZZY of those within it; what is no text is met exactly. RFC 6203 §5."""
        match node:
            case tree.And(parts):
                planned = _plan(tree.And(tuple([tree.Fuzzy(part) for part in parts])))[1]
                return await self.matching(planned, among)
            case tree.Or(left, right):
                return await self.matching(tree.Or(tree.Fuzzy(left), tree.Fuzzy(right)), among)
            case tree.Not() | tree.Fuzzy():
                return await self.matching(node, among)
        job = fuzzy.matcher(node)
        if job is None:
            return await self.matching(node, among)
        return await self.by_content(among, ROWS_AT_ONCE, job)

    async def with_key(self, name: str, text: str, among: Positions) -> Positions:
        """By the texts in memory; messages whose keys are not kept yet by their files, which keeps them."""
        job = keysearch.by_key(name, text)
        if SEPARATOR in text or len(among) < FEW:
            return await self.by_content(among, KEYS_AT_ONCE, job)
        texts = await self.mailbox.key_texts(name)
        if len(texts.uids) * 2 < len(among):
            found = await self.by_content(among, KEYS_AT_ONCE, job)
            self.mailbox.prepare_key_texts(name)
            return found
        needle, places = fold(text).encode("utf-8", "replace"), list[int]()
        for number, some in enumerate(texts.find(needle)):
            if number:
                await self.mailbox.pause()
            places += some
        if texts.uids == self.uids:
            return places if len(among) == len(self.uids) else await self.within(places, among)
        there = set(texts.uids)
        left = await self.sifted(among, lambda slice_: [at for at in slice_ if self.uids[at] not in there])
        found = await self.with_uids(UidSet.of([texts.uids[at] for at in places]), among)
        if not left:
            return found
        found = await self.joined(found, await self.by_content(left, KEYS_AT_ONCE, job))
        self.mailbox.prepare_key_texts(name)
        return found

    async def within(self, found: Positions, among: Positions) -> Positions:
        """Those of ``found`` that are ``among``."""
        wanted = set(among)
        return await self.sifted(found, lambda slice_: [at for at in slice_ if at in wanted])

    async def by_content(self, among: Positions, at_once: int, job: Job) -> Positions:
        """Those of ``among`` whose content ``job`` finds, asked in bounded jobs on the account's queue.

        Jobs that leave most of what they are asked (files have to be read) are asked for less.
        """
        matched, pending = list[int](), list[int]()
        start, size = 0, at_once
        while pending or start < len(among):
            if len(pending) < size:  # a part of ``among``, which may be a million
                pending += (more := among[start : start + size - len(pending)])
                start += len(more)
            batch = pending[:size]
            some, left = await self.mailbox.run_job(partial(self.one_job, batch, job))
            pending[:size] = left
            matched += some
            done = len(batch) - len(left)
            size = min(max(done, LEAST) if left else size * 2, at_once)
        matched.sort()
        return matched

    def one_job(
        self, batch: list[int], job: Job, connection: sqlite3.Connection, read: Read
    ) -> tuple[list[int], list[int]]:
        """In the account's thread: those of ``batch`` that match, and those not looked at yet.

        Contents are asked for in every job: after a rebuild of the index, which may come between two,
        they have other numbers.
        """
        step_aside()
        ids = self.mailbox.contents(connection, [self.uids[at] for at in batch])
        # In the order of contents: that is the order of the rows, and one range for most batches.
        there = sorted([(content, at) for content, at in zip(ids, batch, strict=True) if content is not None])
        if not there:
            return [], []
        result = job(connection, list(dict.fromkeys([content for content, _ in there])), read)
        left = set(result.left)
        if result.relevancies is not None:
            for content, at in there:
                if content in result.contents:
                    self.relevancies.setdefault(at, []).append(result.relevancies[content])
        matched = [at for content, at in there if content in result.contents]
        return matched, sorted([at for content, at in there if content in left]) if left else []


def _compare_days(comparison: Comparison, first: int) -> Callable[[int], bool]:
    """A test of seconds since the epoch against the day that begins at ``first``."""
    if comparison is Comparison.BEFORE:
        return first.__gt__
    if comparison is Comparison.SINCE:
        return first.__le__
    return range(first, first + DAY).__contains__
