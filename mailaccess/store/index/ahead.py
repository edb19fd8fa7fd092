"""What the background makes of contents that other programs dropped in: headers of all of them first, texts after.

A client that meets a new mailbox lists it, sorts it and searches it by sender; all of that is told by headers, which
cost a tenth of the rest. ``fulltext_pending`` names the contents; ``fulltext.index_pending`` makes the rest.

Plain blocking code for the account's serial jobs.
"""

import sqlite3
from typing import Final

from mailaccess.store.index import beside, cache
from mailaccess.store.index.heads import ORDER_VERSION
from mailaccess.store.index.rows import Read

HEADS_AT_ONCE: Final = 128
"""Contents one job looks at: 12 to 20 ms."""


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
