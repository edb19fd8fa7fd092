"""Who was granted rights by whom, over all accounts: what a LIST of other users' mailboxes looks up.

One SQLite file in the state folder, with an account and an identifier a row. It is derived from the
``dovecot-acl`` files and never decides over rights: an account's rows are compared with its files whenever
those are read, ``mailadm mailbox acl recalc`` writes all of them anew, and a damaged file is simply replaced.
"""

import os
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from mailaccess.model.errors import disk_failure
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level

P = ParamSpec("P")
T = TypeVar("T")

MAX_OWNERS: Final = 500
"""Other accounts in one answer: a LIST opens each of them."""

MAX_IDENTIFIERS: Final = 10_000
"""Rows of one account."""

FRESH_SECONDS: Final = 2.0
"""How long an answer is taken for true; what this process changes counts at once."""

MAX_ANSWERS: Final = 4_096
"""Answers remembered: one for each account that is logged in."""

BUSY_SECONDS: Final = 10.0
"""How long another process may hold the file."""

_ORDER: Final = ("shares",)


class Shares:
    """path: None keeps everything in memory (tests)."""

    def __init__(
        self, path: Path | None, runner: ThreadRunner, log: EventLog, clock: Callable[[], float]
    ) -> None:
        self._path = path
        self._runner = runner
        self._log = log
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._answers: OrderedDict[frozenset[str], tuple[float, tuple[str, ...]]] = OrderedDict()
        self._forgotten = 0

    async def owners(self, identifiers: frozenset[str]) -> tuple[str, ...]:
        """The accounts that granted something to one of these, by name; at most ``MAX_OWNERS``."""
        now = self._clock()
        kept = self._answers.get(identifiers)
        if kept is not None and 0 <= now - kept[0] < FRESH_SECONDS:
            return kept[1]
        forgotten = self._forgotten
        found = await self._runner.run_in_order(_ORDER, self._mended, self._find, identifiers)
        if forgotten != self._forgotten:  # something changed while it was looked up
            return found
        self._answers[identifiers] = (now, found)
        self._answers.move_to_end(identifiers)
        if len(self._answers) > MAX_ANSWERS:
            self._answers.popitem(last=False)
        return found

    async def publish(self, owner: str, identifiers: frozenset[str]) -> None:
        """``owner`` granted something to exactly these."""
        if await self._runner.run_in_order(_ORDER, self._mended, self._set, owner, identifiers):
            self.forget()

    def forget(self) -> None:
        """Something has changed."""
        self._answers.clear()
        self._forgotten += 1

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # In the pool, one at a time

    def _mended(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """``call``; a file that is none is replaced, once. Raises TemporaryFailure."""
        try:
            try:
                return call(*args, **kwargs)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                self._log.log("shares-damaged", Level.WARNING, error=str(error))
                self.close()
                if self._path is not None:
                    for suffix in ("", "-wal", "-shm"):
                        Path(f"{self._path}{suffix}").unlink(missing_ok=True)
                return call(*args, **kwargs)
        except (sqlite3.Error, OSError) as error:
            self.close()
            self._log.log("shares-failed", Level.ERROR, error=str(error))
            raise disk_failure(error) from error

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                _make(self._path)
            connection = sqlite3.connect(
                self._path if self._path is not None else ":memory:",
                timeout=BUSY_SECONDS,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS shares (identifier TEXT, owner TEXT,"
                    " PRIMARY KEY (identifier, owner)) WITHOUT ROWID"
                )
                connection.execute("CREATE INDEX IF NOT EXISTS by_owner ON shares (owner)")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _find(self, identifiers: frozenset[str]) -> tuple[str, ...]:
        # No more than an account's names and groups, which the administrator wrote.
        wanted = sorted(identifiers)
        marks = ",".join("?" * len(wanted))
        rows = self._open().execute(
            f"SELECT DISTINCT owner FROM shares WHERE identifier IN ({marks}) ORDER BY owner LIMIT ?",
            (*wanted, MAX_OWNERS),
        )
        return tuple([row[0] for row in rows])

    def _set(self, owner: str, identifiers: frozenset[str]) -> bool:
        """Whether that was news."""
        connection = self._open()
        rows = connection.execute("SELECT identifier FROM shares WHERE owner = ?", (owner,))
        now = {row[0] for row in rows}
        wanted = set(sorted(identifiers)[:MAX_IDENTIFIERS])
        if now == wanted:
            return False
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute("DELETE FROM shares WHERE owner = ?", (owner,))
            connection.executemany("INSERT INTO shares VALUES (?, ?)", [(each, owner) for each in wanted])
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return True


def _make(path: Path) -> None:
    """The file, for its owner only; made by root (``mailadm``) it belongs to whom the state folder belongs."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if os.geteuid() == 0 and os.fstat(descriptor).st_uid == 0:
            folder = path.parent.stat()
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
    finally:
        os.close(descriptor)
