"""Runs a search tree over a mailbox: columns first, then cached headers, then text (RFC 9051 §6.4.4)."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from mailaccess.model.criteria import Criterion
from mailaccess.store.api import Columns
from mailaccess.store.index.cache import Read

T = TypeVar("T")


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

    def pause(self) -> Awaitable[None]:
        """Give way to the reactor (``ThreadRunner.pause``)."""
        ...


async def search(mailbox: Searchable, criteria: Criterion, now: float) -> list[int]:
    """UIDs that match, ascending; messages expunged meanwhile are left out.

    now: seconds since the epoch, for OLDER and YOUNGER.  ``Recent`` and ``MessageNumbers`` must have been
    resolved.  Runs on the reactor in slices of 1 to 2 ms; headers and texts are read in bounded jobs.
    """
    raise NotImplementedError
