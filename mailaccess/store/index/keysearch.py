"""Jobs that search contents by their search keys, or by any field of their cached headers.

Each looks at a bounded number of contents that have to be read from their files, and leaves the others
to the next job. What it answers is what ``message.searchkeys`` tells of the message, kept or not, within
the bounds ``keys.MAX_TEXT`` and ``cache.MAX_KEPT_HEADER``.
"""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Final

from mailaccess.message.headers import Header
from mailaccess.message.searchkeys import field_texts
from mailaccess.message.text import SEPARATOR, fold
from mailaccess.model.criteria import Comparison
from mailaccess.store.index import cache, keys
from mailaccess.store.index.heads import Head, Look
from mailaccess.store.index.rows import Found, Job, Read, among

READ_AT_ONCE: Final = 384
"""Files whose headers one job reads: 15 to 25 ms."""

SCANNED_AT_ONCE: Final = 2 * 1024 * 1024
"""Octets of headers that one job takes apart: 5 to 100 ms."""

MAX_INSTR: Final = 64
"""Octets of a needle that SQLite looks for by itself; it takes their number times the length of the text."""

_OPERATORS: Final = {Comparison.BEFORE: "<", Comparison.ON: "=", Comparison.SINCE: ">="}


def by_key(name: str, text: str) -> Job:
    """Contents whose field ``name`` (of ``keys.COLUMNS``) contains ``text``; with "", those that have it."""
    if SEPARATOR in text:
        return _nothing
    needle = fold(text).encode("utf-8", "replace")
    place = keys.COLUMNS.index(name)

    def holds(of: Head | Look) -> bool:
        value = of.value(place)
        return value is not None and needle in value

    if len(needle) <= MAX_INSTR:
        return _job(f'instr("{name}", ?)', (needle,), holds, bool)
    # SQLite compares the needle at every place that begins like it; Python's search is linear.
    return _job(
        f'CASE WHEN instr("{name}", ?) THEN "{name}" END',
        (needle[:MAX_INSTR],),
        holds,
        lambda value: value is not None and needle in value,
    )


def by_value(name: str, holds: Callable[[int, bytes], bool]) -> Job:
    """Contents whose field ``name`` (of ``keys.COLUMNS``) is there, and of which ``holds`` says so."""
    place = keys.COLUMNS.index(name)

    def job(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> Found:
        where, which = among(contents)
        wanted = set(contents)
        rows = connection.execute(
            f'SELECT content, "{name}" FROM search_keys WHERE {where} AND version = {keys.VERSION}', which
        ).fetchall()
        found = {
            content
            for content, value in rows
            if content in wanted and value is not None and holds(content, value)
        }
        missing = sorted(wanted.difference([content for content, _ in rows]))
        for content, of in cache.looks(connection, missing[:READ_AT_ONCE], read):
            value = of.value(place)
            if value is not None and holds(content, value):
                found.add(content)
        return Found(found, missing[READ_AT_ONCE:])

    return job


def by_sent(comparison: Comparison, day: int) -> Job:
    """Contents whose Date field names a day (``date.toordinal``) before, on or since ``day``."""
    compare: Callable[[int], bool] = {
        Comparison.BEFORE: day.__gt__,
        Comparison.ON: day.__eq__,
        Comparison.SINCE: day.__le__,
    }[comparison]
    return _job(f"sent {_OPERATORS[comparison]} ?", (day,), lambda of: compare(of.sent), bool)


def _nothing(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> Found:
    """The answer to a key with NUL, which no text holds: it stands between the texts."""
    return Found(frozenset(), ())


def _job(
    condition: str,
    parameters: tuple[bytes | int, ...],
    holds: Callable[[Head | Look], bool],
    is_hit: Callable[[Any], bool],
) -> Job:
    """Asks ``condition`` of the table (``is_hit`` reads its value), and ``holds`` of what is not in it."""

    def job(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> Found:
        where, which = among(contents)
        statement = f"SELECT content, {condition} FROM search_keys WHERE {where} AND version = {keys.VERSION}"
        rows = connection.execute(statement, (*parameters, *which)).fetchall()
        found = {content for content, value in rows if is_hit(value)}
        missing = sorted(set(contents).difference([content for content, _ in rows]))
        found.update(
            content for content, of in cache.looks(connection, missing[:READ_AT_ONCE], read) if holds(of)
        )
        return Found(found, missing[READ_AT_ONCE:])

    return job


def by_header(name: str, text: str, form: Callable[[str], str] = fold, *, folded: bool = True) -> Job:
    """Contents that have a field ``name`` (ASCII) which contains ``text``; "" is in every one.

    form: in which texts are compared; ``folded``: the fields' texts come in it already.
    """
    if SEPARATOR in text or SEPARATOR in name:
        return _nothing
    needle = form(text)
    octets = name.lower().encode("utf-8", "replace")

    def holds(header: bytes) -> bool:
        # Most headers don't hold the name at all; only the others are taken apart.
        return octets in header.lower() and any(
            needle in (value if folded else form(value))
            for value in field_texts(Header(header), name, folded=folded)
        )

    def job(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> Found:
        found, seen, spent, last = set[int](), set[int](), 0, contents[-1]
        with closing(cache.kept_headers(connection, contents)) as rows:
            for content, header in rows:
                seen.add(content)
                if holds(header):
                    found.add(content)
                spent += len(header)
                if spent >= SCANNED_AT_ONCE:
                    last = content
                    break
        missing = [content for content in contents if content not in seen and content <= last]
        for content, header, _ in cache.heads_missing(connection, missing[:READ_AT_ONCE], read):
            if holds(header[: cache.MAX_KEPT_HEADER]):
                found.add(content)
        return Found(found, [*missing[READ_AT_ONCE:], *(content for content in contents if content > last)])

    return job
