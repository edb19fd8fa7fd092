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

from mailaccess.message import words
from mailaccess.message.envelope import Envelope
from mailaccess.message.headers import Header
from mailaccess.message.searchkeys import field_texts, sent_date, written
from mailaccess.message.text import SEPARATOR, fold

VERSION: Final = 2
"""Raised whenever a key would come out otherwise; rows of other versions count as missing."""

COLUMNS: Final = ("from", "to", "cc", "bcc", "subject", "message-id", "in-reply-to", "references")
"""The fields kept, by their names in lower case."""

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS search_keys (
        content INTEGER PRIMARY KEY, version INTEGER NOT NULL, sent INTEGER NOT NULL,
        "from" BLOB, "to" BLOB, cc BLOB, bcc BLOB, subject BLOB,
        "message-id" BLOB, "in-reply-to" BLOB, "references" BLOB)""",
)

MAX_TEXT: Final = 64 * 1024
"""Octets of a field's text that are searched. A To of 1,000 addresses has 40 KB; what lies beyond was written
to make searches slow."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Folded UTF-8 of each of COLUMNS, None where the message has no such field; several of one name are
    held apart by SEPARATOR; at most MAX_TEXT of each.

    sent: the day of the Date field as ``date.toordinal`` counts, time and zone disregarded.
    """

    sent: int
    values: tuple[bytes | None, ...]


def compute(header: Header, fields: Envelope) -> Keys:
    """The keys of one message; ``fields`` is the envelope of ``header``, so that addresses are read once."""
    names = header.names
    lists = {"from": fields.from_, "to": fields.to, "cc": fields.cc, "bcc": fields.bcc}
    values: list[bytes | None] = []
    for name, octets in _NAMES:
        count = names.count(octets)
        if not count:
            values.append(None)
            continue
        if count == 1 and name in lists:
            text = fold(words.decoded(written(lists[name])))
        else:
            text = SEPARATOR.join(field_texts(header, name))
        values.append(text.encode("utf-8", "replace")[:MAX_TEXT])
    return Keys(sent_date(header).toordinal(), tuple(values))


_NAMES: Final = tuple((name, name.encode()) for name in COLUMNS)


def store(connection: sqlite3.Connection, rows: Iterable[tuple[int, Keys]]) -> None:
    """Keep keys, replacing older ones; within the caller's transaction."""
    connection.executemany(
        f"INSERT OR REPLACE INTO search_keys VALUES (?, {VERSION}, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(content, of.sent, *of.values) for content, of in rows],
    )
