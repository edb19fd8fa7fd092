"""SORT and THREAD over an open mailbox: what matches is found as in a search, then put in order.

Keys that are not kept yet are made in bounded jobs of the account's queue, so that other jobs come between
them. Putting in order is one statement (``orderkeys.ordered``); threads are gathered in a thread of the pool
outside the account's queue, on values only.
"""

import marshal
import sqlite3
from array import array
from collections.abc import Awaitable, Callable, Hashable, Sequence
from functools import partial
from typing import Any, Final, ParamSpec, Protocol, TypeVar, cast

from mailaccess.model.collation import Collation
from mailaccess.model.criteria import Criterion
from mailaccess.model.sequence import UidSet
from mailaccess.store import changing, collating, search, thread
from mailaccess.store.api import ThreadAlgorithm, ThreadTree
from mailaccess.store.index import collated, headfiles, heads, messages, orderkeys
from mailaccess.store.index.orderkeys import ThreadRow
from mailaccess.store.index.rows import Read
from mailaccess.store.search import Searchable
from mailaccess.store.sort import SortCriterion, SortKey
from mailaccess.store.thread import Threadable
from mailaccess.store.vault import Vault

P = ParamSpec("P")
T = TypeVar("T")

ROWS_AT_ONCE: Final = 5_000
"""Messages looked at in one job: 10 to 20 ms in SQLite."""


LOOKED_AT_ONCE: Final = 384
"""Messages whose headers are read in one job: 15 to 25 ms."""

Looked = dict[int, tuple[int | bytes | None, ...]]
"""Some of a ``SortRow``, by UID."""


class Orderable(Searchable, Protocol):
    """What an open mailbox lends: a way to its account's queue, and one to a thread outside of it."""

    def run_here(self, job: Callable[[Vault, str, Read], T]) -> Awaitable[T]:
        """Run ``job(vault, mailbox_id, read)`` on the account's serial queue."""
        ...

    def recall(self, key: Hashable) -> Any:
        """What was kept of this mailbox under ``key``; None where that is nothing."""
        ...

    def remember(self, key: Hashable, value: object, octets: int) -> None:
        """Keep ``value`` as long as there is room; ``octets``: what it takes."""
        ...

    def run_aside(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run a pure call in a thread of the pool."""
        ...


async def sort(
    mailbox: Orderable,
    criteria: Criterion,
    order: Sequence[SortCriterion],
    now: float,
    relevancies: dict[int, int] | None = None,
) -> list[int]:
    """UIDs that match, in the order asked. RFC 5256 §3. relevancies: as of ``search.search``."""
    if relevancies is None and any(each.key is SortKey.RELEVANCY for each in order):
        relevancies = {}
    found = array("I", await search.search(mailbox, criteria, now, relevancies))
    if not found:
        return []
    key = ("order", *order)
    kept: tuple[array[int], array[int]] | None = mailbox.recall(key) if relevancies is None else None
    if kept is not None and kept[0] == found:
        return list(kept[1])
    uids = UidSet.of(found)
    looked: Looked = {}
    if any(each.key not in orderkeys.OF_ROWS for each in order) and not collating.is_needed(order):
        places = tuple([orderkeys.PLACES[each.key] for each in order if each.key in orderkeys.PLACES])
        looked = await _keys_of(mailbox, uids, places)
    if collating.is_needed(order):
        return await _sort_collated(mailbox, uids, order, relevancies)

    def job(vault: Vault, mailbox_id: str, read: Read) -> list[int]:
        box = changing.opened(vault, mailbox_id)
        messages.choose(vault.connection, uids)
        return orderkeys.ordered(vault.connection, box.id, order, relevancies)

    if looked:
        ordered = await _sort_looked(mailbox, uids, order, relevancies, looked)
    else:
        ordered = await mailbox.run_here(job)
    if relevancies is None and len(ordered) == len(found):
        # What is compared never changes of a message, so the same messages have the same order for ever.
        mailbox.remember(key, (found, array("I", ordered)), 8 * len(found))
    return ordered


async def _sort_looked(
    mailbox: Orderable,
    uids: UidSet,
    order: Sequence[SortCriterion],
    relevancies: dict[int, int] | None,
    looked: Looked,
) -> list[int]:
    """As ``orderkeys.ordered``, where the keys of some messages are not kept."""
    wanted = list(dict.fromkeys([each.key for each in order]))

    def job(vault: Vault, mailbox_id: str, read: Read) -> dict[SortKey, dict[int, int | bytes]]:
        box = changing.opened(vault, mailbox_id)
        messages.choose(vault.connection, uids)
        return orderkeys.values(vault.connection, box.id, wanted, relevancies)

    return await mailbox.run_aside(_in_order, await mailbox.run_here(job), order, looked)


def _in_order(
    columns: dict[SortKey, dict[int, int | bytes]], order: Sequence[SortCriterion], looked: Looked
) -> list[int]:
    places = [each.key for each in order if each.key in orderkeys.PLACES]
    for place, key in enumerate(places):
        column = columns[key]
        for uid, values in looked.items():
            value = values[place]
            if value is not None and uid in column:
                column[uid] = value
    there = [uid for uid in next(iter(columns.values())) if all(uid in each for each in columns.values())]
    return collating.in_order(there, [(columns[each.key], each.reverse) for each in order])


async def _sort_collated(
    mailbox: Orderable,
    uids: UidSet,
    order: Sequence[SortCriterion],
    relevancies: dict[int, int] | None,
) -> list[int]:
    """By keys of which some texts are compared otherwise than the index has them."""
    numbers = list(uids)
    keys = [each.key for each in order if each.key in collated.TEXT_KEYS]
    collation = next(each.collation for each in order if each.key in collated.TEXT_KEYS)
    texts = await collating.texts(mailbox, numbers, keys, collation)
    columns: dict[SortKey, collating.Values] = {
        key: {uid: values[place] for uid, values in texts.items()} for place, key in enumerate(keys)
    }

    def job(vault: Vault, mailbox_id: str, read: Read, key: SortKey = SortKey.SIZE) -> dict[int, int]:
        box = changing.opened(vault, mailbox_id)
        messages.choose(vault.connection, uids)
        return orderkeys.numbers(vault.connection, box.id, key, relevancies)

    for each in order:
        if each.key not in columns:
            columns[each.key] = await mailbox.run_here(partial(job, key=each.key))
    there = [uid for uid in numbers if all(uid in column for column in columns.values())]
    wanted = [(columns[each.key], each.reverse) for each in order]
    return await mailbox.run_aside(collating.in_order, there, wanted)


async def threads(
    mailbox: Orderable,
    criteria: Criterion,
    algorithm: ThreadAlgorithm,
    now: float,
    collation: Collation = Collation.UNICODE_CASEMAP,
) -> list[ThreadTree]:
    """The messages that match, as UIDs in trees (``thread``). RFC 5256 §3; collation: of subjects."""
    found = array("I", await search.search(mailbox, criteria, now))
    key = ("threads", algorithm, collation)
    kept: tuple[array[int], bytes] | None = mailbox.recall(key)
    if kept is not None and kept[0] == found:
        return cast("list[ThreadTree]", marshal.loads(kept[1]))
    looked = await _keys_of(mailbox, UidSet.of(found), orderkeys.THREAD_PLACES)
    rows: list[ThreadRow] = []
    for start in range(0, len(found), ROWS_AT_ONCE):
        some = UidSet.of(found[start : start + ROWS_AT_ONCE])

        def job(vault: Vault, mailbox_id: str, read: Read, some: UidSet = some) -> list[ThreadRow]:
            box = changing.opened(vault, mailbox_id)
            messages.choose(vault.connection, some)
            return orderkeys.for_threads(vault.connection, box.id)

        rows += await mailbox.run_here(job)
    if looked:
        rows = await mailbox.run_aside(_looked_rows, rows, looked)
    if collation is not Collation.UNICODE_CASEMAP:
        subjects = await collating.texts(mailbox, [row[0] for row in rows], [SortKey.SUBJECT], collation)
        rows = [(row[0], row[1], subjects[row[0]][0], *row[3:]) for row in rows]
    trees, octets = await mailbox.run_aside(_gather, algorithm, rows)
    if octets:
        # The same messages have the same threads for ever: a mail program asks again whenever it opens the mailbox.
        mailbox.remember(key, (found, octets), len(octets) + 4 * len(found))
    return trees


def _looked_rows(rows: list[ThreadRow], looked: Looked) -> list[ThreadRow]:
    result: list[ThreadRow] = []
    for row in rows:
        values = looked.get(row[0])
        if values is not None:
            sent, *rest = values
            row = cast(ThreadRow, (row[0], row[1] if sent is None else sent, *rest))
        result.append(row)
    return result


async def _keys_of(mailbox: Orderable, uids: UidSet, places: Sequence[int]) -> Looked:
    """Have the keys of these messages in the index; of those the background will make, only what is asked for.

    Returns the latter (``places`` of a ``SortRow``) by UID.
    """

    def unmade(vault: Vault, mailbox_id: str, read: Read) -> list[int]:
        box = changing.opened(vault, mailbox_id)
        messages.choose(vault.connection, uids)
        return orderkeys.unmade(vault.connection, box.id) if hasattr(read, "memory") else []

    waiting = await mailbox.run_here(unmade)
    looked: Looked = {}
    for start in range(0, len(waiting), LOOKED_AT_ONCE):
        some = waiting[start : start + LOOKED_AT_ONCE]

        def job(vault: Vault, mailbox_id: str, read: Read, some: Sequence[int] = some) -> Looked:
            ids = mailbox.contents(vault.connection, some)
            wanted = sorted({content for content in ids if content is not None})
            found = {
                content: tuple([look.sort_value(place) for place in places])
                for content, look in headfiles.looks(read, wanted)
            }
            nothing = tuple([heads.Look({}).sort_value(place) for place in places])
            pairs = zip(some, ids, strict=True)
            return {uid: found.get(content, nothing) for uid, content in pairs if content is not None}

        looked |= await mailbox.run_here(job)
    rest = uids - UidSet.of(waiting) if waiting else uids
    if rest:
        await _make_keys(mailbox, rest)
    return looked


async def _make_keys(mailbox: Orderable, uids: UidSet) -> None:
    """Have the keys of these messages in the index, a bounded number in each job."""

    def looked(vault: Vault, mailbox_id: str, read: Read, some: UidSet = uids) -> bool:
        return bool(_missing(vault, mailbox_id, some, 1))

    if not await mailbox.run_here(looked):
        return
    numbers = list(uids)
    for start in range(0, len(numbers), ROWS_AT_ONCE):
        some = UidSet.of(numbers[start : start + ROWS_AT_ONCE])

        def job(vault: Vault, mailbox_id: str, read: Read, some: UidSet = some) -> bool:
            contents = _missing(vault, mailbox_id, some, orderkeys.MADE_AT_ONCE)
            if contents:
                orderkeys.make(vault.connection, contents, read)
            return bool(contents)

        # Each job makes some; where it could not keep them (a full disk), going on would not end.
        for _ in range(ROWS_AT_ONCE):
            if not await mailbox.run_here(job):
                break


def _missing(vault: Vault, mailbox_id: str, uids: UidSet, most: int) -> list[int]:
    box = changing.opened(vault, mailbox_id)
    connection: sqlite3.Connection = vault.connection
    messages.choose(connection, uids)
    return orderkeys.missing(connection, box.id, most)


_ALGORITHMS: Final[dict[ThreadAlgorithm, Callable[[Sequence[Threadable]], list[ThreadTree]]]] = {
    ThreadAlgorithm.ORDEREDSUBJECT: thread.ordered_subject,
    ThreadAlgorithm.REFERENCES: thread.references,
    ThreadAlgorithm.REFS: thread.refs,
}


def _gather(algorithm: ThreadAlgorithm, rows: Sequence[ThreadRow]) -> tuple[list[ThreadTree], bytes]:
    """The threads, and the same as octets to be kept; without octets where they are nested too deep."""
    trees = _ALGORITHMS[algorithm](
        [
            Threadable(
                uid, sent, subject.decode("utf-8", "replace"), bool(is_reply), message_id, tuple(refs.split())
            )
            for uid, sent, subject, is_reply, message_id, refs in rows
        ]
    )
    try:
        return trees, marshal.dumps(trees)
    except ValueError:
        return trees, b""
