"""Texts under another comparator than the default (RFC 5255 §4.6): found and put in order as they were written.

What the index keeps is folded, so these look at the messages themselves: headers as they are kept, bodies in their
files, a bounded number in each job. Clients hardly ever ask for it, and get the right answer, only later.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Final

from mailaccess.message import address, searchkeys, words
from mailaccess.message.headers import Header
from mailaccess.message.subject import base_subject
from mailaccess.model import criteria as tree
from mailaccess.model.collation import Collation
from mailaccess.model.criteria import Criterion
from mailaccess.store.index import cache, fulltext, keysearch
from mailaccess.store.index.rows import Found, Job, Read, give_way, octets
from mailaccess.store.sort import SortKey

READ_AT_ONCE: Final = 16
"""Files that one job reads and extracts: 10 to 30 ms."""

GIVE_WAY_EVERY: Final = 4

TEXT_KEYS: Final = frozenset(
    (SortKey.CC, SortKey.FROM, SortKey.SUBJECT, SortKey.TO, SortKey.DISPLAYFROM, SortKey.DISPLAYTO)
)


def matcher(node: Criterion, collation: Collation) -> Job:
    """A job that finds a Header, Body or Text key as ``collation`` compares."""
    match node:
        case tree.Header(field, text):
            return keysearch.by_header(field.lower(), text, collation.form, folded=False)
        case tree.Body(text):
            return _by_text(text, collation, whole=False)
        case tree.Text(text):
            return _by_text(text, collation, whole=True)
    raise ValueError(f"{type(node).__name__} compares no text")


def _by_text(text: str, collation: Collation, *, whole: bool) -> Job:
    needle = collation.form(text).encode("utf-8", "replace")

    def job(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> Found:
        if not needle:
            return Found(set(contents), ())
        found: set[int] = set()
        some = contents[:READ_AT_ONCE]
        for number, content in enumerate(some, 1):
            wire = octets(read, content)
            if wire is None:
                continue
            header, body = fulltext.extract(wire, collation.form)
            if needle in body or (whole and needle in header):
                found.add(content)
            if number % GIVE_WAY_EVERY == 0:
                give_way()
        return Found(found, contents[len(some) :])

    return job


def values(
    connection: sqlite3.Connection,
    contents: Sequence[int],
    read: Read,
    keys: Sequence[SortKey],
    collation: Collation,
) -> dict[int, tuple[bytes, ...]]:
    """What the text keys of these contents compare by, in the order of ``keys``. A file that is gone has none."""
    found: dict[int, tuple[bytes, ...]] = {}
    for number, (content, header) in enumerate(_headers(connection, contents, read), 1):
        parsed = Header(header)
        found[content] = tuple(
            [collation.form(_VALUES[key](parsed)).encode("utf-8", "replace") for key in keys]
        )
        if number % GIVE_WAY_EVERY == 0:
            give_way()
    return found


def _headers(
    connection: sqlite3.Connection, contents: Sequence[int], read: Read
) -> Iterator[tuple[int, bytes]]:
    seen: set[int] = set()
    with closing(cache.kept_headers(connection, contents)) as rows:
        for content, header in rows:
            seen.add(content)
            yield content, header
    missing = [content for content in contents if content not in seen]
    for content, header, _ in cache.heads_missing(connection, missing, read):
        yield content, header[: cache.MAX_KEPT_HEADER]


def _subject(header: Header) -> str:
    return base_subject(searchkeys.subject(header)).text


def _mailbox(name: bytes) -> Callable[[Header], str]:
    def value(header: Header) -> str:
        addresses = address.parse_all(header.all(name))
        return (addresses[0].mailbox or b"").decode("utf-8", "replace") if addresses else ""

    return value


def _display(name: bytes) -> Callable[[Header], str]:
    """As ``searchkeys.display_name``, not folded."""

    def value(header: Header) -> str:
        for each in address.parse_all(header.all(name)):
            if each.begins_group:
                return words.one_line(each.mailbox or b"")
            if each.name:
                return words.decoded(each.name)
            if not each.ends_group:
                return (b"%b@%b" % (each.mailbox or b"", each.host or b"")).decode("utf-8", "replace")
        return ""

    return value


_VALUES: Final[dict[SortKey, Callable[[Header], str]]] = {
    SortKey.SUBJECT: _subject,
    SortKey.FROM: _mailbox(b"from"),
    SortKey.TO: _mailbox(b"to"),
    SortKey.CC: _mailbox(b"cc"),
    SortKey.DISPLAYFROM: _display(b"from"),
    SortKey.DISPLAYTO: _display(b"to"),
}
