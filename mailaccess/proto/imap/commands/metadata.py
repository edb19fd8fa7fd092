"""GETMETADATA, SETMETADATA (RFC 5464 §4, §5)."""

import re
from dataclasses import dataclass
from typing import Final

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor

MAX_ENTRIES: Final = 100
"""Entries of one command: each is looked up on its own."""

MAX_ENTRY: Final = 255
"""Octets of an entry's name."""


@dataclass(frozen=True, slots=True)
class GetMetadata(Command):
    """GETMETADATA. RFC 5464 §4.2.

    mailbox: None for the server's own.  entries: in lower case (they compare without regard to case).
    max_size: octets of a value, None is any.  depth: levels below; None is infinity.
    """

    mailbox: str | None
    entries: tuple[str, ...]
    max_size: int | None = None
    depth: int | None = 0


@dataclass(frozen=True, slots=True)
class SetMetadata(Command):
    """SETMETADATA. RFC 5464 §4.3. A value of None removes the entry."""

    mailbox: str | None
    values: tuple[tuple[str, bytes | None], ...]


# RFC 5464 §3.2: a path of ASCII that neither doubles its "/" nor ends in one, without wildcards and controls.
_ENTRY: Final = re.compile(rb"(?:/[^\x00-\x19/*%\x7f-\xff]+)+")


def _entry(cur: ImapCursor) -> str:
    """``entry`` = astring"""
    at = cur.pos
    octets = tokens.astring(cur, "a metadata entry")
    if len(octets) > MAX_ENTRY or _ENTRY.fullmatch(octets) is None:
        cur.fail("a metadata entry such as /private/comment", at)
    return octets.decode("ascii").lower()


def _mailbox(cur: ImapCursor) -> str | None:
    return tokens.mailbox(cur) or None


def _getmetadata(cur: ImapCursor) -> GetMetadata:
    """``getmetadata`` = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries

    quirk: the options may come behind the mailbox, as the examples of RFC 5464 §4.2.1 have it.
    """
    tokens.space(cur)
    max_size: int | None = None
    depth: int | None = 0
    options = cur.peek() == b"("
    if options:
        max_size, depth = _options(cur)
        tokens.space(cur)
    mailbox = _mailbox(cur)
    tokens.space(cur)
    if not options and cur.match(_OPTIONS_HERE) is not None:
        max_size, depth = _options(cur)
        tokens.space(cur)
    return GetMetadata(mailbox, entries(cur), max_size, depth)


def entries(cur: ImapCursor) -> tuple[str, ...]:
    """``entries`` = entry / "(" entry *(SP entry) ")"; in lower case."""
    if not cur.skip_if(b"("):
        return (_entry(cur),)
    found: list[str] = []
    while True:
        found.append(_entry(cur))
        if len(found) > MAX_ENTRIES:
            cur.fail(f"at most {MAX_ENTRIES} entries")
        if tokens.list_ends(cur):
            return tuple(found)


_OPTIONS_HERE: Final = re.compile(rb"(?=\( *(?:MAXSIZE|DEPTH) )", re.IGNORECASE)


def _options(cur: ImapCursor) -> tuple[int | None, int | None]:
    """getmetadata-options: MAXSIZE number, DEPTH 0 / 1 / infinity."""
    cur.skip(b"(", '"("')
    cur.match(tokens.SPACES)
    max_size: int | None = None
    depth: int | None = 0
    while True:
        at = cur.pos
        match tokens.keyword(cur, "MAXSIZE or DEPTH"):
            case b"MAXSIZE":
                tokens.space(cur)
                max_size = tokens.number(cur)
            case b"DEPTH":
                tokens.space(cur)
                at = cur.pos
                word = tokens.keyword(cur, "0, 1 or infinity")
                if word not in _DEPTHS:
                    cur.fail("0, 1 or infinity", at)
                depth = _DEPTHS[word]
            case _:
                cur.fail("MAXSIZE or DEPTH", at)
        if tokens.list_ends(cur):
            return max_size, depth


_DEPTHS: Final[dict[bytes, int | None]] = {b"0": 0, b"1": 1, b"INFINITY": None}


def _setmetadata(cur: ImapCursor) -> SetMetadata:
    """``setmetadata`` = "SETMETADATA" SP mailbox SP entry-values"""
    tokens.space(cur)
    mailbox = _mailbox(cur)
    tokens.space(cur)
    cur.skip(b"(", '"("')
    cur.match(tokens.SPACES)
    values: list[tuple[str, bytes | None]] = []
    while True:
        entry = _entry(cur)
        tokens.space(cur)
        value = tokens.literal8(cur) if cur.peek() in (b"~", b"{") else tokens.nstring(cur, "a value")
        values.append((entry, value))
        if len(values) > MAX_ENTRIES:
            cur.fail(f"at most {MAX_ENTRIES} entries")
        if tokens.list_ends(cur):
            return SetMetadata(mailbox, tuple(values))


RULES: Rules = {b"GETMETADATA": _getmetadata, b"SETMETADATA": _setmetadata}
