"""The fields of headers, read for a question, until the background keeps what they tell.

A client that meets a mailbox full of new files asks about all of them at once, and waits. To read a header and pick
out its fields costs a tenth of making and keeping all that the index has of it; so a question makes what it asks for,
and leaves the fields here for the next one. So does the background before anything else (``store.glance``): then the
first question opens no file. Bounded for the whole process; what has no room is read again.

A content's fields are used in its account's serial jobs; ``Room`` from any thread.
"""

from collections.abc import Sequence
from threading import Lock
from typing import Final

from mailaccess.message import fields

MOST: Final = 24 * 2**20
"""Octets in all: the fields of some 20,000 messages."""

OVERHEAD: Final = 140
"""Octets that Python adds to one message's: the object, its number and their place in a dict."""

Fields = bytes
"""``fields.listed`` of a header in wire form."""


def fields_of(block: bytes) -> Fields:
    """block: a header in wire form."""
    return fields.listed(block)


def usual(of: Fields) -> dict[bytes, list[bytes]]:
    """``fields.usual`` of the header that ``of`` was picked from."""
    return fields.usual(of)


def selected(of: Fields, names: Sequence[bytes]) -> bytes:
    """HEADER.FIELDS. names: of ``fields.LISTED``."""
    return fields.select(of, names)


class Room:
    """Octets that all accounts of a process may use together."""

    def __init__(self, most: int = MOST) -> None:
        self._left = most
        self._lock = Lock()

    def take(self, octets: int) -> bool:
        with self._lock:
            if octets > self._left:
                return False
            self._left -= octets
            return True

    def give(self, octets: int) -> None:
        with self._lock:
            self._left += octets


class Picked:
    """Of one account, by content."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._fields: dict[int, Fields] = {}
        self._octets = 0
        self.is_full = False
        """Whether there was no room for some."""

    def __bool__(self) -> bool:
        return bool(self._fields)

    def __contains__(self, content: int) -> bool:
        return content in self._fields

    def get(self, content: int) -> Fields | None:
        return self._fields.get(content)

    def put(self, found: dict[int, Fields]) -> None:
        """Keep these, which are not here yet, if there is room."""
        octets = sum(map(len, found.values())) + OVERHEAD * len(found)
        self.is_full = not self._room.take(octets)
        if not self.is_full:
            self._octets += octets
            self._fields.update(found)

    def clear(self) -> None:
        self._fields.clear()
        self._room.give(self._octets)
        self._octets = 0

    def __del__(self) -> None:
        self.clear()
