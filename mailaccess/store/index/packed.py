"""Messages that have no rows yet: the files of a mailbox seen for the first time, as columns in a few blobs.

100,000 rows take a second to insert, and a client waits for none of them: SELECT asks for numbers, flags and sizes.
So what is found at the first look is kept in chunks, and made rows of later (``unpacking.unpack``), chunk by chunk in
the background, or before anything that works on rows. A message is in a chunk or has a row, never both.
"""

import sqlite3
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS packed (
        mailbox INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, -- UIDs
        content INTEGER NOT NULL,        -- of the first message; the others follow
        modseq INTEGER NOT NULL,
        columns BLOB NOT NULL, names BLOB NOT NULL,
        PRIMARY KEY (mailbox, first)) WITHOUT ROWID""",
)

MAX_UID: Final = 2**32

# Chunks do not overlap: of those that begin at or before the lowest UID only the last can reach it. Asking each for its
# last UID read all of them.
_FROM: Final = "first >= ifnull((SELECT max(first) FROM packed WHERE mailbox = :box AND first <= :low), 0)"


@dataclass(slots=True)
class Chunk:
    """Messages in ascending order of UIDs. flags: ids of the index.  places: 0 new/, 1 cur/.

    dates: INTERNALDATE of each, or UNDATED of all.  names: empty where they were not asked for.
    """

    content: int
    modseq: int
    uids: "array[int]"
    flags: "array[int]"
    sizes: "array[int]"
    dates: "array[int]"
    places: bytes
    names: list[bytes]

    def part(self, start: int, stop: int) -> "Chunk":
        """The messages from ``start`` to before ``stop``."""
        return Chunk(
            self.content + start, self.modseq, self.uids[start:stop], self.flags[start:stop], self.sizes[start:stop],
            self.dates[start:stop], self.places[start:stop], self.names[start:stop],
        )  # fmt: skip


def mailboxes(connection: sqlite3.Connection) -> set[int]:
    """Those that have messages here."""
    return {row[0] for row in connection.execute("SELECT DISTINCT mailbox FROM packed")}


def add(connection: sqlite3.Connection, mailbox: int, chunk: Chunk) -> None:
    columns = b"".join(
        [
            chunk.uids.tobytes(),
            chunk.flags.tobytes(),
            chunk.sizes.tobytes(),
            chunk.dates.tobytes(),
            chunk.places,
        ]
    )
    connection.execute(
        "INSERT INTO packed VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            mailbox,
            chunk.uids[0],
            chunk.uids[-1],
            chunk.content,
            chunk.modseq,
            columns,
            b"/".join(chunk.names),
        ),
    )


def chunks(
    connection: sqlite3.Connection, mailbox: int, low: int = 1, high: int = MAX_UID, most: int = -1
) -> list[Chunk]:
    """Those that may hold UIDs from ``low`` to ``high``, ascending; at most so many."""
    rows = connection.execute(
        f"SELECT content, modseq, columns, names FROM packed WHERE mailbox = :box AND {_FROM} AND first <= :high"
        " AND last >= :low ORDER BY first LIMIT :most",
        {"box": mailbox, "low": low, "high": high, "most": most},
    ).fetchall()
    return [_chunk(content, modseq, columns, names.split(b"/")) for content, modseq, columns, names in rows]


def nameless(connection: sqlite3.Connection, mailbox: int) -> list[Chunk]:
    """All, without the names: a tenth of the work."""
    rows = connection.execute(
        "SELECT content, modseq, columns FROM packed WHERE mailbox = ? ORDER BY first", (mailbox,)
    ).fetchall()
    return [_chunk(content, modseq, columns, []) for content, modseq, columns in rows]


def in_new(connection: sqlite3.Connection, mailbox: int) -> list[tuple[int, bytes, int]]:
    """Place, name and UID of those whose files lie in new/."""
    found: list[tuple[int, bytes, int]] = []
    for chunk in nameless(connection, mailbox):
        if 0 in chunk.places:
            for named in chunks(connection, mailbox, chunk.uids[0], chunk.uids[0], 1):
                each = zip(named.places, named.names, named.uids, strict=True)
                found += [entry for entry in each if not entry[0]]
    return found


def may_have(connection: sqlite3.Connection, mailbox: int, unique: bytes) -> bool:
    """Whether one may have a file of that unique part: it may be a part of another's, too."""
    row = connection.execute(
        "SELECT 1 FROM packed WHERE mailbox = ? AND instr(names, ?) LIMIT 1", (mailbox, unique)
    ).fetchone()
    return row is not None


def has(connection: sqlite3.Connection, mailbox: int, low: int = 1, high: int = MAX_UID) -> bool:
    """Whether there are any that may hold UIDs from ``low`` to ``high``."""
    row = connection.execute(
        f"SELECT 1 FROM packed WHERE mailbox = :box AND {_FROM} AND first <= :high AND last >= :low LIMIT 1",
        {"box": mailbox, "low": low, "high": high},
    ).fetchone()
    return row is not None


def has_chunks(connection: sqlite3.Connection, mailbox: int, count: int) -> bool:
    """Whether it has so many."""
    rows = connection.execute("SELECT 1 FROM packed WHERE mailbox = ? LIMIT ?", (mailbox, count)).fetchall()
    return len(rows) == count


def _chunk(content: int, modseq: int, columns: bytes, names: list[bytes]) -> Chunk:
    count = len(columns) // (4 + 4 + 8 + 8 + 1)
    uids, flags, sizes, dates = array("I"), array("I"), array("Q"), array("q")
    at = 0
    for column in (uids, flags, sizes, dates):
        end = at + count * column.itemsize
        column.frombytes(columns[at:end])
        at = end
    return Chunk(content, modseq, uids, flags, sizes, dates, columns[at:], names)


def groups(of: Iterable[Chunk]) -> list[tuple[int, int, int]]:
    """(flags, how many messages have them, their octets), of all chunks."""
    counts, octets = Counter[int](), Counter[int]()
    for chunk in of:
        counts.update(chunk.flags)
        for flags, size in zip(chunk.flags, chunk.sizes, strict=True):
            octets[flags] += size
    return [(flags, count, octets[flags]) for flags, count in counts.items()]


def remove(connection: sqlite3.Connection, mailbox: int, chunk: Chunk) -> None:
    connection.execute("DELETE FROM packed WHERE mailbox = ? AND first = ?", (mailbox, chunk.uids[0]))
