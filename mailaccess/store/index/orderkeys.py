"""What SORT and THREAD compare of each content: made when first asked for, kept in the index.

Texts are kept in the form that compares octet by octet (``sort.collation``), so that SQLite puts a mailbox in
order in C, off the interpreter lock: 100,000 messages in a few tenths of a second, none of it on the reactor.

Plain blocking code for the account's serial jobs. A content whose file is gone has no row and sorts as if all
of its fields were missing.
"""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Final

from mailaccess.store.index import cache, heads
from mailaccess.store.index.heads import SortRow
from mailaccess.store.index.rows import Read, give_way, keeping
from mailaccess.store.sort import SortCriterion, SortKey

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS order_keys (
        content INTEGER PRIMARY KEY, version INTEGER NOT NULL,
        sent INTEGER,                    -- seconds since the epoch; NULL where the Date field can't be read
        sender BLOB NOT NULL, "to" BLOB NOT NULL, cc BLOB NOT NULL,
        subject BLOB NOT NULL, is_reply INTEGER NOT NULL,
        display_from BLOB NOT NULL, display_to BLOB NOT NULL,
        message_id BLOB, refs BLOB NOT NULL)""",  # refs: identifiers, oldest first, a space between
)

MADE_AT_ONCE: Final = 128
"""Contents whose keys one job makes, from kept headers or from files: 10 to 25 ms."""

_CHOSEN: Final = (
    "FROM ranges CROSS JOIN messages AS m ON m.mailbox = ? AND m.uid BETWEEN first AND last"
    f" LEFT JOIN order_keys AS k ON k.content = m.content AND k.version = {heads.ORDER_VERSION}"
)

_EXPRESSIONS: Final[dict[SortKey, str]] = {
    SortKey.ARRIVAL: "m.internal",
    SortKey.SIZE: "m.size",
    SortKey.DATE: "coalesce(k.sent, m.internal)",
    SortKey.FROM: "coalesce(k.sender, x'')",
    SortKey.TO: "coalesce(k.\"to\", x'')",
    SortKey.CC: "coalesce(k.cc, x'')",
    SortKey.SUBJECT: "coalesce(k.subject, x'')",
    SortKey.DISPLAYFROM: "coalesce(k.display_from, x'')",
    SortKey.DISPLAYTO: "coalesce(k.display_to, x'')",
    # The highest first (RFC 6203 §6): of the temporary table that ``ordered`` makes.
    SortKey.RELEVANCY: "-(SELECT relevancy FROM relevancies AS r WHERE r.uid = m.uid)",
}

OF_ROWS: Final = frozenset((SortKey.ARRIVAL, SortKey.SIZE, SortKey.RELEVANCY))
"""Keys for which the messages' rows are enough."""


def missing(connection: sqlite3.Connection, mailbox: int, most: int) -> list[int]:
    """At most so many contents of the chosen messages (``messages.choose``) that have no keys yet, ascending."""
    rows = connection.execute(
        f"SELECT DISTINCT m.content {_CHOSEN} WHERE k.content IS NULL LIMIT ?", (mailbox, most)
    )
    return sorted(row[0] for row in rows)


def unmade(connection: sqlite3.Connection, mailbox: int) -> list[int]:
    """UIDs of the chosen messages that have no keys yet and will get them in the background, ascending."""
    rows = connection.execute(
        f"SELECT m.uid {_CHOSEN} WHERE k.content IS NULL"
        " AND EXISTS (SELECT 1 FROM fulltext_pending AS p WHERE p.content = m.content) ORDER BY m.uid",
        (mailbox,),
    )
    return [uid for (uid,) in rows.fetchall()]


PLACES: Final[dict[SortKey, int]] = {
    SortKey.DATE: 0,
    SortKey.FROM: 1,
    SortKey.TO: 2,
    SortKey.CC: 3,
    SortKey.SUBJECT: 4,
    SortKey.DISPLAYFROM: 6,
    SortKey.DISPLAYTO: 7,
}
"""Of keys in a ``SortRow``."""

THREAD_PLACES: Final = (0, 4, 5, 8, 9)
"""Of what a ``ThreadRow`` has after the UID."""


def values(
    connection: sqlite3.Connection,
    mailbox: int,
    wanted: Sequence[SortKey],
    relevancies: Mapping[int, int] | None,
) -> dict[SortKey, dict[int, int | bytes]]:
    """What the chosen messages compare by, by UID: those without keys as if they had no fields."""
    columns: dict[SortKey, dict[int, int | bytes]] = {}
    for key in wanted:
        if key is SortKey.RELEVANCY:
            columns[key] = {uid: -relevancy for uid, relevancy in (relevancies or {}).items()}
        else:
            rows = connection.execute(f"SELECT m.uid, {_EXPRESSIONS[key]} {_CHOSEN}", (mailbox,))
            columns[key] = dict(rows.fetchall())
    return columns


def ordered(
    connection: sqlite3.Connection,
    mailbox: int,
    order: Sequence[SortCriterion],
    relevancies: Mapping[int, int] | None = None,
) -> list[int]:
    """UIDs of the chosen messages by ``order``; what is equal goes by UID. RFC 5256 §3."""
    if relevancies is not None and any(each.key is SortKey.RELEVANCY for each in order):
        connection.execute(
            "CREATE TEMP TABLE IF NOT EXISTS relevancies (uid INTEGER PRIMARY KEY, relevancy INTEGER)"
        )
        connection.execute("DELETE FROM relevancies")
        connection.executemany("INSERT INTO relevancies VALUES (?, ?)", relevancies.items())
    terms = [_EXPRESSIONS[each.key] + (" DESC" if each.reverse else "") for each in order]
    rows = connection.execute(f"SELECT m.uid {_CHOSEN} ORDER BY {', '.join([*terms, 'm.uid'])}", (mailbox,))
    return [row[0] for row in rows.fetchall()]


def numbers(
    connection: sqlite3.Connection, mailbox: int, key: SortKey, relevancies: Mapping[int, int] | None
) -> dict[int, int]:
    """What a key that is no text compares by, of the chosen messages by UID."""
    if key is SortKey.RELEVANCY:
        return {uid: -relevancy for uid, relevancy in (relevancies or {}).items()}
    return dict(connection.execute(f"SELECT m.uid, {_EXPRESSIONS[key]} {_CHOSEN}", (mailbox,)).fetchall())


ThreadRow = tuple[int, int, bytes, int, bytes | None, bytes]
"""uid, sent, subject, is_reply, message_id, refs."""


def for_threads(connection: sqlite3.Connection, mailbox: int) -> list[ThreadRow]:
    """What threading needs of the chosen messages, by UID."""
    return connection.execute(
        "SELECT m.uid, coalesce(k.sent, m.internal), coalesce(k.subject, x''), coalesce(k.is_reply, 0),"
        f" k.message_id, coalesce(k.refs, x'') {_CHOSEN} ORDER BY m.uid",
        (mailbox,),
    ).fetchall()


def make(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> None:
    """Make and keep the keys of at most MADE_AT_ONCE contents (ascending): bounded work for one job."""
    wanted = contents[:MADE_AT_ONCE]
    rows: list[tuple[int, SortRow]] = []
    turn = time.monotonic() + heads.GIVE_WAY_SECONDS
    with closing(cache.kept_headers(connection, wanted)) as kept:
        for content, header in kept:
            rows.append((content, heads.compute(header).order))
            if time.monotonic() > turn:
                give_way()
                turn = time.monotonic() + heads.GIVE_WAY_SECONDS
    found = {content for content, _ in rows}
    rest = [content for content in wanted if content not in found]
    found.update([content for content, _, _ in cache.heads_missing(connection, rest, read)])
    # Of a file that is gone or not readable: kept too, or it would be asked for again and again.
    nothing = heads.compute(b"").order
    rows += [(content, nothing) for content in rest if content not in found]
    with keeping(connection):
        heads.store_order(connection, rows)
