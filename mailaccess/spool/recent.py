"""What was just written, kept in memory: a message is mostly sent the moment it came, and then needs no disk.

Used from several threads. Only the queue's owner may believe it, since nobody else changes the files meanwhile.
"""

import threading
from collections import OrderedDict
from collections.abc import Sized
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """The newest values by message id. count: how many.  octets: their length together, where they have one."""

    def __init__(self, count: int, octets: int = 0) -> None:
        self._count = count
        self._octets = octets
        self._held = 0
        self._values: OrderedDict[str, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, id: str) -> V | None:
        return self._values.get(id)

    def put(self, id: str, value: V) -> None:
        """Keep it, and forget the oldest where there are too many."""
        with self._lock:
            self._take_out(id)
            self._values[id] = value
            self._held += _length(value)
            while len(self._values) > self._count or (self._octets and self._held > self._octets):
                self._held -= _length(self._values.popitem(last=False)[1])

    def drop(self, id: str) -> None:
        """Forget it."""
        with self._lock:
            self._take_out(id)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._values.clear()
            self._held = 0

    def _take_out(self, id: str) -> None:
        old = self._values.pop(id, None)
        if old is not None:
            self._held -= _length(old)


def _length(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 0
