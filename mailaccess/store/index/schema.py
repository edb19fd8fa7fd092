"""The tables of an account's index, and a numbered step for each change of them.

The index is derived: the Maildir and its ``mailaccess-uids`` files can rebuild everything here but
caches and mod-sequences. One SQLite file an account, WAL, ``PRAGMA user_version`` counts the steps done.

Where the octets of a message are: ``home`` is the mailbox whose folder holds the file *now* (another
than ``mailbox`` only while the rename or link that a MOVE or COPY owes has not been done), ``place`` is 0
for ``new/`` and 1 for ``cur/``, plus 2 while the file belongs to another row too and a link is owed,
``file`` the whole file name as it is on disk *now*. ``flags`` is what clients see.
A row is settled when home = mailbox and the name says what the row says; ``owed`` names the rows that
may not be. The three-way difference (name on disk now, name in ``file``, ``flags``) is what lets another
program's change be merged with ours.

``flags`` is an id in ``flag_sets``: flags in the order of ``model.flags.ordered``, joined by spaces;
id 0 is the empty set. ``internal`` and ``saved`` are seconds since the epoch; ``size`` is octets of the
wire form (RFC822.SIZE).

``content`` is one number for each original message: COPY and MOVE carry it along, so what is cached
of a message's text is shared and never copied. Ids are taken from ``account.next_content`` and never
used twice in one index. Content without a message is swept in the background.

The interface between this room's two halves
--------------------------------------------
``index/cache.py``, ``keys.py``, ``orderkeys.py``, ``objectids.py``, ``fieldsets.py`` and ``fulltext.py`` own
their tables, keyed by content id, and
export ``TABLES``: CREATE statements (``IF NOT EXISTS``), run whenever an index is opened that was made with other
ones. The core calls
``cache.compute`` outside any transaction before a delivery commits, ``cache.store`` and ``fulltext.enqueue``
within it, ``cache.facts`` and ``fieldsets.header_fields`` in jobs, ``fulltext.index_pending`` between jobs,
``cache.forget`` for contents that no row of ``messages`` has any more, and lends ``search.search`` a ``Searchable``.

The connection they get is in autocommit mode (``isolation_level=None``) and used by one thread at a time.
``Read`` (``rows.py``) gives the wire form of a content, None where its file is gone; it blocks.
"""

import contextlib
import sqlite3
import zlib
from functools import lru_cache
from typing import Final

from mailaccess.store.index import cache, fieldsets, fulltext, keys, objectids, orderkeys, packed

_STEP_1: Final = (
    """CREATE TABLE account (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        epoch TEXT NOT NULL,             -- changes with each rebuild
        boot TEXT NOT NULL,              -- the machine's boot id at the last opening: a power loss shows here
        next_content INTEGER NOT NULL,
        unswept INTEGER NOT NULL,        -- messages expunged since the last sweep of contents
        uidvalidity INTEGER NOT NULL,    -- the highest given here: a mailbox made anew gets a higher one
        root_mtime INTEGER NOT NULL      -- of the Maildir, nanoseconds, when the tree was read
    )""",
    """CREATE TABLE mailboxes (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        folder BLOB NOT NULL UNIQUE,     -- in the Maildir; empty for INBOX
        mailbox_id TEXT NOT NULL,
        special_use TEXT NOT NULL,       -- attributes joined by spaces
        uidvalidity INTEGER NOT NULL,
        uidnext INTEGER NOT NULL,
        uid_bound INTEGER NOT NULL,      -- UIDs below it may be given without writing mailaccess-uids
        highest_modseq INTEGER NOT NULL,
        modseq_bound INTEGER NOT NULL,   -- likewise for mod-sequences
        modseq_floor INTEGER NOT NULL,   -- what was expunged up to here is not remembered
        first_recent INTEGER NOT NULL,   -- UIDs from here on are \\Recent to nobody yet
        messages INTEGER NOT NULL,
        octets INTEGER NOT NULL,
        new_mtime INTEGER NOT NULL,      -- nanoseconds, as last seen or as left by ourselves
        cur_mtime INTEGER NOT NULL,
        scanned INTEGER NOT NULL,        -- nanoseconds: when both folders were last listed
        uids_stamp TEXT NOT NULL         -- inode and mtime of mailaccess-uids when last read or written
    )""",
    """CREATE TABLE messages (
        mailbox INTEGER NOT NULL,
        uid INTEGER NOT NULL,
        flags INTEGER NOT NULL,
        modseq INTEGER NOT NULL,
        internal INTEGER NOT NULL,
        saved INTEGER NOT NULL,
        size INTEGER NOT NULL,
        content INTEGER NOT NULL,
        home INTEGER NOT NULL,
        place INTEGER NOT NULL,
        file BLOB NOT NULL,
        PRIMARY KEY (mailbox, uid)
    ) WITHOUT ROWID""",
    "CREATE INDEX messages_content ON messages (content)",
    "CREATE INDEX messages_away ON messages (home) WHERE home <> mailbox",
    "CREATE INDEX messages_shared ON messages (home, file) WHERE place >= 2",
    """CREATE TABLE expunged (            -- UIDs first to last went with modseq
        mailbox INTEGER NOT NULL,
        modseq INTEGER NOT NULL,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        PRIMARY KEY (mailbox, modseq, first)
    ) WITHOUT ROWID""",
    "CREATE TABLE flag_sets (id INTEGER PRIMARY KEY, flags TEXT NOT NULL UNIQUE)",
    """CREATE TABLE keywords (            -- number: 0 to 25 are the letters a to z of file names
        mailbox INTEGER NOT NULL,
        number INTEGER NOT NULL,
        keyword TEXT NOT NULL,
        PRIMARY KEY (mailbox, number)
    ) WITHOUT ROWID""",
    """CREATE TABLE owed (                -- bring the names of these rows' files up to date
        id INTEGER PRIMARY KEY,
        mailbox INTEGER NOT NULL,
        uids TEXT NOT NULL               -- a sequence-set
    )""",
    """CREATE TABLE doomed (              -- files to unlink; a scan does not see them
        id INTEGER PRIMARY KEY,
        home INTEGER NOT NULL,
        place INTEGER NOT NULL,
        file BLOB NOT NULL
    )""",
)

STEPS: Final = (_STEP_1,)
"""Step n brings ``user_version`` from n to n + 1. Never change a step that was released: add one."""


class NewerIndex(Exception):
    """The index was written by a later version of the server: it is set aside and rebuilt."""


def prepare(connection: sqlite3.Connection) -> None:
    """Bring a new or older index up to date, in one transaction. Raises NewerIndex."""
    if _version(connection) == len(STEPS) and _tables(connection) == _TABLES_MARK:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = _version(connection)  # again: another process may have been quicker
        if done > len(STEPS):
            raise NewerIndex
        for step in STEPS[done:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(STEPS)}")
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_TABLES_MARK}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


_TABLES: Final = (
    *cache.TABLES,
    *keys.TABLES,
    *orderkeys.TABLES,
    *objectids.TABLES,
    *fieldsets.TABLES,
    *fulltext.TABLES,
    *packed.TABLES,
)
_TABLES_MARK: Final = zlib.crc32("\n".join(_TABLES).encode()) & 0x7FFFFFFF
"""Kept as the file's application id: an index that has it has these tables, which spares 30 statements an opening."""


@lru_cache(maxsize=1)
def blank() -> bytes | None:
    """The octets of a new index; None where SQLite cannot tell. A file of them costs a quarter of 40 statements."""
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        if not hasattr(connection, "serialize"):
            return None
        prepare(connection)
        made = bytearray(connection.serialize())
    made[18:20] = (
        b"\2\2"  # read and written with a log (WAL): "File format version numbers" of SQLite's file format
    )
    return bytes(made)


def _tables(connection: sqlite3.Connection) -> int:
    row = connection.execute("PRAGMA application_id").fetchone()
    return int(row[0])


def _version(connection: sqlite3.Connection) -> int:
    row = connection.execute("PRAGMA user_version").fetchone()
    return int(row[0])
