"""What FETCH asks first, computed once for each message content and kept in the index.

One row a content: ENVELOPE, BODYSTRUCTURE and BODY rendered for IMAP (RFC 9051 §7.5.2), the MIME
structure as ``message.structure`` dumps it, PREVIEW (RFC 8970), the header octets, and the keys that
searches need (``keys``). COPY and MOVE share a content, so nothing is computed twice.

Everything is derived: a row may be missing (a file that another program dropped) or old (VERSION); then
it is computed from the message's octets, kept, and answered. A damaged index raises, and the vault has it
rebuilt. A value that is too large
to keep is computed whenever it is asked for.

Plain blocking code: the callers run it in the account's serial job, ``compute`` anywhere.
"""

import sqlite3
from collections.abc import Container, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final, cast

from mailaccess.message import preview, structure
from mailaccess.proto.imap import structure_render
from mailaccess.store.api import Fact
from mailaccess.store.index import beside, described, headfiles, heads
from mailaccess.store.index.described import SHORT
from mailaccess.store.index.heads import Head, Look, SortRow
from mailaccess.store.index.keys import Keys
from mailaccess.store.index.rows import Read, among, exactly, give_way, keeping, octets, set_key
from mailaccess.store.window import Octets

VERSION: Final = 2
"""Raised whenever a value would be computed otherwise; rows of other versions count as missing."""

MAX_KEPT: Final = 128 * 1024
"""Octets of one rendered value in the index. Real ones have some hundreds; an ENVELOPE of 10,000 addresses
would only be kept for the one who made it."""

MAX_KEPT_HEADER: Final = 256 * 1024
"""Octets of a header in the index. Real ones have 1 to 20 KB; FETCH reads a larger one from its file, and
SEARCH looks at that much of it."""

HEADERS_STORED_AT_ONCE: Final = 256
"""Headers written in one transaction; an account's other processes wait for it."""

STORED_AT_ONCE: Final = 64
"""Contents computed between two writes: bounds memory at some MB even where every value is at its limit."""

HEADED: Final = -VERSION
"""In the place of VERSION, of a row that holds some of SHORT, and NULL where the background has not come to it yet."""

GIVE_WAY_EVERY: Final = 4
"""Messages computed before the reactor's thread has its turn: 1 to 2 ms."""

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS cache (
        content INTEGER PRIMARY KEY, version INTEGER NOT NULL,
        envelope BLOB, bodystructure BLOB, body BLOB, structure BLOB, preview BLOB)""",
    """CREATE TABLE IF NOT EXISTS cache_header (
        content INTEGER PRIMARY KEY, version INTEGER NOT NULL,
        whole INTEGER NOT NULL, header BLOB NOT NULL)""",
)

_TABLES_OF_CONTENTS: Final = (
    "cache",
    "cache_header",
    "search_keys",
    "order_keys",
    "object_ids",
    "fulltext",
    "fulltext_pending",
)


@dataclass(frozen=True, slots=True)
class Computed:
    """All that is kept of one content, in octets, in the order of ``Fact``; ``keys`` for searches."""

    envelope: bytes
    bodystructure: bytes
    body: bytes
    structure: bytes
    header: bytes
    preview: bytes
    keys: Keys
    order: SortRow

    def fact(self, fact: Fact) -> bytes:
        value = getattr(self, fact.value)
        assert isinstance(value, bytes)
        return value


def compute(wire: Octets) -> Computed:
    """Everything about one message, in one pass over its wire form; holds no transaction, needs no index.

    Bodies are scanned, not copied; a large message comes as a Window on its file.  Never raises for what
    the octets say.
    """
    # A Window has what ``message`` needs of bytes.
    root = structure.parse(cast(bytes, wire))
    block = wire[root.start : root.body]
    head = heads.compute(block)
    return Computed(
        envelope=head.envelope,
        bodystructure=structure_render.bodystructure(root),
        body=structure_render.body(root),
        structure=structure.dump(root),
        header=block,
        preview=preview.preview(cast(bytes, wire), root).encode("utf-8", "replace"),
        keys=head.keys,
        order=head.order,
    )


def store(connection: sqlite3.Connection, rows: Iterable[tuple[int, Computed]]) -> None:
    """Keep ``(content, computed)`` rows, replacing older ones; within the caller's transaction."""
    rows = list(rows)
    connection.executemany(
        "INSERT OR REPLACE INTO cache VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                content,
                VERSION,
                *(
                    value if len(value) <= MAX_KEPT else None
                    for value in (of.envelope, of.bodystructure, of.body, of.structure, of.preview)
                ),
            )
            for content, of in rows
        ],
    )
    _store_headers(connection, [(content, of.header) for content, of in rows])
    heads.store(connection, [(content, of.keys, of.order) for content, of in rows])


def _store_headers(connection: sqlite3.Connection, rows: Sequence[tuple[int, bytes]]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO cache_header VALUES (?, ?, ?, ?)",
        [
            (content, VERSION, len(header) <= MAX_KEPT_HEADER, header[:MAX_KEPT_HEADER])
            for content, header in rows
        ],
    )


def forget(connection: sqlite3.Connection, contents: Sequence[int]) -> None:
    """Drop all that is kept of ``contents``, keys and full text too; within the caller's transaction."""
    where, parameters = exactly(contents)
    for table in _TABLES_OF_CONTENTS:
        connection.execute(f"DELETE FROM {table} WHERE {where}", parameters)
    for (number,) in connection.execute("SELECT id FROM field_sets").fetchall():
        where, parameters = exactly([set_key(number, content) for content in contents], "id")
        connection.execute(f"DELETE FROM field_octets WHERE {where}", parameters)


def facts(
    connection: sqlite3.Connection, contents: Sequence[int], wanted: Sequence[Fact], read: Read
) -> list[tuple[bytes, ...] | None]:
    """For each content a tuple in the order of ``wanted``; None where ``read`` finds the file gone.

    What is missing is computed and kept: then it writes (its own transaction unless one is open).
    """
    found = _rows(connection, contents, wanted)
    answers = [found.get(content) for content in contents]
    if None not in answers and not any(None in answer for answer in answers if answer):
        return answers
    missing = sorted([content for content in set(contents) if None in found.get(content, _NOTHING)])
    computed: dict[int, tuple[bytes, ...]] = {}
    if all(fact is Fact.ENVELOPE for fact in wanted):
        for content, look in looks(connection, missing, read):
            computed[content] = (look.envelope,) * len(wanted)
    elif OF_HEADERS.issuperset(wanted):
        for content, block, head in heads_missing(connection, missing, read):
            computed[content] = tuple([block if fact is Fact.HEADER else head.envelope for fact in wanted])
    else:
        if SHORT.issuperset(wanted) and hasattr(read, "stored"):
            later = pending(connection, missing)
            computed = _completed(
                connection, [each for each in missing if each in later], found, wanted, read
            )
            missing = [each for each in missing if each not in computed]
        for content, values in compute_missing(connection, missing, read, kept=kept(connection, missing)):
            computed[content] = tuple([values.fact(fact) for fact in wanted])
    return [
        computed.get(content) if None in found.get(content, _NOTHING) else found[content]
        for content in contents
    ]


def _completed(
    connection: sqlite3.Connection,
    contents: Sequence[int],
    found: Mapping[int, tuple[bytes | None, ...]],
    wanted: Sequence[Fact],
    read: Read,
) -> dict[int, tuple[bytes, ...]]:
    """These facts of contents, those made that are not ``found``; of contents left out, the long way may tell some."""
    groups: dict[tuple[Fact, ...], list[int]] = {}
    for content in contents:
        values = found.get(content)
        lacking = (
            [fact for fact, each in zip(wanted, values, strict=True) if each is None] if values else wanted
        )
        groups.setdefault(tuple(lacking), []).append(content)
    completed: dict[int, tuple[bytes, ...]] = {}
    for facts, group in groups.items():
        if all(fact is Fact.ENVELOPE for fact in facts):
            made = {
                content: (look.envelope,) * len(facts) for content, look in looks(connection, group, read)
            }
        else:
            made = described.make(group, facts, cast(described.Stored, read))
        for content, new in made.items():
            rest = iter(new)
            kept = found.get(content) or (None,) * len(wanted)
            completed[content] = tuple([next(rest) if each is None else each for each in kept])
    return completed


_NOTHING: Final = (None,)

OF_HEADERS: Final = frozenset((Fact.ENVELOPE, Fact.HEADER))
"""Facts for which the beginning of a file is enough."""


def kept(connection: sqlite3.Connection, contents: Sequence[int]) -> set[int]:
    """Those of ``contents`` that have a row; the set may hold others too."""
    where, parameters = among(contents)
    rows = connection.execute(f"SELECT content FROM cache WHERE {where} AND version = {VERSION}", parameters)
    return {content for (content,) in rows}


def has_headers(connection: sqlite3.Connection, contents: Sequence[int]) -> set[int]:
    """Those of ``contents`` whose header octets are kept; the set may hold others too."""
    where, parameters = among(contents)
    rows = connection.execute(
        f"SELECT content FROM cache_header WHERE {where} AND version = {VERSION}", parameters
    )
    return {content for (content,) in rows}


def kept_headers(
    connection: sqlite3.Connection, contents: Sequence[int]
) -> Generator[tuple[int, bytes], None, None]:
    """(content, header octets) of those that have them kept, ascending, at most MAX_KEPT_HEADER of each.

    No file is read. Exhaust or close it before anything is written.
    """
    wanted = set(contents)
    where, parameters = among(contents)
    statement = (
        f"SELECT content, header FROM cache_header WHERE {where} AND version = {VERSION} ORDER BY content"
    )
    with closing(connection.cursor()) as cursor:
        for content, header in cursor.execute(statement, parameters):
            if content in wanted:
                yield content, header


def headers(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> dict[int, bytes]:
    """The header octets of each content, with the blank line; those whose file is gone are left out."""
    found = {
        content: header
        for content, (header,) in _rows(connection, contents, (Fact.HEADER,)).items()
        if header is not None
    }
    read_now = list(headfiles.read_blocks(read, sorted(set(contents) - found.keys())))
    for start in range(0, len(read_now), HEADERS_STORED_AT_ONCE):
        with keeping(connection):
            _store_headers(connection, read_now[start : start + HEADERS_STORED_AT_ONCE])
    found.update(read_now)
    return found


def _rows(
    connection: sqlite3.Connection, contents: Sequence[int], wanted: Sequence[Fact]
) -> dict[int, tuple[bytes, ...]]:
    """What is kept; a value may be None (too large)."""
    columns = ", ".join(
        "iif(h.whole, h.header, NULL)" if fact is Fact.HEADER else f"c.{fact.value}" for fact in wanted
    )
    version = (
        f"c.version IN ({VERSION}, {HEADED})"
        if SHORT.union(OF_HEADERS).issuperset(wanted)
        else f"c.version = {VERSION}"
    )
    if Fact.HEADER not in wanted:
        first, tables = "c", "cache AS c"
    elif all(fact is Fact.HEADER for fact in wanted):
        first, tables, version = "h", "cache_header AS h", f"h.version = {VERSION}"
    else:
        first = "c"
        tables = f"cache AS c JOIN cache_header AS h ON h.content = c.content AND h.version = {VERSION}"
    where, parameters = among(contents, f"{first}.content")
    statement = f"SELECT {first}.content, {columns} FROM {tables} WHERE {where} AND {version}"
    return {row[0]: row[1:] for row in connection.execute(statement, parameters)}


def heads_missing(
    connection: sqlite3.Connection, contents: Sequence[int], read: Read, share: float = beside.OWN_HALF
) -> Iterator[tuple[int, bytes, Head]]:
    """(content, header, what is kept of it) of each, read from the beginnings of files; gone ones are left out.

    share: ``headfiles.read_and_computed``.

    A fraction of what ``compute`` costs: for what headers alone answer and nobody has asked yet.
    """
    for start in range(0, len(contents), HEADERS_STORED_AT_ONCE):
        done = headfiles.read_and_computed(read, contents[start : start + HEADERS_STORED_AT_ONCE], share)
        if done:
            with keeping(connection):
                store_heads(connection, done)
        yield from done


def looks(
    connection: sqlite3.Connection, contents: Sequence[int], read: Read
) -> Iterator[tuple[int, Head | Look]]:
    """What the headers of contents tell that have none of it kept; those whose file is gone are left out.

    Whoever asks first waits for all of a mailbox: so what the background will keep is not kept now.
    """
    later = pending(connection, contents) if hasattr(read, "memory") else set[int]()
    yield from headfiles.looks(read, [content for content in contents if content in later]) if later else ()
    for content, _, head in heads_missing(connection, [each for each in contents if each not in later], read):
        yield content, head


def pending(connection: sqlite3.Connection, contents: Sequence[int]) -> set[int]:
    """Those of ``contents`` that the background has noted; the set may hold others too."""
    where, parameters = among(contents)
    rows = connection.execute(f"SELECT content FROM fulltext_pending WHERE {where}", parameters)
    return {content for (content,) in rows}


def store_heads(connection: sqlite3.Connection, rows: Sequence[tuple[int, bytes, Head]]) -> None:
    """Keep what headers tell, up to the bounds; within the caller's transaction."""
    _store_headers(connection, [(content, block) for content, block, _ in rows])
    heads.store(connection, [(content, head.keys, head.order) for content, _, head in rows])
    _complete(connection, "envelope", [(content, head.envelope) for content, _, head in rows])


def store_structures(connection: sqlite3.Connection, rows: Sequence[tuple[int, bytes]]) -> None:
    """Keep (content, BODYSTRUCTURE), up to the bounds; within the caller's transaction."""
    _complete(connection, "bodystructure", rows)


def _complete(connection: sqlite3.Connection, column: str, rows: Sequence[tuple[int, bytes]]) -> None:
    """Put values into rows that are not whole yet; what an older version kept goes."""
    others = ", ".join(
        [
            f"{other} = iif(version = {HEADED}, {other}, NULL)"
            for other in ("envelope", "bodystructure", "body", "structure", "preview")
            if other != column
        ]
    )
    connection.executemany(
        f"INSERT INTO cache (content, version, {column}) VALUES (?, {HEADED}, ?) ON CONFLICT (content)"
        f" DO UPDATE SET version = {HEADED}, {column} = excluded.{column}, {others} WHERE version <> {VERSION}",
        [(content, value if len(value) <= MAX_KEPT else None) for content, value in rows],
    )


def compute_missing(
    connection: sqlite3.Connection, contents: Sequence[int], read: Read, kept: Container[int] = ()
) -> Iterator[tuple[int, Computed]]:
    """Compute contents from their files; keep those not ``kept`` already. Gone ones are left out."""
    for start in range(0, len(contents), STORED_AT_ONCE):
        done = _compute_some(contents[start : start + STORED_AT_ONCE], read)
        new = [row for row in done if row[0] not in kept]
        if new:
            with keeping(connection):
                store(connection, new)
        yield from done


def _compute_some(contents: Sequence[int], read: Read) -> list[tuple[int, Computed]]:
    own, take = beside.split(getattr(read, "ask_facts", None), contents, beside.OWN_HALF)
    answered: dict[int, Computed] = {}
    try:
        done = _compute_here(own, read)
    finally:
        answered = take()
    done += answered.items()
    rest = [content for content in contents[len(own) :] if content not in answered]
    return done + _compute_here(rest, read) if rest else done


def _compute_here(contents: Sequence[int], read: Read) -> list[tuple[int, Computed]]:
    done: list[tuple[int, Computed]] = []
    for content in contents:
        wire = octets(read, content)
        if wire is not None:
            done.append((content, compute(wire)))
            if len(done) % GIVE_WAY_EVERY == 0:
                give_way()
    return done
