"""An account's open index file: how it is opened, how one notices that it is no longer the same.

Blocking; used by one thread at a time (the account's serial jobs), not always the same one.
WAL with ``synchronous=NORMAL``: a commit costs no fsync, kill -9 loses nothing, a loss of power may lose the
last commits. That is why delivery relies on files and folders that are synced, and why the account's row holds
the machine's boot id: after another boot, numbers continue from the reserved bounds.
"""

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Final

from mailaccess.store.index import schema
from mailaccess.store.lane import aside_of_it

FILE: Final = "index.sqlite"

BUSY_SECONDS: Final = 20.0
"""How long another process's transaction is waited for, in the thread."""

CHECKPOINT_AFTER: Final = 2_000
"""Rows changed since the last checkpoint: some 1,000 to 3,000 pages of log, 4 to 12 MB."""

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -4096",  # 4 MiB of pages at most, for each open account
    "PRAGMA wal_autocheckpoint = 0",  # an fsync of its own accord: see ``checkpoint``
    "CREATE TEMP TABLE IF NOT EXISTS ranges (first INTEGER, last INTEGER)",
)


class Index:
    """``connection`` is in autocommit mode; ``version`` is what ``data_version`` was when last looked at.

    log_begun: a commit was made, so the next one has no new log's header to bring to disk with an fsync.
    """

    def __init__(self, folder: Path) -> None:
        """Open or make the file. Raises sqlite3.Error, OSError, schema.NewerIndex."""
        self.path = folder / FILE
        new = _begin(self.path)
        self.connection = sqlite3.connect(
            self.path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        try:
            if new or not os.path.getsize(self.path):
                # Nothing is lost with a new file, which is derived: making it waits for no disk.
                self.connection.execute("PRAGMA synchronous = OFF")
            for statement in _PRAGMAS:
                self.connection.execute(statement)
            schema.prepare(self.connection)
            self.connection.execute("PRAGMA synchronous = NORMAL")
            self._identity = self._on_disk()
            self.version = self.data_version()
            self.log_begun = False
            self._hasty = False
            self._patient = True
            self._checkpointed = 0
        except BaseException:
            self.connection.close()
            raise

    def own(self, uid: int | None, gid: int | None) -> None:
        """The index belongs to the account's owner, where the server runs as root."""
        if os.geteuid() == 0 and uid is not None:
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    os.chown(f"{self.path}{suffix}", uid, -1 if gid is None else gid, follow_symlinks=False)

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

    @property
    def begins_at_once(self) -> bool:
        """Whether the next transaction's commit waits for no disk."""
        return self.log_begun or self._log_is_empty()

    def _log_is_empty(self) -> bool:
        try:
            return os.stat(f"{self.path}-wal").st_size == 0
        except FileNotFoundError:
            return True
        except OSError:
            return False

    def begin(self) -> None:
        """Begin to write.

        With the first commit to a log SQLite brings the log's header to disk, since of frames of an older log behind it
        some may come to light again after a loss of power. An empty log has no such frames: without the fsync at
        most the last commits are lost, which ``synchronous=NORMAL`` allows, and the next checkpoint's fsync has the
        header, too.
        """
        if not self.log_begun and self._log_is_empty():
            self._sync("OFF")
            self._hasty = True
            try:
                self.connection.execute("BEGIN IMMEDIATE")
            except BaseException:
                self.ended()
                raise
            if self._log_is_empty():  # still, and nobody else writes now
                return
            self.connection.execute("ROLLBACK")
        self.ended()
        self.connection.execute("BEGIN IMMEDIATE")

    def ended(self) -> None:
        """The transaction is over, one way or the other. Raises sqlite3.Error; then it is to be called again."""
        if self._hasty:
            self._sync("NORMAL")
            self._hasty = False

    def _sync(self, level: str) -> None:
        # Not ``execute``: this takes effect when it is compiled, and compiled statements are kept.
        self.connection.executescript(f"PRAGMA synchronous = {level}")

    def wait_for_others(self, patient: bool) -> None:
        """Whether a lock of another process is waited for, BUSY_SECONDS at most, or SQLITE_BUSY raised at once."""
        if patient != self._patient:
            # Not ``execute``: this pragma takes effect when it is compiled, and compiled statements are kept.
            self.connection.executescript(
                f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000) if patient else 0}"
            )
            self._patient = patient

    @property
    def checkpoint_due(self) -> bool:
        return self.connection.total_changes - self._checkpointed >= CHECKPOINT_AFTER

    def checkpoint(self) -> None:
        """Bring what the log holds into the file, with two fsyncs; and begin the log anew, with the third, which
        would else come with the next commit, whoever makes it.
        """
        self.ended()
        with aside_of_it():
            self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self.connection.execute("UPDATE account SET unswept = unswept + 1")
        self._checkpointed = self.connection.total_changes

    def close(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self.ended()
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()


def _begin(path: Path) -> bool:
    """Put a new index where there is none, whole or not at all; says whether it did. Else SQLite makes the tables.

    Not beside the log of an index that is gone: SQLite would take it for the new one's.
    """
    name = os.fspath(path)
    if os.path.exists(name) or os.path.exists(name + "-wal") or (octets := schema.blank()) is None:
        return False
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    try:
        # Without a name until it is complete, so that nothing is left of it when the process is killed.
        with open(os.open(".", os.O_TMPFILE | os.O_RDWR, 0o644, dir_fd=folder), "wb") as file:
            file.write(octets)
            file.flush()
            os.link(f"/proc/self/fd/{file.fileno()}", path.name, dst_dir_fd=folder, follow_symlinks=True)
    except (
        OSError,
        AttributeError,
    ):  # another process was quicker, or the system or file system has no such files
        return False
    finally:
        os.close(folder)
    return True


def traces(folder: Path) -> tuple[int, ...] | None:
    """What shows that somebody wrote to a closed index; None while others have it open, so may write unseen."""
    path = os.fspath(folder / FILE)
    if os.path.exists(path + "-wal"):
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


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


def boot_id() -> str:
    """Another string after each boot of the machine; empty where the system does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
