"""Modified UTF-7, in which mailbox names travel before UTF-8 is enabled (RFC 3501 §5.1.3)."""

import re
from base64 import b64decode, b64encode
from typing import Final

# Neither "&" nor anything else that base64 lacks, so that each octet is looked at once.
_SHIFT: Final = re.compile(rb"&([A-Za-z0-9+,]*+)-")
_OUTSIDE: Final = re.compile(r"[^\x20-\x25\x27-\x7e]+")


def encode_mutf7(name: str) -> bytes:
    """``name`` in its only correct encoding; lone surrogates become ``?``."""
    return _OUTSIDE.sub(_shifted, name).encode("ascii")


def _shifted(found: "re.Match[str]") -> str:
    pieces = []
    for number, run in enumerate(found.group().split("&")):
        if number:
            pieces.append("&-")
        if run:
            octets = run.encode("utf-16-be", "replace")
            pieces.append("&" + b64encode(octets, b"+,").decode("ascii").rstrip("=") + "-")
    return "".join(pieces)


def decode_mutf7(octets: bytes, *, strict: bool = False) -> str:
    """Text of a modified UTF-7 name.

    Tolerant by default: superfluous shifts and stray bits at the end are read. With ``strict`` only the
    encoding that ``encode_mutf7`` writes will do. Raises ValueError for what can't be read at all.
    """
    pieces: list[str] = []
    place = 0
    for found in _SHIFT.finditer(octets):
        pieces.append(_plain(octets[place : found.start()]))
        pieces.append(_unshifted(found.group(1)))
        place = found.end()
    pieces.append(_plain(octets[place:]))
    text = "".join(pieces)
    if strict and encode_mutf7(text) != octets:
        raise ValueError("not the shortest encoding")
    return text


def _plain(octets: bytes) -> str:
    if b"&" in octets:
        raise ValueError("a shift that does not end")
    return octets.decode("ascii")


def _unshifted(base64: bytes) -> str:
    if not base64:
        return "&"
    if len(base64) % 4 == 1:
        raise ValueError("not modified base64")
    octets = b64decode(base64 + b"=" * (-len(base64) % 4), b"+,")
    return octets.decode(
        "utf-16-be"
    )  # odd lengths and lone surrogates raise UnicodeDecodeError, a ValueError
