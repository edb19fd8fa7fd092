"""The DEFLATE layer of COMPRESS (RFC 4978, RFC 1951): both directions of one connection.

Small windows: a connection that idles for days holds 64 KB for what it sends and 44 KB for what it reads, not
the 300 KB of zlib's defaults. What is sent is flushed at the end of every write, so that nothing waits in
here; what comes is inflated a piece at a time, since 64 KB may stand for 64 MB.
"""

import zlib
from typing import Final

WINDOW: Final = -13
"""Raw DEFLATE with a window of 8 KB for what we send; a client may send with the largest."""

LARGEST_WINDOW: Final = -15
MEMORY: Final = 6
LEVEL: Final = 3
"""Mail compresses as well at 3 as at 6 to within a few percent, at twice the speed."""

PIECE: Final = 16 * 1024
"""Octets inflated at a time; then everybody else has a turn."""


class Deflate:
    """What goes out."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = zlib.compressobj(LEVEL, zlib.DEFLATED, WINDOW, MEMORY)

    def pack(self, octets: bytes) -> bytes:
        """Compressed, and complete up to the last octet."""
        return self._stream.compress(octets) + self._stream.flush(zlib.Z_SYNC_FLUSH)


class Inflate:
    """What comes in."""

    __slots__ = ("_stream", "_waiting", "more")

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(LARGEST_WINDOW)
        self._waiting = b""
        self.more = False  # whether ``next`` may give anything

    @property
    def waiting(self) -> int:
        """Octets that have not been inflated yet."""
        return len(self._waiting)

    def feed(self, octets: bytes) -> None:
        """Take compressed octets."""
        self._waiting += octets
        self.more = True

    def next(self) -> bytes:
        """The next at most ``PIECE`` octets; empty when there are none.

        Raises ValueError for what is no DEFLATE.
        """
        try:
            found = self._stream.decompress(self._waiting, PIECE)
        except zlib.error as error:
            raise ValueError("not a DEFLATE stream") from error
        self._waiting = self._stream.unconsumed_tail
        # zlib may hold more than it was allowed to give.
        self.more = bool(self._waiting) or len(found) == PIECE
        if self._stream.eof:
            raise ValueError("the DEFLATE stream has ended")
        return found
