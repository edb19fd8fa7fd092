"""One account as its serial jobs see it: paths, the open index, transactions, and what they post.

Everything here and in the files that take a ``Vault`` blocks and runs in the account's serial jobs, so never
twice at once. A job either commits or changes nothing; what it did to mailboxes leaves as ``Delta`` after the
commit. The index is watched for three accidents, each met at the beginning of a job: another process
committed (its changes are posted first), the file was deleted or replaced (what is owed is finished through
the descriptor still open, then everything is rebuilt), the file is damaged (set aside, rebuilt, and the job
runs once more).

Most jobs are small: they read or write a few rows, and would spend more time on the way to a thread and back than
at work. ``job_at_once`` runs such a job on the reactor thread, when the account's queue is empty. There nothing
may block: no fsync (a commit makes none in WAL mode, and checkpoints are made by ``housekeeping``), no lock of
another process, no listing, nothing that grows with the mailbox. What a job meets that might goes through
``require_thread``, which raises ``NeedsThread`` there; the transaction is rolled back, nothing has changed, and
the same job runs again in its turn, in a thread. So a job need not know where it runs; one that is never small
is simply never run at once.
"""

import contextlib
import itertools
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

from mailaccess.model.account import AccountLocation, QuotaLimit
from mailaccess.model.errors import MailError, OverQuota, disk_failure
from mailaccess.model.sequence import UidSet
from mailaccess.observe.events import EventLog, Level
from mailaccess.store.aside.process import Aside
from mailaccess.store.changes import Delta
from mailaccess.store.counting import Counts
from mailaccess.store.flagsets import FlagSets
from mailaccess.store.index import connection as index_file
from mailaccess.store.index import mailboxes, packed, schema
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.index.picked import Picked, Room
from mailaccess.store.maildir import uids
from mailaccess.store.maildir.deliver import UniqueNames
from mailaccess.store.maildir.files import Files
from mailaccess.store.steps import Steps

P = ParamSpec("P")
T = TypeVar("T")

COMPARED: Final = 1_000
"""Mailboxes whose rows are compared when another process has committed: 1 to 2 µs each."""

MOVES_KEPT: Final = 20_000
"""Mailboxes, also some that are gone, of which it is known how often they changed."""

_PLACES: Final = (b"/new/", b"/cur/")

# What SQLite reports when the disk or a lock is at fault, not the file's contents.
_PASSING: Final = frozenset(
    (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL,
     sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT)
)  # fmt: skip


@dataclass(slots=True)
class Known:
    """What the reactor thread has in memory of a mailbox, or will have once it took what was posted."""

    row: int
    name: str
    modseq: int
    uidnext: int


class NeedsThread(Exception):
    """A job that runs at once would block: it is to run in a thread, from its beginning."""


class Lifecycle(Protocol):
    """What the tree and the journal do for the vault when an index is opened or left."""

    def opened(self, vault: "Vault", *, fresh: bool, rebooted: bool) -> None: ...
    def leaving(self, vault: "Vault") -> None: ...
    def catch_up(self, vault: "Vault") -> None: ...
    def reload(self, vault: "Vault", mailbox_id: str) -> Delta | None: ...


class Vault:
    """post: takes a Delta, in commit order, from the account's thread."""

    def __init__(
        self,
        location: AccountLocation,
        files: Files,
        log: EventLog,
        clock: Callable[[], float],
        post: Callable[[Delta], None],
        lifecycle: Lifecycle,
        autocreate: Mapping[str, str],
        unique_names: UniqueNames,
        limit: QuotaLimit,
    ) -> None:
        self.limit = limit
        self.unique_names = unique_names
        self.location = location
        self.autocreate = autocreate
        self.root = os.fsencode(location.maildir)
        self.files = files
        self.log = log
        self.clock = clock
        self.flag_sets = FlagSets()
        self.loaded: dict[str, Known] = {}
        self.counts = Counts(self.flag_sets.sets)
        self.tree_version = 0
        """Another one after each change of the tree in the index, by whomever."""
        self._moves: dict[str, int] = {}
        self._openings = 0
        self._epoch = ""
        self._left: tuple[int, ...] | None = None
        self._changes = 0
        self.packed: set[int] = set()
        """Rows of mailboxes that have messages without rows (``index.packed``)."""
        self.glanced: dict[int, int] = {}
        """Up to which UID the background has glanced at such a mailbox (``glance``)."""
        self.structured: int | None = 0
        self.described: int | None = 0
        """Up to which content the background has made structures and looked at headers (``index.ahead``); None: all."""
        self.aside = Aside(0)
        """The processes beside the server; none unless it has some."""
        self.picked = Picked(Room())
        """Fields of headers that were read for a question, until their index rows are made."""
        self._post = post
        self._lifecycle = lifecycle
        self._index: index_file.Index | None = None
        self._pending: list[Delta] = []
        self.at_once = False
        """Whether the job that runs does so on the reactor thread."""
        self.checkpoint_due = False
        self.owing = True
        """Whether the journal may have something to do; after an opening it has to look."""
        self._unsynced: set[bytes] = set()
        self._shown: int | None = None

    # Paths

    def folder(self, folder: bytes) -> bytes:
        return self.root + b"/" + folder if folder else self.root

    def path(self, folder: bytes, place: int, file: bytes) -> bytes:
        """place: 0 is new/, 1 is cur/; 2 more for a shared file."""
        return self.folder(folder) + _PLACES[place & 1] + file

    # Jobs

    def job(self, call: "Callable[Concatenate[Vault, P], T]", /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``call(self, …)``; errors become those of ``model.errors``."""
        try:
            try:
                self._ready()
                return call(self, *args, **kwargs)
            except (sqlite3.DatabaseError, schema.NewerIndex) as error:
                if not self._heal(error):
                    raise
                self._ready()
                return call(self, *args, **kwargs)
        except (sqlite3.Error, schema.NewerIndex, OSError) as error:
            self.log.log(
                "store-failed", Level.ERROR, user=self.location.name, error=f"{type(error).__name__}: {error}"
            )
            raise disk_failure(error) from error
        finally:
            self.checkpoint_due = self._index is not None and self._index.checkpoint_due

    def job_at_once(
        self, call: "Callable[Concatenate[Vault, P], T]", /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run a small ``call(self, …)`` on the reactor thread. Raises NeedsThread, and what the call raises."""
        if self._index is None or not self.is_current():
            raise NeedsThread
        return self.look(call, *args, **kwargs)

    def look(self, call: "Callable[Concatenate[Vault, P], T]", /, *args: P.args, **kwargs: P.kwargs) -> T:
        """``job_at_once`` for what is asked of messages and never changes, whatever others have committed since."""
        index = self._index
        if index is None:
            raise NeedsThread
        self.at_once = True
        try:
            index.wait_for_others(False)
            return call(self, *args, **kwargs)
        except (sqlite3.Error, OSError) as error:  # locked, damaged, refused: the thread finds out
            raise NeedsThread from error
        finally:
            self.at_once = False
            self.checkpoint_due = index.checkpoint_due

    def steps_at_once(
        self, call: "Callable[Concatenate[Vault, P], Steps]", /, *args: P.args, **kwargs: P.kwargs
    ) -> "Steps":
        """A small job of steps (``steps.py``) for the reactor thread. Raises NeedsThread, and what it raises."""
        index = self._index
        if index is None:
            raise NeedsThread
        self.at_once = True
        try:
            index.wait_for_others(False)
            if not index.same():
                raise NeedsThread
            yield from call(self, *args, **kwargs)
        except (sqlite3.Error, OSError) as error:  # locked, damaged, refused: the thread finds out
            raise NeedsThread from error
        finally:
            self.at_once = False
            self.checkpoint_due = index.checkpoint_due

    @property
    def stamp(self) -> tuple[int, int]:
        """The same as before only if this process has written nothing to the index since. For the reactor thread."""
        index = self._index
        try:
            made = index.connection.total_changes if index is not None else 0
        except sqlite3.ProgrammingError:  # a thread parks it this moment; what is known is looked at anew
            return -1, -1
        return self._openings, self._changes + made

    def state_of(self, mailbox_id: str) -> tuple[int, int, int]:
        """The same as before only if no commit that this process knows of changed what the mailbox shows."""
        return self._openings, self.tree_version, self._moves.get(mailbox_id, 0)

    def is_current(self) -> bool:
        """Whether no other process has committed anything since the last job. On the reactor thread, between jobs."""
        index = self._index
        if index is None:
            return self._left is not None and index_file.traces(self.location.index) == self._left
        try:
            index.wait_for_others(False)
            return index.same() and index.data_version() == index.version
        except sqlite3.Error:
            return False

    def require_thread(self) -> None:
        """To be called before what blocks, or takes longer than some hundred rows, in a job that may be small."""
        if self.at_once:
            raise NeedsThread

    def checkpoint(self) -> None:
        """Bring the index's log into its file, if it has grown."""
        if self._index is not None and self._index.checkpoint_due:
            self._index.checkpoint()

    def _ready(self) -> None:
        index = self._index
        if index is not None and not index.same():
            self.log.log("index-lost", Level.WARNING, user=self.location.name)
            self._leave(finish=True)
            index = None
        if index is None:
            self._open()
            return
        index.wait_for_others(True)
        if index.data_version() != index.version:
            self._catch_up(index)

    def _heal(self, error: Exception) -> bool:
        """Whether the index was to blame: then it is out of the way, and the next attempt rebuilds it."""
        index = self._index
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if index is not None and not index.same():
            self._leave(finish=False)
            return True
        if code in _PASSING or (code == sqlite3.SQLITE_CONSTRAINT):
            return False
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
            return False
        self.log.log("index-damaged", Level.ERROR, user=self.location.name, error=str(error))
        self._leave(finish=False)
        index_file.set_aside(self.location.index)
        return True

    def _open(self) -> None:
        self.files.make_folders(os.fsencode(self.location.index))
        untouched = self._left is not None and index_file.traces(self.location.index) == self._left
        index = index_file.Index(self.location.index)
        self._index = index
        self.structured = self.described = 0
        self.packed = packed.mailboxes(index.connection)
        try:
            index.own(self.location.uid, self.location.gid)
            row = index.connection.execute("SELECT boot, epoch FROM account").fetchone()
            boot = index_file.boot_id()
            familiar = row is not None and row[1] == self._epoch and bool(self.files.mtime(self.root))
            if not (familiar and (untouched or self.shows_the_same())):
                self._openings += 1
                self.tree_version += 1
            if row is None:
                self._begin_account(boot)
            if not familiar:  # a rebuilt index has other numbers
                self.glanced.clear()
                self.picked.clear()
            self.flag_sets.attach(index.connection)
            if familiar:
                self._lifecycle.catch_up(self)
                return
            self._lifecycle.opened(self, fresh=row is None, rebooted=row is not None and row[0] != boot)
            if row is not None and row[0] != boot:
                index.connection.execute("UPDATE account SET boot = ?", (boot,))
            self._reload_known()
            row = index.connection.execute("SELECT epoch FROM account").fetchone()
            self._epoch = row[0]
        except BaseException:
            self._leave(finish=False)
            raise

    def _begin_account(self, boot: str) -> None:
        self.connection.execute(
            "INSERT OR IGNORE INTO account VALUES (1, ?, ?, 1, 0, 0, -1)", (secrets.token_hex(8), boot)
        )
        self.connection.execute("INSERT OR IGNORE INTO flag_sets VALUES (0, '')")

    def _reload_known(self) -> None:
        """Mailboxes that sessions have open show what the index says now."""
        for mailbox_id in list(self.loaded):
            delta = self._lifecycle.reload(self, mailbox_id)
            if delta is not None:
                self._post(delta)

    def _leave(self, *, finish: bool) -> None:
        """Close the index; with ``finish`` what it owes the Maildir is done first, as far as possible."""
        if self._index is None:
            return
        if finish:
            try:
                self._lifecycle.leaving(self)
            except (sqlite3.Error, OSError, MailError) as error:
                self.log.log("journal-lost", Level.ERROR, user=self.location.name, error=str(error))
        self._index.close()
        self._index = None
        self._epoch = ""
        self._left = None

    def close(self) -> None:
        """Close the index; the next job opens it again."""
        self._leave(finish=False)

    def park(self) -> None:
        """Close the index for a while, if nothing is to be done: what is in memory stays, and stays current.

        The next job opens it again and takes in what other processes did meanwhile; that they did anything
        shows in the file (``is_current``).
        """
        index = self._index
        if index is None or self.owing:
            return
        if (
            index.data_version() != index.version
        ):  # else it would stay open for as long as nobody asks for anything
            self._catch_up(index)
        epoch = self._epoch
        self._changes += index.connection.total_changes
        self._leave(finish=False)
        self._epoch, self._left = epoch, index_file.traces(self.location.index)

    @property
    def opened_before(self) -> bool:
        """Whether this process has had the index open: then the account is there."""
        return self._openings > 0

    @property
    def is_open(self) -> bool:
        return self._index is not None

    # Transactions

    @property
    def connection(self) -> sqlite3.Connection:
        assert self._index is not None
        return self._index.connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction; deltas given to ``tell`` within it are posted after its commit."""
        index = self._index
        assert index is not None
        if not index.begins_at_once:
            self.require_thread()
        index.begin()
        try:
            if index.data_version() != index.version:
                self._catch_up(index)
            yield index.connection
            self.files.step("commit", b"")
            index.connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                index.connection.execute("ROLLBACK")
            self.flag_sets.rolled_back()
            self._pending.clear()
            self.packed = packed.mailboxes(index.connection)
            raise
        finally:
            index.ended()
        index.log_begun = True
        self.flag_sets.committed()
        pending, self._pending = self._pending, []
        for delta in pending:
            self._send(delta)

    def let_others_commit(self) -> bool:
        """Wait until what another process is about to commit is, and take it in; False within a transaction.

        Raises NeedsThread.
        """
        self.require_thread()
        if self.connection.in_transaction:
            return False
        with self.transaction():
            return True

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """What is read within it is of one moment, whatever other processes commit meanwhile."""
        if self.connection.in_transaction:
            yield
            return
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("COMMIT")

    def _catch_up(self, index: index_file.Index) -> None:
        self.require_thread()
        index.version = index.data_version()
        if not self.shows_the_same():
            self.tree_version += 1
        self.packed = packed.mailboxes(index.connection)
        self.flag_sets.refresh(index.connection)
        self._lifecycle.catch_up(self)

    def shows_the_same(self) -> bool:
        """Whether others have changed nothing that mailboxes show since this was asked last: what is derived, they may.

        Every such change raises a number in its mailbox's row.
        """
        rows = self.connection.execute("SELECT * FROM mailboxes LIMIT ?", (COMPARED + 1,)).fetchall()
        before, self._shown = self._shown, hash(tuple(rows)) if len(rows) <= COMPARED else None
        return before is not None and before == self._shown

    def tell(self, delta: Delta) -> None:
        """Post ``delta`` once the open transaction is committed; mailboxes nobody has open get nothing."""
        self._pending.append(delta)

    def send(self, delta: Delta) -> None:
        """Post what another process committed."""
        self._send(delta)

    def _send(self, delta: Delta) -> None:
        self.counts.follow(delta)
        if len(self._moves) >= MOVES_KEPT:
            self._moves.clear()
            self.tree_version += 1
        self._moves[delta.mailbox_id] = self._moves.get(delta.mailbox_id, 0) + 1
        known = self.loaded.get(delta.mailbox_id)
        if known is None:
            return
        if delta.gone:
            del self.loaded[delta.mailbox_id]
        known.modseq = max(known.modseq, delta.modseq)
        known.uidnext = max(known.uidnext, delta.uidnext)
        known.name = delta.name or known.name
        self._post(delta)

    def uids_stamp(self, folder: bytes) -> str:
        try:
            found = self.files.stat(self.folder(folder) + b"/" + uids.FILE)
        except FileNotFoundError:
            return ""
        return f"{found.st_ino}.{found.st_mtime_ns}.{found.st_size}"

    def owe(self, box: Box, uids: UidSet) -> None:
        """Within a transaction: the names of these messages' files are to be brought up to date."""
        if uids:
            mailboxes.owe(self.connection, box, uids)
            self.owing = True

    def sync_later(self, path: bytes) -> None:
        """Have a file on disk soon after the job: nothing that was told by then is wrong if it never gets there."""
        self._unsynced.add(path)
        self.owing = True

    def sync_some(self, most: int | None = None) -> bool:
        """What was put off, or some of it; says whether that was all."""
        for path in list(itertools.islice(self._unsynced, most)):
            self.files.sync_file(path)
            self._unsynced.discard(path)
        return not self._unsynced

    def finish_owed(self) -> None:
        """Have the Maildir follow now, as far as the disk allows. Outside any transaction."""
        self.require_thread()
        self._lifecycle.leaving(self)

    def require_room(self, octets: int, count: int) -> None:
        """Raises OverQuota if that much more would not fit. RFC 9208 §5."""
        limit = self.limit
        if limit.storage is None and limit.messages is None:
            return
        storage, number = mailboxes.used(self.connection)
        if limit.storage is not None and storage + octets > limit.storage:
            raise OverQuota
        if limit.messages is not None and number + count > limit.messages:
            raise OverQuota
