"""What DKIM hashes (RFC 6376 §3.4): header fields and the body, the latter piece by piece as it lies on disk.

Line ends of the body are CRLF afterwards, whatever they were: that is how the message is stored and sent.
"""

import hashlib
import re
from typing import Final

BARE: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_BLANKS: Final = re.compile(rb"[ \t]+")
_CUT: Final = re.compile(rb"[ \t]?\r?\Z")
_FOLD: Final = re.compile(rb"\r?\n(?=[ \t])")

CRLF: Final = b"\r\n"

EMPTY_AT_ONCE: Final = 2**15
"""Empty lines hashed at a time: 64 KiB."""


class BodyHash:
    """``update`` with pieces, then ``digest``. relaxed: RFC 6376 §3.4.4, else simple, §3.4.3.

    length: octets of the canonical body that count (the l= tag, §3.5); None: all.
    """

    def __init__(self, *, relaxed: bool, algorithm: str = "sha256", length: int | None = None) -> None:
        self._hash = hashlib.new(algorithm)
        self._relaxed = relaxed
        self._left = length
        self._kept = b""  # the beginning of a line whose end has not come
        self._empty = 0  # empty lines that count only if something follows
        self._some = False
        self.short = False
        """After ``digest``: the body had fewer octets than ``length``."""

    def update(self, piece: bytes) -> None:
        """The next octets."""
        octets = self._kept + piece
        # A lone CR at the end may be half of a CRLF; a line that has no end is kept back.
        whole = octets.rfind(b"\n") + 1
        if not whole and len(octets) < 2**16:
            self._kept = octets
            return
        if not whole:  # a line longer than any: what may change at the cut stays with what follows
            octets = _BLANKS.sub(b" ", octets) if self._relaxed else octets
            whole = _CUT.search(octets).start()  # type: ignore[union-attr]  # it matches anywhere
        self._kept = octets[whole:]
        self._take(with_crlf(octets[:whole]))

    def _take(self, octets: bytes) -> None:
        if self._relaxed:
            if b"  " in octets or b"\t" in octets:  # attachments in base64 have neither
                octets = _BLANKS.sub(b" ", octets)
            if b" \r\n" in octets:
                octets = octets.replace(b" \r\n", CRLF)
        end = len(octets.rstrip(CRLF))  # all line ends are CRLF by now
        if end:
            # The last line's own end counts as one of the empty ones to come.
            while self._empty:  # a message may be nothing but empty lines, and one word at its end
                some = min(self._empty, EMPTY_AT_ONCE)
                self._feed(CRLF * some)
                self._empty -= some
            self._feed(octets[:end])
            self._some = True
        self._empty += (len(octets) - end) // 2

    def _feed(self, octets: bytes) -> None:
        if self._left is not None:
            octets = octets[: self._left]
            self._left -= len(octets)
        self._hash.update(octets)

    def digest(self) -> bytes:
        """The hash of the whole body."""
        kept, self._kept = self._kept, b""
        if kept:
            kept = with_crlf(kept)
            self._take(_BLANKS.sub(b" ", kept).rstrip(b" ") if self._relaxed else kept)
        if self._some or not self._relaxed:
            self._feed(CRLF)
        self.short = bool(self._left)
        return self._hash.digest()


def with_crlf(octets: bytes) -> bytes:
    """``octets`` with CRLF for every line end; found right by counting, a tenth of the time that a search takes."""
    pairs = octets.count(CRLF)
    if pairs == octets.count(b"\n") and pairs == octets.count(b"\r"):
        return octets
    return BARE.sub(CRLF, octets)


def relaxed_field(octets: bytes) -> bytes:
    """A header field, with or without its line end: RFC 6376 §3.4.2, ended by CRLF."""
    name, _, value = octets.partition(b":")
    unfolded = _FOLD.sub(b"", value.rstrip(b"\r\n"))
    return name.strip().lower() + b":" + _BLANKS.sub(b" ", unfolded).strip(b" ") + CRLF


def fields(header: bytes) -> list[bytes]:
    """The fields of a header, each with its continuation lines and line end."""
    found: list[bytes] = []
    begin = 0
    for match in re.finditer(rb"\n(?![ \t])", header):
        found.append(header[begin : match.end()])
        begin = match.end()
    if begin < len(header):
        found.append(header[begin:])
    return found


def name_of(octets: bytes) -> bytes:
    """A field's name in lower case; b"" where the line is none."""
    name, colon, _ = octets.partition(b":")
    return name.strip().lower() if colon else b""
