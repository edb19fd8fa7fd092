"""The words of BLOCK messages at a time, so that a search for a word opens no text (``fulltext``).

A substring without white space lies within one word of the text: so the different words of a block, with the
messages that each is in, answer it exactly, in every language, for one letter as for a long word. Of a substring
with white space every piece has to be there; the few messages that have them all are looked through. Words
repeat, so that all of a block's take a tenth of what the texts take, and are looked through by one
``bytes.find``: 10,000 messages of 7 KB in some 15 ms, against 350 for their texts (November 2026).

A block is made behind delivery, of the texts that ``fulltext`` keeps, and again when enough has come or gone;
what it does not cover is searched in the texts. Messages are numbered in a block by their content ids, so
those of one block may be of several mailboxes.

Plain blocking code for the account's serial jobs.
"""

import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from mailaccess.store.index.rows import give_way, writing

VERSION: Final = 1
"""Raised whenever a block would come out otherwise."""

BLOCK: Final = 128
"""Messages of a block: 20 to 40 ms to make. A place in it is an octet."""

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS word_blocks (
        id INTEGER PRIMARY KEY, version INTEGER NOT NULL, looked BLOB NOT NULL, covered BLOB NOT NULL,
        words BLOB NOT NULL, counts BLOB NOT NULL, places BLOB NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS word_blocks_due (block INTEGER PRIMARY KEY)",
    f"""INSERT OR IGNORE INTO word_blocks_due
        SELECT DISTINCT content / {BLOCK} FROM fulltext WHERE NOT EXISTS (SELECT 1 FROM word_blocks)""",
)

CHANGED: Final = 32
"""Texts that came or went since a block was made, after which it is made again."""

WORTH: Final = 4
"""Messages of a block that a search must want for the block to be opened rather than their texts."""

MAX_WORDS: Final = 256 * 1024
"""Octets of a message's different words; one with more (encoded data in its text) is searched in its text."""

MAX_BLOCK: Final = 8 * 1024 * 1024
"""Octets of a block's different words together."""

GIVE_WAY_EVERY: Final = 4
"""Texts taken apart before the reactor's thread has its turn: 1 ms."""

LEVEL: Final = 1


Row = tuple[int, int, bytes, bytes, bytes, bytes, bytes]
"""Of the table. The id is 2 * block for the words of bodies, and one more for those of headers."""

Packed = tuple[bytes, bytes, bytes, bytes]
"""covered, words, counts and places of a row."""


@dataclass(slots=True)
class _Words:
    """The words of one kind of text (bodies, or headers), while a block is made."""

    places: dict[bytes, bytearray]
    octets: int = 0
    covered: int = 0

    def add(self, place: int, text: bytes) -> None:
        words = set(text.split())
        octets = sum(map(len, words))
        if octets > MAX_WORDS or self.octets + octets > MAX_BLOCK:
            return
        known = self.places
        for word in words:
            found = known.get(word)
            if found is None:
                known[word] = bytearray((place,))
                self.octets += len(word) + 1
            else:
                found.append(place)
        self.covered |= 1 << place

    def packed(self) -> tuple[bytes, bytes, bytes]:
        """words, counts (each less one), places."""
        words = sorted(self.places)
        places = [self.places[word] for word in words]
        return (
            zlib.compress(b"\n%b\n" % b"\n".join(words), LEVEL),
            zlib.compress(bytes([len(each) - 1 for each in places]), LEVEL),
            zlib.compress(b"".join(places), LEVEL),
        )


# Making


def note(connection: sqlite3.Connection, contents: Collection[int]) -> None:
    """Texts of ``contents`` came or went; within the caller's transaction.

    The block before is looked at as well: it may have become full.
    """
    blocks = {content // BLOCK for content in contents}
    connection.executemany(
        "INSERT OR IGNORE INTO word_blocks_due VALUES (?)",
        [(block,) for block in blocks | {block - 1 for block in blocks}],
    )


def make_due(connection: sqlite3.Connection, of_texts: int) -> bool:
    """Look at one block that has changed, and make it if that is worth it; says whether there was any.

    of_texts: the version of the texts (``fulltext.VERSION``).
    """
    row = connection.execute("SELECT block FROM word_blocks_due LIMIT 1").fetchone()
    if row is None:
        return False
    made = _made(connection, row[0], of_texts) if _is_due(connection, row[0], of_texts) else []
    with writing(connection):
        keep(connection, made)
        connection.execute("DELETE FROM word_blocks_due WHERE block = ?", row)
    return True


def makes(connection: sqlite3.Connection, of_texts: int) -> bool:
    """Whether ``make_due`` would make a block now, and not only look at it."""
    row = connection.execute("SELECT block FROM word_blocks_due LIMIT 1").fetchone()
    return row is not None and _is_due(connection, row[0], of_texts)


def _is_due(connection: sqlite3.Connection, block: int, of_texts: int) -> bool:
    rows = connection.execute(
        "SELECT content FROM fulltext WHERE content BETWEEN ? AND ? AND version = ?",
        (*_range(block), of_texts),
    ).fetchall()
    there = _mask([content for (content,) in rows])
    looks = connection.execute(
        "SELECT looked FROM word_blocks WHERE id BETWEEN ? AND ? AND version = ?",
        (2 * block, 2 * block + 1, _version(of_texts)),
    ).fetchall()
    looked = 0
    if len(looks) == 2:  # else a first search made the words of bodies alone
        looked = int.from_bytes(looks[0][0], "little") & int.from_bytes(looks[1][0], "little")
    pending = connection.execute(
        "SELECT content FROM fulltext_pending WHERE content BETWEEN ? AND ?", _range(block)
    )
    waiting = _mask([content for (content,) in pending.fetchall()])
    if waiting.bit_count() >= CHANGED:  # their texts will say that they came
        return False
    if ((there & ~looked) | (looked & ~there & ~waiting)).bit_count() >= CHANGED:
        return True
    after = connection.execute("SELECT 1 FROM fulltext WHERE content > ? LIMIT 1", (_range(block)[1],))
    return bool(there & ~looked) and after.fetchone() is not None


def _made(connection: sqlite3.Connection, block: int, of_texts: int) -> list[Row]:
    """The rows of a block: of the bodies, and of the headers."""
    rows = connection.execute(
        "SELECT content, body, header FROM fulltext WHERE content BETWEEN ? AND ? AND version = ?",
        (*_range(block), of_texts),
    )
    return rows_of(block, _unpacked(rows.fetchall()), (0, 1), of_texts)


def _unpacked(rows: list[tuple[int, bytes, bytes]]) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    for content, *packed in rows:
        texts: list[bytes | None] = []
        for each in packed:
            try:
                texts.append(zlib.decompress(each))
            except (zlib.error, TypeError):  # damaged: the search reads the message
                texts.append(None)
        yield content, texts[0], texts[1]


def rows_of(
    block: int,
    texts: Iterable[tuple[int, bytes | None, bytes | None]],
    kinds: Sequence[int],
    of_texts: int,
) -> list[Row]:
    """Rows with the words of contents of a block.

    texts: (content, text of its bodies, text of its headers), folded UTF-8; None where there is none.
    kinds: 0 for a row of bodies, 1 for one of headers.
    """
    words = {kind: _Words({}) for kind in kinds}
    looked = 0
    for number, (content, *both) in enumerate(texts, 1):
        looked |= bit(content)
        for kind, made in words.items():
            text = both[kind]
            if text is not None:
                made.add(content % BLOCK, text)
        if number % GIVE_WAY_EVERY == 0:
            give_way()
    return [
        (2 * block + kind, _version(of_texts), _octets(looked), _octets(made.covered), *made.packed())
        for kind, made in words.items()
    ]


def keep(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Within the caller's transaction."""
    connection.executemany("INSERT OR REPLACE INTO word_blocks VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def bit(content: int) -> int:
    """The place of a content in its block, as a mask."""
    return 1 << (content % BLOCK)


def _version(of_texts: int) -> int:
    return 1_000 * VERSION + of_texts


def _range(block: int) -> tuple[int, int]:
    return block * BLOCK, block * BLOCK + BLOCK - 1


def _mask(contents: Collection[int]) -> int:
    mask = 0
    for content in contents:
        mask |= 1 << (content % BLOCK)
    return mask


def _octets(mask: int) -> bytes:
    return mask.to_bytes((BLOCK + 7) // 8, "little")


# Looking


def look(
    connection: sqlite3.Connection, contents: Sequence[int], needle: bytes, of_texts: int, *, whole: bool
) -> tuple[set[int], list[int]]:
    """Which of ``contents`` (ascending) hold ``needle``, and which are to be looked through yet.

    needle: folded UTF-8.  whole: in the headers too.
    """
    pieces = needle.split()
    if not pieces:
        return set(), list(contents)
    is_exact = pieces == [needle]
    found, left = set[int](), list[int]()
    for block, some in groupby(contents, lambda content: content // BLOCK):
        wanted = list(some)
        if len(wanted) < WORTH:
            left += wanted
            continue
        hits, unknown = _in_block(connection, block, pieces, of_texts, whole=whole)
        sure = hits & ~unknown if is_exact else 0
        unsure = unknown if is_exact else hits | unknown
        found.update([content for content in wanted if sure >> (content % BLOCK) & 1])
        left += [content for content in wanted if unsure >> (content % BLOCK) & 1]
    return found, left


def _in_block(
    connection: sqlite3.Connection, block: int, pieces: list[bytes], of_texts: int, *, whole: bool
) -> tuple[int, int]:
    """The places of a block in which all pieces are found, and those of which it does not know all."""
    return holding(list(kept(connection, block, of_texts, whole=whole).values()), pieces, 1 + whole)


def kept(connection: sqlite3.Connection, block: int, of_texts: int, *, whole: bool) -> dict[int, Packed]:
    """What is kept of a block, by kind: bodies (0), and with ``whole`` headers (1)."""
    rows = connection.execute(
        "SELECT id, covered, words, counts, places FROM word_blocks WHERE id BETWEEN ? AND ? AND version = ?",
        (2 * block, 2 * block + whole, _version(of_texts)),
    )
    return {row[0] % 2: row[1:] for row in rows.fetchall()}


def lacking(
    connection: sqlite3.Connection, block: int, wanted: Collection[int], of_texts: int, *, whole: bool
) -> list[int]:
    """The kinds of words that are not kept of most of ``wanted``; not those kept of others, which would be lost."""
    mask, known = _mask(wanted), kept(connection, block, of_texts, whole=whole)
    covered = {kind: int.from_bytes(row[0], "little") for kind, row in known.items()}
    some = [kind for kind in range(1 + whole) if (mask & ~covered.get(kind, 0)).bit_count() >= CHANGED]
    return [] if any(covered.get(kind, 0) & ~mask for kind in some) else some


def holding(rows: Sequence[Packed], pieces: Sequence[bytes], kinds: int) -> tuple[int, int]:
    """The places in which all pieces are found, and those of which that is not known.

    kinds: how many rows there are, if they are all.
    """
    everything = (1 << BLOCK) - 1
    if len(rows) != kinds:
        return 0, everything
    # A piece may stand in the body and the next one in the headers; that is sorted out by whoever looks through.
    hits, covered = everything, everything
    found = [0] * len(pieces)
    try:
        for mask, *packed in rows:
            part = int.from_bytes(mask, "little")
            covered &= part
            words = zlib.decompress(packed[0])
            held = [number for number, piece in enumerate(pieces) if piece in words]
            if held:
                counts, places = zlib.decompress(packed[1]), zlib.decompress(packed[2])
            for number in held:
                found[number] |= _holding(pieces[number], words, counts, places, part)
    except (zlib.error, TypeError):
        return 0, everything
    for each in found:
        hits &= each
    return hits, everything & ~covered


def _holding(piece: bytes, words: bytes, counts: bytes, places: bytes, covered: int) -> int:
    """The places of the words that hold ``piece``, as a mask; it ends once that is ``covered``."""
    mask = last = start = 0
    for word in _positions(piece, words):
        start += word - last + sum(counts[last:word])
        last = word
        for place in places[start : start + counts[word] + 1]:
            mask |= 1 << place
        if mask == covered:
            break
    return mask


def _positions(piece: bytes, words: bytes) -> Iterator[int]:
    """The numbers of the words that hold ``piece``, ascending."""
    number, counted = -1, 0
    hit = words.find(piece)
    while hit >= 0:
        number += words.count(b"\n", counted, hit)
        yield number
        counted = words.index(b"\n", hit)
        hit = words.find(piece, counted)
