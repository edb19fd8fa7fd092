"""SORT and THREAD under another comparator than the default (RFC 5255 §4.2).

The default's keys are kept in the index and put in order there. Others are made for the one command, in bounded
jobs of the account's queue, and put in order in a thread of the pool.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar

from mailaccess.model.collation import Collation
from mailaccess.store.index import collated
from mailaccess.store.index.rows import Read
from mailaccess.store.sort import SortCriterion, SortKey

T = TypeVar("T")

ROWS_AT_ONCE: Final = 64
"""Messages whose headers one job takes apart: 5 to 10 ms."""


class Lender(Protocol):
    """What an open mailbox lends (``search.Searchable``)."""

    def run_job(self, job: Callable[[sqlite3.Connection, Read], T]) -> Awaitable[T]: ...

    def contents(self, connection: sqlite3.Connection, uids: Sequence[int]) -> list[int | None]: ...


def is_needed(order: Sequence[SortCriterion]) -> bool:
    """Whether a text key is to be compared otherwise than by default."""
    return any(
        each.key in collated.TEXT_KEYS and each.collation is not Collation.UNICODE_CASEMAP for each in order
    )


async def texts(
    mailbox: Lender, uids: Sequence[int], keys: Sequence[SortKey], collation: Collation
) -> dict[int, tuple[bytes, ...]]:
    """What the text keys of messages compare by, by UID; () would be short, so what is gone has empty texts."""
    found: dict[int, tuple[bytes, ...]] = {}
    nothing = (b"",) * len(keys)
    for start in range(0, len(uids), ROWS_AT_ONCE):
        some = uids[start : start + ROWS_AT_ONCE]
        found.update(await mailbox.run_job(partial(_texts, mailbox, some, keys, collation, nothing)))
    return found


def _texts(
    mailbox: Lender,
    uids: Sequence[int],
    keys: Sequence[SortKey],
    collation: Collation,
    nothing: tuple[bytes, ...],
    connection: sqlite3.Connection,
    read: Read,
) -> dict[int, tuple[bytes, ...]]:
    ids = mailbox.contents(connection, uids)
    there = sorted({content for content in ids if content is not None})
    values = collated.values(connection, there, read, keys, collation)
    return {
        uid: nothing if content is None else values.get(content, nothing)
        for uid, content in zip(uids, ids, strict=True)
    }


Values = Mapping[int, int | bytes]
"""What one key of each message compares by, by UID."""


def in_order(uids: Sequence[int], order: Sequence[tuple[Values, bool]]) -> list[int]:
    """UIDs by the values of several keys, each perhaps in reverse; what is equal goes by UID. RFC 5256 §3."""
    result = sorted(uids)
    for values, reverse in reversed(order):  # each sort leaves what it finds equal as it was
        result.sort(key=values.__getitem__, reverse=reverse)
    return result
