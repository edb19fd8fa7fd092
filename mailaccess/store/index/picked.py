"""The fields of headers, read for a question, until the background keeps what they tell.

A client that meets a mailbox full of new files asks about all of them at once, and waits. To read a header and pick
out its fields costs a fifth of making and keeping all that the index has of it; so a question makes what it asks for,
and leaves the fields here for the next one. Bounded for the whole process; what has no room is read again.

A content's fields are used in its account's serial jobs; ``Room`` from any thread.
"""

import marshal
from threading import Lock
from typing import Final

from mailaccess.message import fields

MOST: Final = 24 * 2**20
"""Octets in all: the fields of some 30,000 messages."""

OVERHEAD: Final = 140
"""Octets that Python adds to one message's: the object, its number and their place in a dict."""

Fields = bytes
"""``fields.usual`` of a header in wire form, as ``marshal`` writes it: it goes from process to process so, too."""


def fields_of(block: bytes) -> Fields:
    return marshal.dumps(fields.usual(block))


def usual(of: Fields) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = marshal.loads(of)
    return found


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

    def get(self, content: int) -> Fields | None:
        return self._fields.get(content)

    def put(self, found: dict[int, Fields]) -> None:
        """Keep these, if there is room."""
        octets = sum(map(len, found.values())) + OVERHEAD * len(found)
        if self._room.take(octets):
            self._octets += octets
            self._fields.update(found)

    def clear(self) -> None:
        self._fields.clear()
        self._room.give(self._octets)
        self._octets = 0

    def __del__(self) -> None:
        self.clear()
