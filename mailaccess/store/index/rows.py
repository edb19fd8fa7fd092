"""Rows keyed by content id: what the cache, the search keys and the full text have in common.

Ids of one mailbox are mostly consecutive, so a batch is asked for as a range where that is not much
wider than the batch, and as a list otherwise; either way one statement answers a batch.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from mailaccess.store.window import Octets

Read = Callable[[int], Octets | None]
"""A content's whole wire form (CRLF): ``bytes``, or a ``Window`` on a large file; None where it is gone."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a job of a search found. contents: those that match.  left: those it has not looked at.

    relevancies: of those that were looked for with FUZZY, 1 to 100.
    """

    contents: AbstractSet[int]
    left: Sequence[int]
    relevancies: Mapping[int, int] | None = None


Job = Callable[[sqlite3.Connection, Sequence[int], Read], Found]
"""Looks for something in contents (ascending, at least one), within the account's serial job. It may leave
some to bound its time, but never all."""

MAX_CONTENT: Final = 1 << 40
"""Content ids are below it: more messages than any account ever sees."""

_SPARSE: Final = 3
"""A range is asked for while it holds at most so many times the ids wanted: passing over a row in C costs
a third of looking one up."""


def among(contents: Sequence[int], column: str = "content") -> tuple[str, tuple[int | str, ...]]:
    """An SQL condition, and its parameters, that holds for all of ``contents``, and maybe for others.

    ``column`` is written into the statement: a name from the code, never from outside.
    """
    if not contents:
        return "0", ()
    low, high = min(contents), max(contents)
    if high - low < _SPARSE * len(contents):
        return f"{column} BETWEEN ? AND ?", (low, high)
    return f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(sorted(contents)),)


def exactly(contents: Sequence[int], column: str = "content") -> tuple[str, tuple[int | str, ...]]:
    """As ``among``, and the condition holds for no others."""
    if contents and max(contents) - min(contents) + 1 == len(set(contents)):
        return f"{column} BETWEEN ? AND ?", (min(contents), max(contents))
    return f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(sorted(contents)),)


def set_key(number: int, content: int) -> int:
    """The key of what a numbered set (``fieldsets``) keeps of a content: one range of keys for each set."""
    return number * MAX_CONTENT + content


def octets(read: Read, content: int) -> Octets | None:
    """``read``, but None also for what will never be readable: a folder, a file of somebody else's.

    One such in a mailbox must not make every search of it fail. Other errors may pass, and are raised.
    """
    try:
        return read(content)
    except (PermissionError, IsADirectoryError):
        return None


def give_way() -> None:
    """Between two messages of long Python work in a thread: let the reactor have the interpreter lock.

    Without it that thread waits for the switch interval, whenever it wakes (a sleep of nothing does not help: the lock
    is taken back before anybody wakes). The kernel makes 60 µs of it, in which whoever waits has taken the lock; with
    ten times as much, the jobs of a first question slept for a tenth of their time.
    """
    time.sleep(0.00001)


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Within the caller's transaction, or one of its own if none is open."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


@contextmanager
def keeping(connection: sqlite3.Connection) -> Iterator[None]:
    """As ``writing``, for derived rows: where disk or lock refuse now, they are kept another time.

    A damaged index is not hidden: the vault sets it aside and has it rebuilt. Within the caller's
    transaction every error is the caller's to see.
    """
    if connection.in_transaction:
        yield
        return
    try:
        with writing(connection):
            yield
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF not in _REFUSED:
            raise


_REFUSED: Final = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    )
)
