"""Octets in; command lines, the content of DATA and the chunks of BDAT out, wherever the octets were cut.

The end of DATA is CRLF.CRLF and nothing else (RFC 5321 §4.1.1.4): a dot between bare LFs or bare CRs is
content, so that no message can hide a second one behind an end that only one of two servers sees ("SMTP
smuggling"). A bare LF in content is passed on as it is; the store makes it CRLF, which is harmless then.

Command lines may end in a bare LF (people type by hand, and nothing is smuggled by it: what follows a
message's true end is a command either way). Work is linear in the octets: every one is searched once.
"""

from typing import Final

MAX_LINE: Final = 12288
"""Octets of a command line: RFC 4954 §4 wants room for a base64 response of that length; paths need less."""

_END: Final = b"\r\n.\r\n"
_HEADS: Final = tuple(_END[:length] for length in (4, 3, 2, 1))
"""What may turn into the end of DATA with the next octets, longest first."""


class LineTooLong(Exception):
    """A command line is longer than MAX_LINE. It is skipped to its end; the next call goes on behind it."""


class Framer:
    """The input of one connection. Which of ``line``, ``data``, ``chunk`` comes next, the session knows."""

    __slots__ = ("_buffer", "_place", "_searched", "_skipping", "_start", "_told")

    def __init__(self) -> None:
        self._buffer = b""
        self._place = 0  # what lies before it has been taken
        self._searched = 0  # no LF between _place and here
        self._skipping = False  # inside a line that is too long
        self._told = False
        self._start = False  # inside DATA, before its first octet came out

    def feed(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._place == len(self._buffer):
            self._buffer = data
            self._searched = 0
        else:
            self._buffer = self._buffer[self._place :] + data
            self._searched -= self._place
        self._place = 0
        if self._searched < 0:
            self._searched = 0

    @property
    def pending(self) -> int:
        """Octets that have come in and not been taken."""
        return len(self._buffer) - self._place

    def discard(self) -> None:
        """Forget what has come in: the plaintext before a TLS handshake (RFC 3207 §6)."""
        self._buffer = b""
        self._place = self._searched = 0
        self._skipping = self._told = False

    def line(self) -> bytes | None:
        """The next command line without its end, or None if none is whole. Raises LineTooLong, once each."""
        while True:
            end = self._buffer.find(b"\n", max(self._place, self._searched))
            if end < 0:
                self._searched = len(self._buffer)
                if self.pending > MAX_LINE or self._skipping:
                    self._buffer = b""
                    self._place = self._searched = 0
                    self._skipping = True
                    if not self._told:
                        self._told = True
                        raise LineTooLong
                return None
            line = self._buffer[self._place : end]
            self._place = end + 1
            told, skipping = self._told, self._skipping
            self._told = self._skipping = False
            if skipping or len(line) > MAX_LINE:
                if not told:
                    raise LineTooLong
                continue
            return line[:-1] if line.endswith(b"\r") else line

    def begin_data(self) -> None:
        """What follows is the content of DATA. RFC 5321 §4.1.1.4."""
        # The CRLF that ended the DATA command counts: a dot right behind it ends an empty message.
        self._buffer = b"\r\n" + self._buffer[self._place :]
        self._place = self._searched = 0
        self._start = True

    def data(self) -> tuple[bytes, bool]:
        """What has come of the content, dots unstuffed (RFC 5321 §4.5.2), and whether that was the end."""
        buffer = self._buffer[self._place :] if self._place else self._buffer
        end = buffer.find(_END)
        if end >= 0:
            content = buffer[: end + 2]
            self._place += end + len(_END)
            self._searched = self._place
        else:
            kept = next((len(head) for head in _HEADS if buffer.endswith(head)), 0)
            content = buffer[: len(buffer) - kept]
            self._buffer = buffer[len(buffer) - kept :]
            self._place = self._searched = 0
        if b"\r\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        if self._start and content:
            self._start = False
            content = content[2:]
        return content, end >= 0

    def chunk(self, wanted: int) -> bytes:
        """At most ``wanted`` octets as they are: BDAT's. RFC 3030 §2."""
        octets = self._buffer[self._place : self._place + wanted]
        self._place += len(octets)
        self._searched = self._place
        return octets
