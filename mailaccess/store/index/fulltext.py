"""Full text: the decoded, folded text of each content, compressed, for SEARCH BODY and TEXT.

Plain blocking code for the account's serial job.
"""

import sqlite3
from collections.abc import Sequence
from typing import Final

from mailaccess.store.index.cache import Read

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS fulltext (
        content INTEGER PRIMARY KEY, version INTEGER NOT NULL, header BLOB NOT NULL, body BLOB NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS fulltext_pending (content INTEGER PRIMARY KEY)",
)


def enqueue(connection: sqlite3.Connection, contents: Sequence[int]) -> None:
    """Note new contents whose text is to be indexed later; within the caller's transaction.

    Delivered, appended and adopted alike. Nothing breaks if it is not called: searches cover what is
    not indexed yet, only slower.
    """
    raise NotImplementedError


def index_pending(connection: sqlite3.Connection, read: Read, limit: int = 50) -> int:
    """Index up to ``limit`` noted contents, oldest first; returns how many are still to be done.

    Also fills the cache of contents that have none (adopted files). Opens its own transaction. The
    core calls it between foreground jobs until it answers 0.
    """
    raise NotImplementedError
