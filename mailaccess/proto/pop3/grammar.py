"""POP3's lines, commands and replies (RFC 1939 §3, RFC 2449 §4 and §8)."""

import re
from dataclasses import dataclass
from typing import Final

MAX_LINE: Final = 2048
"""Octets of a command after login, as Dovecot; RFC 2449 §4 wants at least 255."""

MAX_LOGIN_LINE: Final = 12288
"""Octets of a line before login: AUTH with a response of 8 KiB in base64 (RFC 5034 §4)."""

_COMMAND: Final = re.compile(rb"[ \t]*([A-Za-z0-9]{3,8})(?:[ \t](.*))?", re.S)
_NUMBERS: Final = re.compile(rb"[ \t]*([0-9]{1,10})(?:[ \t]+([0-9]{1,10}))?[ \t]*")


class LineTooLong(Exception):
    """A line is longer than allowed. It is skipped to its end; the next call goes on behind it."""


class Lines:
    """The input of one connection, line by line, wherever the octets were cut."""

    __slots__ = ("_buffer", "_place", "_searched", "_skipping", "limit")

    def __init__(self) -> None:
        self._buffer = b""
        self._place = 0  # what lies before it has been taken
        self._searched = 0  # no LF between _place and here
        self._skipping = False  # inside a line that was too long, and was told so
        self.limit = MAX_LOGIN_LINE

    def feed(self, data: bytes) -> None:
        """Take what the client sent."""
        self._searched = max(0, self._searched - self._place)
        self._buffer = self._buffer[self._place :] + data if self._place < len(self._buffer) else data
        self._place = 0

    @property
    def pending(self) -> int:
        """Octets that have come in and not been taken."""
        return len(self._buffer) - self._place

    def discard(self) -> None:
        """Forget what has come in: the plaintext before a TLS handshake (RFC 2595 §2.4)."""
        self._buffer = b""
        self._place = self._searched = 0
        self._skipping = False

    def take(self) -> bytes:
        """Take out all that has come in: another process goes on with it."""
        rest = self._buffer[self._place :]
        self.discard()
        return rest

    def line(self) -> bytes | None:
        """The next line without its end (CRLF, or a bare LF); None if none is whole. Raises LineTooLong."""
        while True:
            end = self._buffer.find(b"\n", max(self._place, self._searched))
            if end < 0:
                self._searched = len(self._buffer)
                if self.pending <= self.limit and not self._skipping:
                    return None
                told, self._skipping = self._skipping, True
                self._buffer = b""
                self._place = self._searched = 0
                if told:
                    return None
                raise LineTooLong
            line = self._buffer[self._place : end]
            self._place = end + 1
            if self._skipping:
                self._skipping = False
                continue
            if len(line) > self.limit:
                raise LineTooLong
            return line[:-1] if line.endswith(b"\r") else line


@dataclass(frozen=True, slots=True)
class Command:
    """verb: in capitals.  argument: what follows one blank, as it stands; None where nothing follows.

    ``AUTH`` and ``AUTH `` differ in that, and mean the same (quirk_auth_with_a_blank, Outlook).
    """

    verb: str
    argument: bytes | None = None

    def numbers(self) -> tuple[int, int | None] | None:
        """One or two numbers, the second None if it is missing; None if the argument is anything else."""
        found = _NUMBERS.fullmatch(self.argument or b"")
        if found is None:
            return None
        return int(found[1]), None if found[2] is None else int(found[2])

    @property
    def bare(self) -> bool:
        """Whether there is no argument (blanks do not count)."""
        return not (self.argument or b"").strip(b" \t")


def parse(line: bytes) -> Command | None:
    """The command on ``line``; None if it is none."""
    found = _COMMAND.fullmatch(line)
    return None if found is None else Command(found[1].decode("ascii").upper(), found[2])


def ok(text: str) -> bytes:
    """A positive reply. RFC 1939 §3."""
    return b"+OK " + _printable(text) + b"\r\n" if text else b"+OK\r\n"


def err(text: str, code: str = "") -> bytes:
    """A negative reply; ``code`` such as IN-USE or SYS/TEMP (RFC 2449 §8)."""
    return (b"-ERR [" + code.encode("ascii") + b"] " if code else b"-ERR ") + _printable(text) + b"\r\n"


def challenge(octets: bytes) -> bytes:
    """A SASL challenge, already in base64. RFC 5034 §4."""
    return b"+ " + octets + b"\r\n"


def listing(first: str, lines: list[str]) -> bytes:
    """A multi-line reply of short lines, none of which begins with a dot. RFC 1939 §3."""
    return ok(first) + "".join(f"{line}\r\n" for line in lines).encode("utf-8") + b".\r\n"


def _printable(text: str) -> bytes:
    """Nothing of a peer's text may end the line."""
    cleaned = text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
    return cleaned.encode("utf-8", "replace")
