"""What FETCH asks first, computed once for each message content and kept in the index.

One row a content: ENVELOPE, BODYSTRUCTURE and BODY rendered for IMAP (RFC 9051 §7.5.2), the MIME
structure as ``message.structure`` dumps it, PREVIEW (RFC 8970), the header octets, and the keys that
searches need (``keys``). COPY and MOVE share a content, so nothing is computed twice.

Everything is derived: a row may be missing (a file that another program dropped), old (VERSION) or
damaged; then it is computed from the message's octets, kept, and answered. A value that is too large
to keep is computed whenever it is asked for.

Plain blocking code: the callers run it in the account's serial job, ``compute`` anywhere.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from mmap import mmap
from typing import Final

from mailaccess.store.api import Fact
from mailaccess.store.index.keys import Keys

Read = Callable[[int], "bytes | mmap | None"]
"""A content's whole wire form (CRLF): octets, or a map of a large file. None where the file is gone."""

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS cache (
        content INTEGER PRIMARY KEY, version INTEGER NOT NULL,
        envelope BLOB, bodystructure BLOB, body BLOB, structure BLOB, preview BLOB)""",
    "CREATE TABLE IF NOT EXISTS cache_header (content INTEGER PRIMARY KEY, header BLOB NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class Computed:
    """All that is kept of one content, in octets; ``keys`` for searches."""

    envelope: bytes
    bodystructure: bytes
    body: bytes
    structure: bytes
    preview: bytes
    header: bytes
    keys: Keys


def compute(wire: bytes | mmap) -> Computed:
    """Everything about one message, in one pass over its wire form; holds no transaction, needs no index.

    A message of 100 MB may come as a map of its file: it is scanned, not copied.  Never raises for
    what the octets say.
    """
    raise NotImplementedError


def store(connection: sqlite3.Connection, rows: Iterable[tuple[int, Computed]]) -> None:
    """Keep ``(content, computed)`` rows, replacing older ones; within the caller's transaction."""
    raise NotImplementedError


def forget(connection: sqlite3.Connection, contents: Sequence[int]) -> None:
    """Drop what is kept of ``contents``, here, in ``keys`` and in ``fulltext``; within the caller's transaction."""
    raise NotImplementedError


def facts(
    connection: sqlite3.Connection, contents: Sequence[int], wanted: Sequence[Fact], read: Read
) -> list[tuple[bytes, ...] | None]:
    """For each content a tuple in the order of ``wanted``; None where ``read`` finds the file gone.

    What is missing is computed and kept: then it writes (its own transaction unless one is open).
    """
    raise NotImplementedError


def header_fields(
    connection: sqlite3.Connection,
    contents: Sequence[int],
    fields: Sequence[bytes],
    exclude: bool,
    read: Read,
) -> list[bytes | None]:
    """HEADER.FIELDS (with ``exclude`` HEADER.FIELDS.NOT) of each, with the blank line; None where gone.

    A set of fields that is asked for in bulk is kept as rendered octets.  RFC 9051 §6.4.5.1.
    """
    raise NotImplementedError
