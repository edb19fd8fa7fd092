"""A message with binary content in its parts, made one that any IMAP client may be sent (RFC 3516 §4.4, §6).

Each leaf that holds NUL is encoded in base64 and says so in its header, and each leaf in the encoding "binary" with
line ends of its own, which are no line ends and must not become any. Everything else stays octet for octet, so that
signatures of other parts hold. BINARY gives the leaf back as it came.
"""

import binascii
import re
from typing import Final

from mailaccess.message import structure
from mailaccess.message.part import MESSAGE, MULTIPART, Part

_LINE: Final = 57
"""Octets of a line of 76 letters."""

_FIELD: Final = re.compile(
    rb"^content-transfer-encoding[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE | re.MULTILINE
)
_IDENTITY: Final = frozenset((b"", b"7bit", b"8bit", b"binary"))


class NotEncodable(ValueError):
    """NUL stands where no encoding reaches it: in a header, between parts, under an encoding already."""


def is_needed(wire: bytes) -> bool:
    """Whether ``encoded`` may have anything to do."""
    return b"\0" in wire or _has_bare_lines(wire)


def _has_bare_lines(octets: bytes) -> bool:
    return octets.count(b"\n") != octets.count(b"\r\n")


def encoded(wire: bytes) -> bytes:
    """The message without NUL. Raises NotEncodable."""
    pieces: list[bytes] = []
    done = 0
    for part in structure.parse(wire).walk():
        content = wire[part.body : part.end]
        encoding = (part.encoding or b"").lower()
        bare = encoding == b"binary" and _has_bare_lines(content)
        if part.kind in (MULTIPART, MESSAGE) or not (bare or b"\0" in content):
            continue
        if encoding not in _IDENTITY:
            raise NotEncodable
        pieces += [wire[done : part.start], _header(wire, part), _base64(content)]
        done = part.end
    pieces.append(wire[done:])
    result = b"".join(pieces)
    if b"\0" in result:
        raise NotEncodable
    return result


def _header(wire: bytes, part: Part) -> bytes:
    """The part's header with the new encoding, and the line between it and the body."""
    block = wire[part.start : part.body]
    fields = _FIELD.sub(b"", block)
    if part.body == part.start or not fields.endswith(b"\n"):
        raise NotEncodable  # no header to say it in
    return b"Content-Transfer-Encoding: base64\r\n" + fields


def _base64(octets: bytes) -> bytes:
    lines = [
        binascii.b2a_base64(octets[at : at + _LINE], newline=False) for at in range(0, len(octets), _LINE)
    ]
    return b"\r\n".join([*lines, b""])
