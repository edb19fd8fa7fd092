"""Search keys: a content's address fields, subject, identifiers and date, decoded and folded.

FROM, TO, CC, BCC and SUBJECT are what nearly every search asks for, Message-ID and References what
clients look a thread up by. They are kept as UTF-8 in a narrow table, so that a search of 10,000 messages
is one statement that compares octets in C: UTF-8 is self-synchronising, so octets are found exactly where
characters are.

What the fields' texts are, addresses written anew among them, is said in ``message.searchkeys``.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailaccess.message.headers import Header
from mailaccess.message.searchkeys import field_texts, sent_date
from mailaccess.message.text import SEPARATOR

VERSION: Final = 1
"""Raised whenever a key would come out otherwise; rows of other versions count as missing."""

COLUMNS: Final = ("from", "to", "cc", "bcc", "subject", "message-id", "in-reply-to", "references")
"""The fields kept, by their names in lower case."""

TABLES: Final = (
    # whole: 0 where a value was too large to keep; such a content is searched by its header.
    """CREATE TABLE IF NOT EXISTS search_keys (
        content INTEGER PRIMARY KEY, version INTEGER NOT NULL, whole INTEGER NOT NULL, sent INTEGER NOT NULL,
        "from" BLOB, "to" BLOB, cc BLOB, bcc BLOB, subject BLOB,
        "message-id" BLOB, "in-reply-to" BLOB, "references" BLOB)""",
)

MAX_KEPT: Final = 16 * 1024
"""Octets of one value in the table; a To of 300 addresses has that much."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Folded UTF-8 of each of COLUMNS, None where the message has no such field; several of one name are
    held apart by SEPARATOR.

    sent: the day of the Date field as ``date.toordinal`` counts, time and zone disregarded.
    """

    sent: int
    values: tuple[bytes | None, ...]


def compute(header: Header) -> Keys:
    """The keys of one message."""
    names = set(header.names)
    return Keys(
        sent_date(header).toordinal(),
        tuple(
            SEPARATOR.join(field_texts(header, name)).encode("utf-8", "replace") if octets in names else None
            for name, octets in _NAMES
        ),
    )


_NAMES: Final = tuple((name, name.encode()) for name in COLUMNS)


def store(connection: sqlite3.Connection, rows: Iterable[tuple[int, Keys]]) -> None:
    """Keep keys, replacing older ones; within the caller's transaction."""
    connection.executemany(
        f"INSERT OR REPLACE INTO search_keys VALUES (?, {VERSION}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                content,
                all(value is None or len(value) <= MAX_KEPT for value in keys.values),
                keys.sent,
                *(value if value is None or len(value) <= MAX_KEPT else None for value in keys.values),
            )
            for content, keys in rows
        ],
    )
