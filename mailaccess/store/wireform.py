"""A message file's octets in the form that IMAP serves."""

import os
import re
from typing import Final

SMALL: Final = 2 * 2**20
"""Octets up to which a message is handed out whole (``Mailbox.read``)."""

HEAD: Final = 16 * 1024
"""Octets read where only the header is wanted: nearly all are shorter."""

_PIECE: Final = 2**20

_LONE_LF: Final = re.compile(rb"\n(?<!\r\n)")
"""LF is looked for by memchr, and what stands before it only there: half the time that counting LF and CRLF takes."""


def to_wire(data: bytes) -> bytes:
    """CRLF line ends: a lone LF gets its CR, a CRLF and a lone CR stay."""
    if b"\r" not in data:
        return data.replace(b"\n", b"\r\n")
    if _LONE_LF.search(data) is None:
        return data
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def read_all(descriptor: int, expected: int) -> bytes:
    data = os.pread(descriptor, expected + 1, 0)
    if len(data) == expected:
        return data
    pieces = [data]
    offset = len(data)
    while piece := os.pread(descriptor, _PIECE, offset):  # it grew, or came in parts
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)
