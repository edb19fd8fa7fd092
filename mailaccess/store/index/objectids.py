"""EMAILID and THREADID of each content (RFC 8474 §5): made from the message itself, kept in the index.

Both are functions of what COPY and MOVE carry along and no rebuild of the index loses. EMAILID is a digest
of the wire form and INTERNALDATE, all that is immutable about a message beside its UID. THREADID is a digest
of the first message of its thread as far as the message names it: the oldest of References, else the message
answered, else itself. So it never changes, whatever arrives later, and is the same in every mailbox; the price
is that an answer which names only the message before it begins a thread of its own (§5.2 allows it).

Plain blocking code for the account's serial jobs.
"""

import sqlite3
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from mailaccess.message import searchkeys
from mailaccess.message.headers import Header, find_end
from mailaccess.store.api import Fact
from mailaccess.store.index import cache
from mailaccess.store.index.rows import Found, Job, Read, among, give_way, keeping, octets
from mailaccess.store.window import Octets

VERSION: Final = 1
"""Raised whenever an id would come out otherwise, which RFC 8474 allows only before it was told to anybody."""

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS object_ids (
        content INTEGER PRIMARY KEY, version INTEGER NOT NULL, email TEXT NOT NULL, thread TEXT NOT NULL)""",
)

KINDS: Final = {Fact.EMAIL_ID: 0, Fact.THREAD_ID: 1}

DIGEST: Final = 20
"""Octets: two different messages with one digest are beyond anybody's means."""

PIECE: Final = 256 * 1024
"""Octets of a large message read at a time."""

READ_AT_ONCE: Final = 32
"""Files that one job of a search reads."""

GIVE_WAY_EVERY: Final = 8

Ids = tuple[str, str]
"""EMAILID and THREADID."""


def facts(
    connection: sqlite3.Connection, contents: Sequence[int], wanted: Sequence[Fact], read: Read
) -> list[tuple[bytes, ...] | None]:
    """As ``cache.facts``, with ids among ``wanted``; an id comes as ``(M…)``, as FETCH tells it."""
    if KINDS.keys().isdisjoint(wanted):
        return cache.facts(connection, contents, wanted, read)
    ids = _ids(connection, contents, read, len(contents))
    others = tuple(fact for fact in wanted if fact not in KINDS)
    kept = cache.facts(connection, contents, others, read) if others else [()] * len(contents)
    answers: list[tuple[bytes, ...] | None] = []
    for content, values in zip(contents, kept, strict=True):
        found = ids.get(content)
        if found is None or values is None:
            answers.append(None)
            continue
        rest = iter(values)
        answers.append(
            tuple(
                [
                    b"(%b)" % found[KINDS[fact]].encode("ascii") if fact in KINDS else next(rest)
                    for fact in wanted
                ]
            )
        )
    return answers


def by_id(fact: Fact, wanted: str) -> Job:
    """Contents whose id (EMAILID or THREADID, as ``fact`` says) is ``wanted``. RFC 8474 §6."""
    place = KINDS[fact]

    def job(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> Found:
        ids = _ids(connection, contents, read, READ_AT_ONCE)
        found = {content for content, values in ids.items() if values is not None and values[place] == wanted}
        return Found(found, [content for content in contents if content not in ids])

    return job


def _ids(
    connection: sqlite3.Connection, contents: Sequence[int], read: Read, most: int
) -> dict[int, Ids | None]:
    """The ids of contents; at most so many are made, the others are left out; None where the file is gone."""
    where, parameters = among(contents)
    rows = connection.execute(
        f"SELECT content, email, thread FROM object_ids WHERE {where} AND version = {VERSION}", parameters
    ).fetchall()
    ids: dict[int, Ids | None] = {content: (email, thread) for content, email, thread in rows}
    missing = [content for content in dict.fromkeys(contents) if content not in ids][:most]
    made: list[tuple[int, int, str, str]] = []
    for number, content in enumerate(missing, 1):
        found = ids[content] = _made(connection, content, read)
        if found is not None:
            made.append((content, VERSION, *found))
        if number % GIVE_WAY_EVERY == 0:
            give_way()
    if made:
        with keeping(connection):
            connection.executemany("INSERT OR REPLACE INTO object_ids VALUES (?, ?, ?, ?)", made)
    return ids


def _made(connection: sqlite3.Connection, content: int, read: Read) -> Ids | None:
    wire = octets(read, content)
    row = connection.execute("SELECT internal FROM messages WHERE content = ? LIMIT 1", (content,)).fetchone()
    if wire is None or row is None:
        return None
    return compute(wire, row[0])


def compute(wire: Octets, internal: int) -> Ids:
    """The ids of a message. internal: INTERNALDATE, seconds since the epoch."""
    digest = blake2b(b"%d " % internal, digest_size=DIGEST)
    for start in range(0, len(wire), PIECE):
        digest.update(wire[start : start + PIECE])
    end = find_end(wire, 0, len(wire))  # type: ignore[arg-type]  # a Window has what it needs of bytes
    header = Header(wire[: end if end >= 0 else len(wire)])
    first = next(iter(searchkeys.references(header)), None) or searchkeys.message_id(header)
    thread = digest.digest() if first is None else blake2b(first, digest_size=DIGEST).digest()
    return "M" + digest.hexdigest(), "T" + thread.hex()
