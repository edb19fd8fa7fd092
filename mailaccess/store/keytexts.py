"""One search key of a whole mailbox as one run of octets: a search of it is one ``bytes.find``.

``index.keys`` has a row for each content, which SQLite compares at 4 to 5 µs a message; here 100,000 subjects
are looked through in a few milliseconds. Kept in ``memory.Memory``; made from the rows when a search first
wants it, and lengthened by the messages that came since. UTF-8 has no octets above 0xF7, so those tell the
texts apart and mark a message that has no such field; no needle holds one.
"""

import sqlite3
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Final

from mailaccess.store.index import headfiles, keys
from mailaccess.store.index.rows import Read

END: Final = b"\xff"
"""Behind each text."""

NOTHING: Final = b"\xfe"
"""The text of a message without the field: another thing than an empty field."""

WINDOW: Final = 2**20
"""Octets looked through before the reactor has its turn: about 1 ms."""

HITS: Final = 2_000
"""Messages found before the reactor has its turn."""

ROWS_AT_ONCE: Final = 5_000
"""Rows read in one job: 5 to 10 ms."""

MADE_AT_ONCE: Final = 1_600
"""Texts made in one job of fields in memory: 15 to 25 ms. One whose file has to be read counts as READ of them."""

READ: Final = 4


class KeyTexts:
    """uids: whose texts there are, ascending.  upto: every UID up to this one has been asked of the index."""

    __slots__ = ("_octets", "_starts", "uids", "upto")

    def __init__(self) -> None:
        self.uids = array("I")
        self.upto = 0
        self._starts = array("Q")
        self._octets = bytearray()  # which grows in place: 600 times while it takes in a million messages

    @property
    def octets(self) -> int:
        """What it takes in memory."""
        return len(self._octets) + 12 * len(self.uids)

    def extend(self, rows: Sequence[tuple[int, bytes | None]], upto: int) -> None:
        """Add messages with higher UIDs: (uid, text) in their order."""
        octets = self._octets
        for uid, text in rows:
            self.uids.append(uid)
            self._starts.append(len(octets))
            octets += NOTHING if text is None else text
            octets += END
        self.upto = upto

    def find(self, needle: bytes) -> Iterator[list[int]]:
        """Places in ``uids`` of the texts that hold ``needle``, ascending, in lots between which to give way; what is
        added meanwhile is left out.

        The empty needle is in every text; a message without the field has none.
        """
        if not needle:
            nothing = NOTHING + END
            yield [at for at, start in enumerate(self._starts) if not self._octets.startswith(nothing, start)]
            return
        octets, starts = self._octets, self._starts
        end = len(octets)
        place, found = 0, list[int]()
        while place < end:
            limit = place + WINDOW
            # A hit that begins in the window is found in it.
            hit = octets.find(needle, place, min(limit + len(needle) - 1, end))
            if hit < 0:
                yield found
                place, found = limit, []
                continue
            at = bisect_right(starts, hit) - 1
            found.append(at)
            place = starts[at + 1] if at + 1 < len(starts) else end
            if len(found) >= HITS:
                yield found
                found = []
        yield found

    def holds(self, at: int, needle: bytes) -> bool:
        """Whether one text holds ``needle``."""
        start = self._starts[at]
        end = self._starts[at + 1] if at + 1 < len(self._starts) else len(self._octets)
        if not needle:
            return not self._octets.startswith(NOTHING + END, start)
        return self._octets.find(needle, start, end) >= 0


def rows(
    connection: sqlite3.Connection, mailbox: int, name: str, after: int, read: Read
) -> tuple[list[tuple[int, bytes | None]], int]:
    """The texts of field ``name`` (of ``keys.COLUMNS``) of messages with UIDs above ``after``; up to which UID.

    Messages whose keys are not kept yet are read from their files, as many as one job may, where the background will
    keep them; others are left out.
    """
    place = keys.COLUMNS.index(name)
    memory = getattr(read, "memory", None)
    found: list[tuple[int, int, int, bytes | None]] = []
    waiting: set[int] = set()
    left = MADE_AT_ONCE
    cursor = connection.execute(
        f'SELECT m.uid, m.content, k.version IS NOT NULL, k."{name}",'
        " k.version IS NULL AND EXISTS (SELECT 1 FROM fulltext_pending AS p WHERE p.content = m.content)"
        " FROM messages AS m"
        f" LEFT JOIN search_keys AS k ON k.content = m.content AND k.version = {keys.VERSION}"
        " WHERE m.mailbox = ? AND m.uid > ? ORDER BY m.uid LIMIT ?",
        (mailbox, after, ROWS_AT_ONCE),
    )
    with closing(cursor):
        for uid, content, is_kept, text, is_waiting in cursor:
            if is_waiting and memory is not None and content not in waiting:
                left -= 1 if content in memory else READ
                if left < 0:
                    break
                waiting.add(content)
            found.append((uid, content, is_kept, text))
    looked = {content: look.value(place) for content, look in headfiles.looks(read, sorted(waiting))}
    texts = [
        (uid, text if is_kept else looked[content])
        for uid, content, is_kept, text in found
        if is_kept or content in looked
    ]
    return texts, found[-1][0] if found else after
