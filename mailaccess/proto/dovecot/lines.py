"""Lines of Dovecot's authentication protocol: a name and parameters with a TAB between, ended by LF.

A parameter cannot hold NUL, TAB, CR or LF; they are written as ``\\001`` and a letter.
"""

import re
from typing import Final

MAX_LINE: Final = 16384
"""Octets of a line: Dovecot's own bound; the largest parameter is a SASL response in base64."""

MAX_FIELDS: Final = 64
"""Parameters of a line: a dozen are defined."""

_ESCAPES: Final = {"\0": "\x010", "\x01": "\x011", "\t": "\x01t", "\r": "\x01r", "\n": "\x01l"}
_PLAIN: Final = {"0": "\0", "1": "\x01", "t": "\t", "r": "\r", "l": "\n"}
_SPECIAL: Final = re.compile("[\0\x01\t\r\n]")
_ESCAPED: Final = re.compile("\x01(.?)", re.DOTALL)


class BadLine(ValueError):
    """The other side does not speak this protocol; the text is for the log."""


def escape(text: str) -> str:
    """A parameter as it is written."""
    return _SPECIAL.sub(lambda match: _ESCAPES[match[0]], text)


def unescape(text: str) -> str:
    """A parameter as it is meant; an unknown letter after ``\\001`` stands for itself."""
    return _ESCAPED.sub(lambda match: _PLAIN.get(match[1], match[1]), text)


def render(name: str, *fields: str) -> bytes:
    """One line. fields: as they are meant."""
    return ("\t".join((name, *map(escape, fields))) + "\n").encode("utf-8")


def split(line: bytes) -> list[str]:
    """The line's name and parameters, as they are meant. Raises BadLine."""
    fields = line.split(b"\t")
    if len(fields) > MAX_FIELDS:
        raise BadLine("too many parameters")
    try:
        return [unescape(field.decode("utf-8")) for field in fields]
    except UnicodeDecodeError:
        raise BadLine("not UTF-8") from None


class Lines:
    """Octets in, whole lines out."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now, without their ends. Raises BadLine past ``MAX_LINE``."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE or any(len(line) > MAX_LINE for line in whole):
            raise BadLine("a line is too long")
        return whole
