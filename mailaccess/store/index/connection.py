"""An account's open index file: how it is opened, how one notices that it is no longer the same.

Blocking; used by one thread at a time (the account's serial jobs), not always the same one.
WAL with ``synchronous=NORMAL``: a commit costs no fsync, kill -9 loses nothing, a loss of power may lose the
last commits. That is why delivery relies on files and folders that are synced, and why the account's row holds
the machine's boot id: after another boot, numbers continue from the reserved bounds.
"""

import os
import sqlite3
from pathlib import Path
from typing import Final

from mailaccess.store.index import schema

FILE: Final = "index.sqlite"

BUSY_SECONDS: Final = 20.0
"""How long another process's transaction is waited for, in the thread."""

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -4096",  # 4 MiB of pages at most, for each open account
    "PRAGMA wal_autocheckpoint = 1000",
    "CREATE TEMP TABLE IF NOT EXISTS ranges (first INTEGER, last INTEGER)",
)


class Index:
    """``connection`` is in autocommit mode; ``version`` is what ``data_version`` was when last looked at."""

    def __init__(self, folder: Path) -> None:
        """Open or make the file. Raises sqlite3.Error, OSError, schema.NewerIndex."""
        self.path = folder / FILE
        self.connection = sqlite3.connect(
            self.path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            for statement in _PRAGMAS:
                self.connection.execute(statement)
            schema.prepare(self.connection)
            self._identity = self._on_disk()
            self.version = self.data_version()
        except BaseException:
            self.connection.close()
            raise

    def _on_disk(self) -> tuple[int, int]:
        try:
            found = os.stat(self.path)
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

    def same(self) -> bool:
        """Whether the file that is open is still the one under its name."""
        return self._on_disk() == self._identity != (0, 0)

    def data_version(self) -> int:
        """Changes whenever another connection commits."""
        row = self.connection.execute("PRAGMA data_version").fetchone()
        return int(row[0])

    def close(self) -> None:
        try:
            self.connection.close()
        except sqlite3.Error:
            pass


def set_aside(folder: Path) -> None:
    """Move a damaged index out of the way; the last one damaged is kept for whoever wants to look."""
    path = folder / FILE
    for suffix in ("-wal", "-shm"):
        try:
            os.unlink(f"{path}{suffix}")
        except OSError:
            pass
    try:
        os.replace(path, folder / (FILE + ".damaged"))
    except OSError:
        pass
