"""Rows of messages: uid, flags, modseq; expunged UIDs with their modseq.

A handful of statements for any number of messages: sets of UIDs go through the temporary table
``ranges`` (see ``connection``), flags change by a mapping of flag-set ids within one UPDATE.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Final

from mailaccess.model.sequence import UidSet
from mailaccess.store.index.mailboxes import Box

Row = tuple[int, int, int, int, int, int, int, int, int, int, bytes]
"""mailbox, uid, flags, modseq, internal, saved, size, content, home, place, file: as the table has them."""

SHARED: Final = 2
"""Added to ``place`` while the file belongs to another row too."""

MAX_EXPUNGED: Final = 5_000
"""Ranges of expunged UIDs remembered in a mailbox; older ones are forgotten, and QRESYNC falls back."""

_IN_RANGES: Final = "FROM ranges CROSS JOIN messages ON mailbox = ? AND uid BETWEEN first AND last"

_MAPPED_AT_ONCE: Final = 400
"""Flag sets in one CASE: SQLite allows 32,766 variables and an expression depth of 1,000."""


def insert(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    connection.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def choose(connection: sqlite3.Connection, uids: UidSet) -> None:
    """Make ``uids`` the set that the functions below work on."""
    connection.execute("DELETE FROM ranges")
    connection.executemany("INSERT INTO ranges VALUES (?, ?)", uids.ranges)


def chosen_flags(connection: sqlite3.Connection, box: Box) -> list[int]:
    """The different flag-set ids of the chosen messages."""
    return [row[0] for row in connection.execute(f"SELECT DISTINCT flags {_IN_RANGES}", (box.id,))]


def chosen_above(connection: sqlite3.Connection, box: Box, modseq: int) -> UidSet:
    """The chosen messages whose mod-sequence is above ``modseq``."""
    rows = connection.execute(f"SELECT uid {_IN_RANGES} WHERE modseq > ?", (box.id, modseq))
    return UidSet.of([row[0] for row in rows])


def chosen_with(connection: sqlite3.Connection, box: Box, flags: Sequence[int]) -> UidSet:
    """The chosen messages whose flag set is one of ``flags``."""
    rows = connection.execute(f"SELECT uid {_IN_RANGES} WHERE flags IN ({_marks(flags)})", (box.id, *flags))
    return UidSet.of([row[0] for row in rows])


def chosen_uids(connection: sqlite3.Connection, box: Box) -> list[int]:
    return [row[0] for row in connection.execute(f"SELECT uid {_IN_RANGES} ORDER BY uid", (box.id,))]


def set_flags(connection: sqlite3.Connection, box: Box, mapping: dict[int, int], modseq: int) -> None:
    """Give the chosen messages the flag set that ``mapping`` has for theirs, and ``modseq``.

    Those whose flag set is not in ``mapping`` stay. Targets that are sources too must map to themselves
    only if they are in the same piece: they can't, since a changed set maps to itself.
    """
    items = list(mapping.items())
    for start in range(0, len(items), _MAPPED_AT_ONCE):
        piece = items[start : start + _MAPPED_AT_ONCE]
        cases = " ".join(f"WHEN {old} THEN {new}" for old, new in piece)
        connection.execute(
            f"UPDATE messages SET flags = CASE flags {cases} END, modseq = ? FROM ranges"
            f" WHERE mailbox = ? AND uid BETWEEN first AND last"
            f" AND flags IN ({','.join(str(old) for old, _ in piece)})",
            (modseq, box.id),
        )


def count(connection: sqlite3.Connection, box: Box) -> tuple[int, int]:
    """How many messages are chosen, and their octets."""
    row = connection.execute(f"SELECT count(*), coalesce(sum(size), 0) {_IN_RANGES}", (box.id,)).fetchone()
    return int(row[0]), int(row[1])


def doom(connection: sqlite3.Connection, box: Box) -> None:
    """The files of the chosen messages are to be unlinked, but for those that belong to another row too."""
    connection.execute(
        f"INSERT INTO doomed (home, place, file) SELECT home, place, file {_IN_RANGES} WHERE place < {SHARED}",
        (box.id,),
    )


def delete(connection: sqlite3.Connection, box: Box) -> None:
    """The chosen rows go."""
    connection.execute(
        f"DELETE FROM messages WHERE mailbox = ? AND uid IN (SELECT uid {_IN_RANGES})",
        (box.id, box.id),
    )


def duplicate(
    connection: sqlite3.Connection,
    source: Box,
    target: Box,
    first: int,
    modseq: int,
    saved: int,
    *,
    shared: bool,
) -> None:
    """The chosen messages of ``source`` again in ``target``, from UID ``first`` on, in the order of their UIDs.

    Their files stay where they are for now; ``shared`` says that the originals keep theirs.
    """
    place = f"(place & 1) + {SHARED}" if shared else "place"
    connection.execute(
        f"INSERT INTO messages SELECT ?, ? + row_number() OVER (ORDER BY uid), flags, ?, internal, ?, size, content,"
        f" home, {place}, file {_IN_RANGES}",
        (target.id, first - 1, modseq, saved, source.id),
    )


def remember_expunged(connection: sqlite3.Connection, box: Box, uids: UidSet, modseq: int) -> None:
    """Keep ``uids`` as gone with ``modseq``; the oldest are forgotten past the bound."""
    connection.executemany(
        "INSERT OR REPLACE INTO expunged VALUES (?, ?, ?, ?)",
        [(box.id, modseq, first, last) for first, last in uids.ranges],
    )
    row = connection.execute(
        "SELECT modseq FROM expunged WHERE mailbox = ? ORDER BY modseq DESC LIMIT 1 OFFSET ?",
        (box.id, MAX_EXPUNGED),
    ).fetchone()
    if row is not None:
        box.modseq_floor = max(box.modseq_floor, row[0])
        connection.execute("DELETE FROM expunged WHERE mailbox = ? AND modseq <= ?", (box.id, row[0]))


def expunged_since(connection: sqlite3.Connection, box: Box, modseq: int) -> UidSet | None:
    if modseq < box.modseq_floor:
        return None
    rows = connection.execute(
        "SELECT first, last FROM expunged WHERE mailbox = ? AND modseq > ?", (box.id, modseq)
    )
    return UidSet.from_ranges(rows.fetchall())


def _marks(items: Sequence[int]) -> str:
    return ",".join("?" * len(items))
