"""HEADER.FIELDS as clients ask for it: the sets they come back with are kept as rendered octets.

Thunderbird, Outlook, mutt and K-9 each ask for one list of fields for every message of a mailbox
(RFC 9051 §6.4.5.1 HEADER.FIELDS). A list asked for in bulk becomes a set with a number; what it selects
from a content is kept under (set, content) in one integer key. A few sets are kept an account, the least
lately used goes first. Anything else is selected from the cached header octets.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final, cast

from mailaccess.message import fields as of_headers
from mailaccess.message.headers import Header
from mailaccess.store.index import cache, headfiles, picked
from mailaccess.store.index.rows import Read, among, keeping, set_key

VERSION: Final = 1
"""Raised whenever a selection would come out otherwise; sets of other versions are not found, and go."""

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS field_sets (
        id INTEGER PRIMARY KEY AUTOINCREMENT, names BLOB NOT NULL UNIQUE, used INTEGER NOT NULL)""",
    # id: the set's number and the content's, see set_key: one range for each set, in the order of contents.
    "CREATE TABLE IF NOT EXISTS field_octets (id INTEGER PRIMARY KEY, octets BLOB NOT NULL)",
)

MAX_SETS: Final = 8
"""Sets kept an account: a household's different clients, two lists each."""

MAX_NAMES_OCTETS: Final = 4096
"""Octets of a list that may be kept. The longest known, Outlook's, has 600."""

BULK: Final = 16
"""Messages asked for in one call before a list counts as one that will be asked for again."""

_LISTED: Final = frozenset(of_headers.LISTED)

MAX_KEPT: Final = 16 * 1024
"""Octets of one selection; longer ones are selected again each time."""


def header_fields(
    connection: sqlite3.Connection,
    contents: Sequence[int],
    fields: Sequence[bytes],
    exclude: bool,
    read: Read,
) -> list[bytes | None]:
    """HEADER.FIELDS (with ``exclude`` HEADER.FIELDS.NOT) of each, with the blank line; None where gone.

    fields: upper case.  A set of fields that is asked for in bulk is kept as rendered octets: then it
    writes (its own transaction unless one is open).  RFC 9051 §6.4.5.1.
    """
    names = sorted(set(fields))
    bulk = len(contents) >= BULK
    number = _set_number(connection, names, exclude, bulk)
    found = _kept(connection, number, contents) if number else {}
    missing = [content for content in contents if content not in found] if len(found) < len(contents) else []
    if missing:
        wanted = [name.lower() for name in names]
        later = cache.pending(connection, missing) if hasattr(read, "memory") else set[int]()
        if later and not exclude and _LISTED.issuperset(wanted):
            found |= _picked(connection, [each for each in missing if each in later], wanted, read)
        chosen = {
            content: Header(octets).select(names, inverted=True)
            if exclude
            else of_headers.select(octets, wanted)
            for content, octets in cache.headers(
                connection, [each for each in missing if each not in found], read
            ).items()
        }
        found |= chosen
        if number and bulk:
            kept = [
                (set_key(number, content), octets)
                for content, octets in chosen.items()
                if content not in later and len(octets) <= MAX_KEPT
            ]
            if kept:
                with keeping(connection):
                    connection.executemany("INSERT OR REPLACE INTO field_octets VALUES (?, ?)", kept)
    return [found.get(content) for content in contents]


def _picked(
    connection: sqlite3.Connection, contents: Sequence[int], names: Sequence[bytes], read: Read
) -> dict[int, bytes]:
    """Of contents in memory, and of those whose headers are not kept yet."""
    memory = cast(headfiles.Pick, read).memory
    absent = [content for content in contents if content not in memory]
    kept = cache.has_headers(connection, absent) if absent else set[int]()
    picks = headfiles.picks(read, [content for content in contents if content not in kept])
    return {content: picked.selected(of, names) for content, of in picks.items()}


def _kept(connection: sqlite3.Connection, number: int, contents: Sequence[int]) -> dict[int, bytes]:
    offset = set_key(number, 0)
    where, parameters = among([offset + content for content in contents], "id")
    rows = connection.execute(f"SELECT id - {offset}, octets FROM field_octets WHERE {where}", parameters)
    return dict(rows.fetchall())


def _set_number(connection: sqlite3.Connection, names: list[bytes], exclude: bool, bulk: bool) -> int:
    """The number of a kept set, 0 where it is none. Asked for in bulk, it becomes one, and the newest."""
    label = b"%d%b" % (VERSION, b"!" if exclude else b"=") + b"".join(
        [b"%d:%b" % (len(name), name) for name in names]
    )
    if len(label) > MAX_NAMES_OCTETS:
        return 0
    row = connection.execute(
        "SELECT id, used, (SELECT max(used) FROM field_sets) FROM field_sets WHERE names = ?", (label,)
    ).fetchone()
    number, used, newest = row or (0, 0, 1)
    if bulk and used < newest:
        with keeping(connection):
            number = _made_newest(connection, label)
    return int(number)


def _made_newest(connection: sqlite3.Connection, label: bytes) -> int:
    """The set's number, after making it if there is none; the least lately used ones make room.

    Numbers are never given again: another process may still write under the number of a set that went.
    """
    connection.execute(
        "INSERT INTO field_sets (names, used) SELECT ?, ifnull(max(used), 0) + 1 FROM field_sets WHERE true"
        " ON CONFLICT (names) DO UPDATE SET used = excluded.used",
        (label,),
    )
    rows = connection.execute("SELECT id, names FROM field_sets ORDER BY used DESC").fetchall()
    for number, _ in rows[MAX_SETS:]:
        connection.execute("DELETE FROM field_sets WHERE id = ?", (number,))
        connection.execute(
            "DELETE FROM field_octets WHERE id BETWEEN ? AND ?",
            (set_key(number, 0), set_key(number + 1, 0) - 1),
        )
    return int(rows[0][0])
