"""The octets of a large message, read in pieces: what ``message`` needs of ``bytes``, without holding them.

``message.structure`` finds, counts and slices; it does so here over blocks of a file, so that a message
of 100 MB costs one block of memory. (A memory map would serve too, but another program that cuts the
file short would end the whole server with SIGBUS.)
"""

from collections.abc import Callable
from typing import Final, Protocol, SupportsIndex, overload

BLOCK: Final = 256 * 1024
"""Octets read at a time: far above a header or boundary line, far below what memory is short of."""


class Octets(Protocol):
    """What ``bytes`` and ``Window`` have in common."""

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> int: ...

    @overload
    def __getitem__(self, key: slice, /) -> bytes: ...

    def find(self, needle: bytes, start: int = ..., end: int = ..., /) -> int: ...

    def count(self, octet: bytes, start: int = ..., end: int = ..., /) -> int: ...

    def startswith(self, prefix: bytes, start: int = ..., /) -> bool: ...


class Window:
    """A file's octets by their offsets.

    read: ``read(offset, length)`` gives the octets from ``offset``, fewer only past the file's end (a file
    that another program cut short ends in zeros here).  size: octets in all, as they were when opened.
    Offsets count from the beginning; negative ones and steps are not understood.
    """

    __slots__ = ("_block", "_read", "_size", "_start")

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._size = size
        self._start = 0
        self._block = b""

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, key: SupportsIndex, /) -> int: ...

    @overload
    def __getitem__(self, key: slice, /) -> bytes: ...

    def __getitem__(self, key: SupportsIndex | slice, /) -> int | bytes:
        if not isinstance(key, slice):
            offset = key.__index__()
            if not 0 <= offset < self._size:
                raise IndexError(offset)
            return self._octets(offset, offset + 1)[0]
        start = 0 if key.start is None else min(key.start, self._size)
        stop = self._size if key.stop is None else min(key.stop, self._size)
        return self._octets(start, stop)

    def _octets(self, start: int, stop: int) -> bytes:
        """Octets ``start`` to ``stop``, from the block at hand or a new one that begins there."""
        if stop <= start:
            return b""
        if not self._start <= start <= stop <= self._start + len(self._block):
            length = min(max(stop - start, BLOCK), self._size - start)
            block = self._read(start, length).ljust(length, b"\0")
            if length > BLOCK:
                return block[: stop - start]  # a whole part: not kept
            self._start, self._block = start, block
        return self._block[start - self._start : stop - self._start]

    def find(self, needle: bytes, start: int = 0, end: int | None = None, /) -> int:
        """As ``bytes.find``, for a needle shorter than BLOCK."""
        end = self._size if end is None else min(end, self._size)
        while end - start >= len(needle):
            stop = min(end, start + BLOCK)
            found = self._octets(start, stop).find(needle)
            if found >= 0:
                return start + found
            if stop == end:
                break
            start = stop - len(needle) + 1
        return -1

    def count(self, octet: bytes, start: int = 0, end: int | None = None, /) -> int:
        """How often one octet stands there."""
        end = self._size if end is None else min(end, self._size)
        return sum(self._octets(at, min(end, at + BLOCK)).count(octet) for at in range(start, end, BLOCK))

    def startswith(self, prefix: bytes, start: int = 0, /) -> bool:
        return self._octets(start, min(start + len(prefix), self._size)) == prefix
