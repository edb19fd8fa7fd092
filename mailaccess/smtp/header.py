"""A message's header on its way in: how many hops it shows, and what submission mends (RFC 6409 §8).

Octets in and out, line ends LF or CRLF. What is not named here is not changed.
"""

import re
from typing import Final

MAX_HEADER: Final = 2**20
"""Octets of a header that are held and looked at before the body: real ones are below 100 KB."""

# With the line end before it, which is looked for by memchr: a pattern that begins with ^ is tried at every octet.
_RECEIVED: Final = re.compile(rb"\nreceived[ \t]*:", re.I)
_FIELD: Final = re.compile(rb"[!-9;-~]+[ \t]*:")
_NAMES: Final = re.compile(rb"^([!-9;-~]+)[ \t]*:", re.M)

# Bcc must not reach those who are not meant to see it (RFC 5322 §3.6.3); Return-Path is delivery's to add.
_STRIPPED: Final = re.compile(
    rb"^(?:bcc|resent-bcc|return-path)[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)", re.I | re.M
)


def header_end(octets: bytes | bytearray, start: int = 0) -> int:
    """Where the blank line begins that ends the header, looking from ``start``; -1 if it is not there yet."""
    if octets.startswith((b"\r\n", b"\n")):
        return 0
    crlf = octets.find(b"\n\r\n", start)
    lf = octets.find(b"\n\n", start, crlf if crlf >= 0 else len(octets))
    found = lf if lf >= 0 else crlf
    return found + 1 if found >= 0 else -1


def hops(header: bytes) -> int:
    """Received fields. RFC 5321 §6.3."""
    return len(_RECEIVED.findall(b"\n" + header))


def completed(header: bytes, *, date: str, message_id: str) -> bytes:
    """The header of a submitted message: with Date and Message-ID if they were missing, without Bcc.

    header: up to the blank line; may be empty.  date, message_id: the values to add.
    Source: RFC 6409 §8.2, §8.3, RFC 5322 §3.6.
    """
    kept = _STRIPPED.sub(b"", header)
    names = {name.lower() for name in _NAMES.findall(kept)}
    added = b""
    if b"date" not in names:
        added += b"Date: " + date.encode("ascii") + b"\r\n"
    if b"message-id" not in names:
        added += b"Message-ID: <" + message_id.encode("ascii", "replace") + b">\r\n"
    if kept and not _FIELD.match(kept):
        added += b"\r\n"  # the message has no header and begins with text
    return added + kept
