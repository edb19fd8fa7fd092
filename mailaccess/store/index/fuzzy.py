"""Jobs of a search for texts that need not be met to the letter (RFC 6203); ``message.fuzzy`` says how."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from mailaccess.message import fuzzy
from mailaccess.message.fuzzy import Query
from mailaccess.model import criteria as tree
from mailaccess.model.criteria import Criterion
from mailaccess.store.index import fulltext, keysearch
from mailaccess.store.index.keys import COLUMNS
from mailaccess.store.index.rows import Found, Job, Read, give_way

GIVE_WAY_EVERY: Final = 8
"""Messages looked at before the reactor's thread has its turn: 1 to 2 ms."""


def matcher(node: Criterion) -> Job | None:
    """A job for one key; None for those that are matched as they stand: no texts, and rare header fields."""
    if isinstance(node, tree.Collated):  # RFC 6203 §3: the comparator may be ignored
        node = node.part
    match node:
        case tree.Header(field, text) if field.lower() in COLUMNS and text:
            return _by_field(field.lower(), Query(text))
        case tree.Body(text) | tree.Text(text) if text:
            return _by_text(Query(text), whole=isinstance(node, tree.Text))
    return None


def _by_field(name: str, query: Query) -> Job:
    weight = fuzzy.SUBJECT  # the field was asked for: there is none to compare it with

    def job(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> Found:
        relevancies: dict[int, int] = {}

        def holds(content: int, value: bytes) -> bool:
            text = fuzzy.simple(value.decode("utf-8", "replace"), folded=True)
            return _note(relevancies, content, query.relevancy([(weight, text)]))

        found = keysearch.by_value(name, holds)(connection, contents, read)
        return Found(found.contents, found.left, relevancies)

    return job


def _by_text(query: Query, *, whole: bool) -> Job:
    def job(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> Found:
        relevancies: dict[int, int] = {}
        looked = 0

        def holds(content: int, body: bytes, header: bytes) -> bool:
            nonlocal looked
            looked += 1
            if looked % GIVE_WAY_EVERY == 0:
                give_way()
            fields = fuzzy.fields_of(header.decode("utf-8", "replace"), body.decode("utf-8", "replace"))
            return _note(relevancies, content, query.relevancy(fields))

        found = fulltext.scan(connection, contents, read, holds, whole=whole)
        return Found(found.contents, found.left, relevancies)

    return job


def _note(relevancies: dict[int, int], content: int, relevancy: int) -> bool:
    if relevancy:
        relevancies[content] = relevancy
    return relevancy > 0
