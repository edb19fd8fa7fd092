"""Full text: the decoded, folded text of each content, compressed, for SEARCH BODY and TEXT.

IMAP searches for substrings in any language (RFC 9051 §6.4.4), two Korean letters as well as a long
word; so the texts themselves are kept and scanned, and the answer is exact. Headers and bodies are kept
apart, since BODY looks only at the latter; ``message.text`` says what they are.

Texts are extracted behind delivery, and by the search itself where that has not happened yet. Of one
message, MAX_OCTETS of its encoded parts and MAX_TEXT of its folded text are looked at, kept or not.

A search for a word asks ``wordblocks``, which have the words of many messages together, and opens no text.

The road not taken (November 2026, messages with 8 KB of text): FTS5 with trigrams finds candidates among
5,000 in 1 ms where the scan takes 150, but takes in each message for 2 ms more, as much again as all other
work for it, adds 30 % of the text's size to the 34 % that are kept here, and does not serve two letters.

Plain blocking code for the account's serial job; decompressing and comparing is done in C.
"""

import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from typing import Final, cast

from mailaccess.message import lineends, structure
from mailaccess.message.headers import Header
from mailaccess.message.part import Part
from mailaccess.message.text import SEPARATOR, fold, folded_part, header_text, header_words, part_text
from mailaccess.store.index import beside, cache, firstwords, wordblocks
from mailaccess.store.index.rows import Found, Job, Read, among, exactly, give_way, keeping, octets, writing
from mailaccess.store.window import Octets
from mailaccess.store.wireform import to_wire

VERSION: Final = 4
"""Raised whenever a text would come out otherwise; rows of other versions count as missing."""

TABLES: Final = (
    """CREATE TABLE IF NOT EXISTS fulltext (
        content INTEGER PRIMARY KEY, version INTEGER NOT NULL, header BLOB NOT NULL, body BLOB NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS fulltext_pending (content INTEGER PRIMARY KEY)",
    *wordblocks.TABLES,
)

READ_OCTETS: Final = 8 * 1024 * 1024
"""Octets of files after which a job leaves the others to the next one."""

BODY_ONLY: Final = -VERSION
"""In the place of VERSION, of a row whose header text is not made yet: a search of bodies was quicker than the
background, which makes the whole row."""

BATCH_SECONDS: Final = 0.01
"""How long one background job of indexing may take, but for its last message."""

BATCH: Final = 24
"""Messages in such a job, where the process beside the server does them."""

GIVE_WAY_EVERY: Final = 3
"""Messages extracted before the reactor's thread has its turn: 1 to 2 ms."""

MAX_OCTETS: Final = 10 * 1024 * 1024
"""Encoded octets of one message's text parts (and likewise of its headers) that are searched. Text of that
length is a log file; attachments don't count."""

MAX_TEXT: Final = 12 * 1024 * 1024
"""Octets of one folded text. Some characters grow eighteenfold when folded (U+FDFA), so that the bound
above alone would let one message take hundreds of megabytes."""

FOLDED_AT_ONCE: Final = 128 * 1024
"""Characters folded at once: bounds the memory that growth takes."""

LEVEL: Final = 1
"""zlib's fastest: a third of the text's size, 3 ms for a megabyte."""

SCANNED_AT_ONCE: Final = 2 * 1024 * 1024
"""Compressed octets one job looks at: about 20 ms."""

READ_AT_ONCE: Final = 48
"""Files that one job reads and extracts: 20 to 50 ms."""


Text = str | bytes
"""Of a part; octets are folded already, in UTF-8."""


def extract(wire: Octets, form: Callable[[str], str] | None = None) -> tuple[bytes, bytes]:
    """The folded texts of a message's headers and of its bodies, UTF-8, parts held apart by SEPARATOR.

    form: what takes the place of folding, under another comparator than the default.
    """
    parts = list(structure.parse(cast(bytes, wire)).walk())  # a Window has what it needs of bytes
    if form is not None:
        return _joined(_headers(wire, parts), form), _joined(_bodies(wire, parts, part_text), form)
    return _joined(_headers(wire, parts), _fold_lines), _joined(_bodies(wire, parts, folded_part), fold)


def extract_stored(stored: bytes, size: int, *, whole: bool) -> tuple[bytes, bytes]:
    """``extract`` of a small message as it lies in its file; size: octets of its wire form.

    Without ``whole``, of the bodies alone.  The wire form is made of the texts only, where LF line ends are all
    there is to it.
    """
    octets = _lined_up(stored, size)
    parts = list(structure.parts(octets))
    wire = cast(Octets, lineends.Pieces(stored)) if octets is stored and len(stored) != size else octets
    header = _joined(_headers(wire, parts), _fold_lines) if whole else b""
    return header, _joined(_bodies(wire, parts, folded_part), fold)


def _lined_up(stored: bytes, size: int) -> bytes:
    """Octets with line ends of one kind: as they are stored, if they may be."""
    return stored if len(stored) == size or lineends.is_plain(stored) else to_wire(stored)


def words_stored(
    block: int, messages: Iterable[tuple[int, bytes, int]], kinds: Sequence[int]
) -> list[wordblocks.Row]:
    """Rows of ``wordblocks``, of messages as they lie in their files: (content, octets, octets of the wire form)."""
    texts = ((content, *word_texts(stored, size, kinds)) for content, stored, size in messages)
    return wordblocks.rows_of(block, texts, kinds, VERSION)


def word_texts(stored: bytes, size: int, kinds: Sequence[int]) -> tuple[bytes | None, bytes | None]:
    """Texts that have the words of ``extract_stored``'s; which kind of line ends they have tells in none."""
    octets = _lined_up(stored, size)
    parts = list(structure.parts(octets))
    body = _joined(_bodies(octets, parts, folded_part), fold) if 0 in kinds else None
    header = _joined(map(header_words, _blocks(octets, parts)), fold) if 1 in kinds else None
    return body, header


def packed_stored(stored: bytes, size: int, *, whole: bool) -> tuple[bytes, bytes]:
    """``extract_stored``, compressed as the table keeps it."""
    header, body = extract_stored(stored, size, whole=whole)
    return zlib.compress(header, LEVEL), zlib.compress(body, LEVEL)


def _headers(wire: Octets, parts: Iterable[Part]) -> Iterator[str]:
    return map(header_text, _blocks(wire, parts))


def _blocks(wire: Octets, parts: Iterable[Part]) -> Iterator[Header]:
    left = MAX_OCTETS
    for part in parts:
        if part.body > part.start and left > 0:
            block = wire[part.start : min(part.body, part.start + left)]
            left -= len(block)
            yield Header(block)


def _bodies(
    wire: Octets, parts: Iterable[Part], text_of: Callable[[bytes, Part], Text | None]
) -> Iterator[Text]:
    left = MAX_OCTETS
    for part in parts:
        if left <= 0:
            return
        bounded = part if part.octets <= left else part._replace(end=part.body + left)
        text = text_of(cast(bytes, wire), bounded)
        if text is not None:
            left -= bounded.octets
            yield text


def _fold_lines(text: str) -> str:
    """``fold``, but quicker for headers: most lines are ASCII, and nothing folds across a line's end."""
    return "\n".join([fold("\n".join(lines)) for _, lines in groupby(text.split("\n"), str.isascii)])


def _joined(texts: Iterable[Text], folded: Callable[[str], str]) -> bytes:
    """Folded, in UTF-8, with SEPARATOR between; at most some octets more than MAX_TEXT."""
    pieces: list[bytes] = []
    left = MAX_TEXT
    for number, text in enumerate(texts):
        if number:
            pieces.append(SEPARATOR.encode())
        for part in _cut(text) if isinstance(text, str) else (text,):
            piece = (folded(part).encode("utf-8", "replace") if isinstance(part, str) else part)[:left]
            left -= len(piece)
            pieces.append(piece)
            if left <= 0:
                return b"".join(pieces)
    return b"".join(pieces)


def _cut(text: str) -> Iterator[str]:
    """Pieces of a text that fold as the whole does: each ends with a line, where there are lines."""
    start = 0
    while len(text) - start > FOLDED_AT_ONCE:
        end = text.rfind("\n", start, start + FOLDED_AT_ONCE) + 1 or start + FOLDED_AT_ONCE
        yield text[start:end]
        start = end
    yield text[start:]


def store(connection: sqlite3.Connection, rows: Sequence[tuple[int, bytes, bytes]]) -> None:
    """Keep (content, header text, body text), both compressed; within the caller's transaction."""
    connection.executemany(f"INSERT OR REPLACE INTO fulltext VALUES (?, {VERSION}, ?, ?)", rows)
    wordblocks.note(connection, [row[0] for row in rows])


def enqueue(connection: sqlite3.Connection, contents: Sequence[int]) -> None:
    """Note new contents whose text is to be indexed later; within the caller's transaction.

    Delivered, appended and adopted alike. Nothing breaks if it is not called: searches cover what is
    not indexed yet, only slower.
    """
    connection.executemany(
        "INSERT OR IGNORE INTO fulltext_pending VALUES (?)", [(each,) for each in contents]
    )


def index_pending(
    connection: sqlite3.Connection, read: Read, limit: int = BATCH, seconds: float = BATCH_SECONDS
) -> int:
    """Index up to ``limit`` noted contents, oldest first; returns how many are left, 1,000 for more.

    The process beside the server does them all, where there is one.

    It ends early, after at least one, when ``seconds`` have passed: others of the account wait meanwhile.
    Also fills the cache of contents that have none (adopted files). Opens its own transaction. ``indexer``
    has it called until it answers 0.  Raises sqlite3.Error and OSError: to be tried again later.
    """
    rows = connection.execute("SELECT content FROM fulltext_pending ORDER BY content LIMIT ?", (limit,))
    contents = [content for (content,) in rows.fetchall()]
    if not contents:
        return int(wordblocks.make_due(connection, VERSION))
    texts: list[tuple[int, bytes, bytes]] = []
    computed: list[tuple[int, cache.Computed]] = []
    texted, cached = _kept(connection, contents), cache.kept(connection, contents)
    answered = _ask(read, [content for content in contents if content not in texted or content not in cached])
    spent = looked = 0
    end = time.monotonic() + seconds
    for content in contents:
        looked += 1
        if content in answered:
            of, pair = answered[content]
            if content not in texted:
                texts.append((content, *pair))
            if content not in cached:
                computed.append((content, of))
            continue
        wire = None if content in texted and content in cached else octets(read, content)
        if wire is None:
            continue
        if content not in texted:
            texts.append((content, *packed(wire)))
        if content not in cached:
            computed.append((content, cache.compute(wire)))
        if looked % GIVE_WAY_EVERY == 0:
            give_way()
        spent += len(wire)
        if spent >= READ_OCTETS or time.monotonic() >= end:
            break
    where, parameters = exactly(contents[:looked])
    with writing(connection):
        store(connection, texts)
        cache.store(connection, computed)
        connection.execute(f"DELETE FROM fulltext_pending WHERE {where}", parameters)
    row = connection.execute(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM fulltext_pending LIMIT 1000))"
        " + (SELECT count(*) FROM (SELECT 1 FROM word_blocks_due LIMIT 1))"
    ).fetchone()
    return int(row[0])


def makes_words(connection: sqlite3.Connection) -> bool:
    """Whether ``index_pending``, where nothing is noted, would make the words of a block: 20 to 40 ms."""
    return wordblocks.makes(connection, VERSION)


def _ask(read: Read, contents: Sequence[int]) -> dict[int, tuple[cache.Computed, tuple[bytes, bytes]]]:
    """What the process beside the server makes of whole messages; {} where there is none."""
    _, take = beside.split(getattr(read, "ask_all", None), contents, beside.ALL)
    return take()


def _kept(connection: sqlite3.Connection, contents: Sequence[int]) -> set[int]:
    where, parameters = among(contents)
    rows = connection.execute(
        f"SELECT content FROM fulltext WHERE {where} AND version = {VERSION}", parameters
    )
    return {content for (content,) in rows}


def packed(wire: Octets) -> tuple[bytes, bytes]:
    """``extract``, compressed as the table keeps it."""
    header, body = extract(wire)
    return zlib.compress(header, LEVEL), zlib.compress(body, LEVEL)


def matcher(text: str, *, whole: bool) -> Job:
    """A job that finds the contents whose body (with ``whole``, whose body or headers) contains ``text``."""
    needle = fold(text).encode("utf-8", "replace")

    def job(connection: sqlite3.Connection, contents: Sequence[int], read: Read) -> Found:
        if not needle:
            return Found(set(contents), ())
        if SEPARATOR in text:  # it stands between the texts, and in none
            return Found(frozenset(), ())
        found, left = wordblocks.look(connection, contents, needle, VERSION, whole=whole)
        later = set[int]()
        if left and needle.split() == [needle]:
            more, later, left = firstwords.look(connection, left, needle, read, VERSION, whole=whole)
            found |= more
        if not left:
            return Found(found, sorted(later))
        rest = scan(connection, left, read, holds, whole=whole)
        return Found(found.union(rest.contents), sorted(later.union(rest.left)))

    def holds(content: int, body: bytes, header: bytes) -> bool:
        return needle in body or needle in header

    return job


Holds = Callable[[int, bytes, bytes], bool]
"""Whether a content is found, by its body and its header, folded in UTF-8."""


def scan(
    connection: sqlite3.Connection, contents: Sequence[int], read: Read, holds: Holds, *, whole: bool
) -> Found:
    """Ask ``holds`` of what is kept, up to SCANNED_AT_ONCE, and of READ_AT_ONCE of what is not.

    whole: it is shown the headers too.
    """
    wanted, found, seen, spent = set(contents), set[int](), set[int](), 0
    last = contents[-1]
    where, parameters = among(contents)
    columns, versions = ("body, header", f"{VERSION}") if whole else ("body", f"{VERSION}, {BODY_ONLY}")
    statement = (
        f"SELECT content, {columns} FROM fulltext WHERE {where} AND version IN ({versions}) ORDER BY content"
    )
    with closing(connection.cursor()) as cursor:
        for content, *texts in cursor.execute(statement, parameters):
            if content not in wanted:
                continue
            try:
                body, *more = [zlib.decompress(text) for text in texts]
                if holds(content, body, more[0] if whole else b""):
                    found.add(content)
            except (zlib.error, TypeError):  # damaged: read again, as if it were missing
                continue
            seen.add(content)
            spent += sum(map(len, texts))
            if spent >= SCANNED_AT_ONCE:
                last = content
                break
    missing = [content for content in contents if content not in seen and content <= last]
    looked = set[int]()
    for content, header, body in _extracted(connection, missing, read, whole=whole):
        looked.add(content)
        if holds(content, body, header if whole else b""):
            found.add(content)
    left = set(missing).difference(looked)
    return Found(found, [content for content in contents if content > last or content in left])


def _extracted(
    connection: sqlite3.Connection, contents: Sequence[int], read: Read, *, whole: bool
) -> Iterator[tuple[int, bytes, bytes]]:
    """The texts of contents that have none kept, as many as one job may read; they are kept at the end.

    Without ``whole``, those of bodies alone where the background will make the others.
    """
    some = contents[:READ_AT_ONCE]
    if not whole:
        later = cache.pending(connection, some)
        whole = not all(content in later for content in some)
    made: list[tuple[int, bytes, bytes]] = []
    own, take = beside.split(getattr(read, "ask_texts", None), some, beside.OWN_HALF, whole)
    answered: dict[int, tuple[bytes, bytes]] = {}
    taken = False
    spent = 0
    try:
        for number, content in enumerate(own, 1):
            length, header, body = _extract_one(read, content, whole)
            if length >= 0:
                made.append((content, zlib.compress(header, LEVEL), zlib.compress(body, LEVEL)))
                spent += length
            if number % GIVE_WAY_EVERY == 0:
                give_way()
            yield content, header, body
            if spent >= READ_OCTETS:
                break
        taken = True
        answered = take()
    finally:
        if not taken:
            take()
    for content, pair in answered.items():
        made.append((content, *pair))
        yield content, zlib.decompress(pair[0]), zlib.decompress(pair[1])
    if made:
        with keeping(connection):
            if whole:
                store(connection, made)
            else:
                connection.executemany(f"INSERT OR REPLACE INTO fulltext VALUES (?, {BODY_ONLY}, ?, ?)", made)


def _extract_one(read: Read, content: int, whole: bool) -> tuple[int, bytes, bytes]:
    """Octets read (-1 where the file is gone), header and body text."""
    stored = getattr(read, "stored", None)
    for _, data, size in stored([content]) if stored is not None else ():
        return len(data), *extract_stored(data, size, whole=whole)
    wire = octets(read, content)
    return (-1, b"", b"") if wire is None else (len(wire), *extract(wire))
