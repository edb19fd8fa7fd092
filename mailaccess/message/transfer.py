"""Content-Transfer-Encoding undone (RFC 2045 §6), tolerant: every octet that makes sense counts.

``Decoder`` takes a body in pieces and keeps at most a line between them, so that BINARY of a large
part streams.
"""

import binascii
import re

IDENTITY = frozenset((b"7bit", b"8bit", b"binary", b""))
_NOT_BASE64 = bytes(
    i for i in range(256) if i not in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
)
_TRAILING_WHITE = re.compile(rb"[ \t]+(?=\r?\n)")

MAX_LINE = 64 * 1024
"""Octets of a quoted-printable line that are waited for; RFC 2045 §6.7 allows 76. A longer one is
decoded in pieces, and only what stands exactly at a cut can be read wrongly."""


def base64(octets: bytes) -> bytes:
    """Decode base64 up to its padding, passing over everything outside the alphabet."""
    letters = octets.translate(None, _NOT_BASE64)
    padding = letters.find(b"=")
    if padding >= 0:
        letters = letters[:padding]
    rest = len(letters) % 4
    if rest == 1:  # six bits make no octet
        letters = letters[:-1]
    elif rest:
        letters += b"=" * (4 - rest)
    return binascii.a2b_base64(letters)


def quoted_printable(octets: bytes) -> bytes:
    """Decode quoted-printable; white space at line ends goes, what is no code stays as it is."""
    if (
        b" \n" in octets
        or (b"\r" in octets and b" \r" in octets)
        or (b"\t" in octets and (b"\t\n" in octets or b"\t\r" in octets))
    ):
        octets = _TRAILING_WHITE.sub(b"", octets)
    return binascii.a2b_qp(octets)


class Decoder:
    """Decodes pieces of a body that follow each other."""

    def feed(self, octets: bytes) -> bytes:
        """What can be told so far."""
        return octets

    def finish(self) -> bytes:
        """What was waiting for more."""
        return b""


class _Base64(Decoder):
    def __init__(self) -> None:
        self._rest = b""
        self._padded = False

    def feed(self, octets: bytes) -> bytes:
        if self._padded:
            return b""
        letters = self._rest + octets.translate(None, _NOT_BASE64)
        padding = letters.find(b"=")
        if padding >= 0:
            self._padded, self._rest = True, b""
            return base64(letters[:padding])
        whole = len(letters) & ~3
        self._rest = letters[whole:]
        return binascii.a2b_base64(letters[:whole])

    def finish(self) -> bytes:
        rest, self._rest = self._rest, b""
        return base64(rest)


class _QuotedPrintable(Decoder):
    def __init__(self) -> None:
        self._rest = b""

    def feed(self, octets: bytes) -> bytes:
        octets = self._rest + octets
        cut = octets.rfind(b"\n") + 1
        if not cut and len(octets) > MAX_LINE:
            cut = octets.rfind(b"=", -3) if b"=" in octets[-3:] else len(octets)
        self._rest = octets[cut:]
        return quoted_printable(octets[:cut])

    def finish(self) -> bytes:
        rest, self._rest = self._rest, b""
        return quoted_printable(rest)


def decoder(encoding: bytes | None) -> Decoder | None:
    """A fresh Decoder for a Content-Transfer-Encoding, None for one that is not known (RFC 3516 §4.3)."""
    name = (encoding or b"").strip().lower()
    if name in IDENTITY:
        return Decoder()
    if name == b"base64":
        return _Base64()
    return _QuotedPrintable() if name == b"quoted-printable" else None


def decode(octets: bytes, encoding: bytes | None) -> bytes | None:
    """A whole body decoded, None where its encoding is not known."""
    name = (encoding or b"").strip().lower()
    if name in IDENTITY:
        return octets
    if name == b"base64":
        return base64(octets)
    return quoted_printable(octets) if name == b"quoted-printable" else None
