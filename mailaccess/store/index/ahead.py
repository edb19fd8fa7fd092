"""What the background makes of contents that other programs dropped in: structures of all of them, headers, then texts.

A client that meets a new mailbox lists it, sorts it and searches it by sender. The fields of headers are in memory by
then (``glance``), for which the structures are all that is wanted besides; structures and headers together cost a
tenth of the rest. ``fulltext_pending`` names the contents; ``fulltext.index_pending`` makes the rest.

Plain blocking code for the account's serial jobs.
"""

import sqlite3
from typing import Final, cast

from mailaccess.store.api import Fact
from mailaccess.store.index import beside, cache, described
from mailaccess.store.index.heads import ORDER_VERSION
from mailaccess.store.index.rows import Read, keeping

HEADS_AT_ONCE: Final = 128
"""Contents one job looks at: 12 to 20 ms."""


STRUCTURES_AT_ONCE: Final = 128
"""Contents one job looks at: 12 to 20 ms."""


def describe_structures(connection: sqlite3.Connection, read: Read, after: int) -> int | None:
    """Make BODYSTRUCTURE of some noted contents above ``after`` that have none, ascending.

    Returns where to go on, or None where none is left.
    """
    rows = connection.execute(
        "SELECT content FROM fulltext_pending AS p WHERE content > ? AND NOT EXISTS"
        " (SELECT 1 FROM cache AS c WHERE c.content = p.content AND c.bodystructure IS NOT NULL"
        f" AND c.version IN ({cache.VERSION}, {cache.HEADED})) ORDER BY content LIMIT ?",
        (after, STRUCTURES_AT_ONCE),
    )
    contents: list[int] = [content for (content,) in rows.fetchall()]
    if not contents:
        return None
    made = described.make(contents, (Fact.BODYSTRUCTURE,), cast(described.Stored, read), beside.ALL)
    with keeping(connection):
        cache.store_structures(connection, [(content, value) for content, (value,) in made.items()])
    return contents[-1]


def describe_headers(connection: sqlite3.Connection, read: Read, after: int) -> int | None:
    """Make what headers tell of some noted contents above ``after`` that nobody asked about yet, ascending.

    Returns where to go on, or None where none is left.
    """
    rows = connection.execute(
        "SELECT content FROM fulltext_pending AS p WHERE content > ? AND NOT EXISTS"
        f" (SELECT 1 FROM order_keys AS k WHERE k.content = p.content AND k.version = {ORDER_VERSION})"
        " ORDER BY content LIMIT ?",
        (after, HEADS_AT_ONCE),
    )
    contents: list[int] = [content for (content,) in rows.fetchall()]
    if not contents:
        return None
    for _ in cache.heads_missing(connection, contents, read, beside.ALL):
        pass
    return contents[-1]
