"""The first search of texts that nobody has looked at yet: it makes the words of whole blocks (``wordblocks``)
instead of their compressed texts, which costs no more, and the next search opens no text.

The background makes and keeps the texts later. Two blocks go in one job: the process beside the server does the second.

Plain blocking code for the account's serial jobs.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Final, Protocol, cast

from mailaccess.store.index import beside, cache, wordblocks
from mailaccess.store.index.rows import Read, keeping
from mailaccess.store.index.wordblocks import Row

MOST_OF_IT: Final = wordblocks.BLOCK // 2
"""Messages of a block that are to be looked at, and that the background has not made, for its words to be made."""

MAX_OCTETS: Final = 16 * 2**20
"""Octets of a block's messages: above, a job would take too long; mail has half of that."""

Found = tuple[set[int], set[int], list[int]]
"""Contents that hold the piece; those for another job; those to be looked through now, ascending."""


class Texts(Protocol):
    """What a reader must have besides."""

    def octets_of(self, contents: Sequence[int], /) -> int:
        """Octets of the messages, in the wire form."""
        ...

    def words(self, block: int, contents: Sequence[int], kinds: Sequence[int], /) -> list[Row]:
        """The rows of a block for these contents, as far as their files are there and not large."""
        ...

    def ask_words(
        self, block: int, contents: Sequence[int], kinds: Sequence[int], /
    ) -> "beside.Take[list[Row]] | None": ...


def look(
    connection: sqlite3.Connection,
    contents: Sequence[int],
    piece: bytes,
    read: Read,
    of_texts: int,
    *,
    whole: bool,
) -> Found:
    """Make the words of the first blocks of ``contents`` (ascending) that are worth it, and look into them.

    piece: without white space.  whole: headers too.
    """
    if not hasattr(read, "words"):
        return set(), set(), list(contents)
    texts = cast(Texts, read)
    chosen: list[tuple[int, list[int], list[int]]] = []
    for block, wanted in _due(connection, contents, texts):
        kinds = wordblocks.lacking(connection, block, wanted, of_texts, whole=whole)
        if kinds:
            chosen.append((block, wanted, kinds))
        if len(chosen) == 2:
            break
    if not chosen:
        return set(), set(), list(contents)
    made = _made(connection, chosen, texts)
    found, looked, unknown = set[int](), set[int](), list[int]()
    for block, wanted, _ in chosen:
        if block not in made:
            continue
        kept = wordblocks.kept(connection, block, of_texts, whole=whole)
        kept.update({row[0] % 2: row[3:] for row in made[block]})
        hits, rest = wordblocks.holding(list(kept.values()), [piece], 1 + whole)
        found.update([content for content in wanted if hits & ~rest & wordblocks.bit(content)])
        unknown += [content for content in wanted if rest & wordblocks.bit(content)]
        looked.update(wanted)
    return found, set(contents).difference(looked), unknown


def _due(
    connection: sqlite3.Connection, contents: Sequence[int], texts: Texts
) -> Iterator[tuple[int, list[int]]]:
    first, last = contents[0] // wordblocks.BLOCK, (contents[-1] + 1) // wordblocks.BLOCK
    for block, some in groupby(contents, lambda content: content // wordblocks.BLOCK):
        wanted = list(some)
        if (
            len(wanted) >= MOST_OF_IT
            and (block < last or block == first)  # else the rest of it is in the next job
            and len(cache.pending(connection, wanted).intersection(wanted)) >= MOST_OF_IT
            and texts.octets_of(wanted) <= MAX_OCTETS
        ):
            yield block, wanted


def _made(
    connection: sqlite3.Connection, chosen: list[tuple[int, list[int], list[int]]], texts: Texts
) -> dict[int, list[Row]]:
    """Rows by block; the second one is missing where the process beside the server does not answer."""
    take: Callable[[], dict[int, list[Row]]] | None = None
    if len(chosen) == 2:
        take = texts.ask_words(*chosen[1])
    answered: dict[int, list[Row]] = {}
    try:
        made = {chosen[0][0]: texts.words(*chosen[0])}
    finally:
        if take is not None:
            answered = take()
    made |= answered
    with keeping(connection):
        for rows in made.values():
            wordblocks.keep(connection, rows)
    return made
