"""The DEFLATE layer of COMPRESS (RFC 4978, RFC 1951): both directions of one connection.

Small windows: a connection that idles for days holds 64 KB for what it sends and 44 KB for what it reads, not
the 300 KB of zlib's defaults. What is sent is flushed at the end of every write, so that nothing waits in
here; what comes is inflated a piece at a time, since 64 KB may stand for 64 MB.
"""

import re
import zlib
from typing import Final

WINDOW: Final = -13
"""Raw DEFLATE with a window of 8 KB for what we send; a client may send with the largest."""

LARGEST_WINDOW: Final = -15
MEMORY: Final = 6
LEVEL: Final = 3
"""Mail compresses as well at 3 as at 6 to within a few percent, at twice the speed."""

_PLAIN_AGAIN: Final = re.compile(rb"\x00\x00\xff\xff(?=[!-~]{1,64} [A-Za-z]{2,16}[ \r\n])")
"""Where a plain command stands behind a flush (RFC 1951 §3.2.4): pipelined behind UNAUTHENTICATE. Anywhere else
that it matches it does no harm.
"""

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

    __slots__ = ("_at", "_ended", "_stream", "_waiting", "more")

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(LARGEST_WINDOW)
        self._waiting = b""
        self._at = 0  # up to where that has been inflated
        self._ended = False
        self.more = False  # whether ``next`` may give anything

    @property
    def waiting(self) -> int:
        """Octets that have not been inflated yet."""
        return len(self._waiting) - self._at

    def feed(self, octets: bytes) -> None:
        """Take compressed octets."""
        self._waiting = self.take() + octets
        self.more = True

    def next(self) -> bytes:
        """The next at most ``PIECE`` octets; empty when there are none.

        No further than to where the client may have ended the compression. Raises ValueError for what is no
        DEFLATE.
        """
        found = b""
        while not found and self.more:  # each turn gets further in what waits, or ends it
            if self._ended:
                raise ValueError("the DEFLATE stream has ended")
            end = _PLAIN_AGAIN.search(self._waiting, self._at)
            until = end.end() if end is not None else len(self._waiting)
            try:
                found = self._stream.decompress(memoryview(self._waiting)[self._at : until], PIECE)
            except zlib.error as error:
                raise ValueError("not a DEFLATE stream") from error
            self._at = until - len(self._stream.unconsumed_tail) - len(self._stream.unused_data)
            self._ended = self._stream.eof
            # zlib may hold more than it was allowed to give.
            self.more = self._at < len(self._waiting) or len(found) == PIECE
        return found

    def take(self) -> bytes:
        """What has not been inflated: of a client that goes on without compression, it is plain."""
        rest, self._waiting, self._at = self._waiting[self._at :], b"", 0
        return rest
