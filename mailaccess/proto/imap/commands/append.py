"""APPEND (RFC 9051 §6.3.12; RFC 3502; RFC 3516 for literal8; RFC 6855 for UTF8; RFC 4469 for CATENATE)."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mailaccess.model.flags import FlagSet
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.responses import LIMIT, No
from mailaccess.proto.imap.tokens import ImapCursor, Unsupported


@dataclass(frozen=True, slots=True)
class MessageLiteral:
    """Where a message's octets are.

    size: octets, as announced.  binary: a literal8, which may hold NUL (RFC 3516 §4.4).
    number: counts the streamed literals of this command from 0; the framer hands their octets out as
    ``StreamChunk`` and the frame does not hold them.
    """

    size: int
    binary: bool = False
    utf8: bool = False
    number: int = 0


@dataclass(frozen=True, slots=True)
class UrlPart:
    """Octets of a message that is here already. ``url`` as written, not looked at yet (``proto.imap.url``)."""

    url: str


@dataclass(frozen=True, slots=True)
class Catenation:
    """CATENATE: the pieces of a message in order; ``complete`` once its parenthesis is closed. RFC 4469 §5."""

    parts: "tuple[MessageLiteral | UrlPart, ...]"
    complete: bool


@dataclass(frozen=True, slots=True)
class AppendMessage:
    """One message of an APPEND. ``date`` is INTERNALDATE with its offset; None is now."""

    flags: FlagSet
    date: datetime | None
    data: MessageLiteral | Catenation


@dataclass(frozen=True, slots=True)
class Append(Command):
    """APPEND. More than one message is MULTIAPPEND (RFC 3502).

    Parsed when the framer announces the first literal (then the last of ``messages`` ends with it), or as a
    whole where there is none. What comes behind a literal is read by ``following``.
    """

    mailbox: str
    messages: tuple[AppendMessage, ...]


@dataclass(frozen=True, slots=True)
class Following:
    """What stands between a literal and the next, or the end of the command.

    parts, complete: they go on with the catenation that the literal belongs to.
    """

    parts: tuple[MessageLiteral | UrlPart, ...]
    complete: bool
    messages: tuple[AppendMessage, ...]


MAX_URLS: Final = 1000
"""URLs in one command: each opens a mailbox and reads a message."""


def _append(cur: ImapCursor) -> Append:
    """``append`` = "APPEND" SP mailbox 1*append-message. RFC 3502 §6.3.11.

    The frame of an announcement ends behind the literal, as the whole command may do.
    """
    tokens.space(cur)
    name = tokens.mailbox(cur)
    messages = []
    while True:  # bounded by framing.MAX_STREAMED and MAX_URLS: each turn reads one of them
        messages.append(append_message(cur))
        if not tokens.more(cur):
            _count_urls(cur, messages)
            return Append(name, tuple(messages))


def _count_urls(cur: ImapCursor, messages: list[AppendMessage]) -> None:
    if (
        sum([len(message.data.parts) for message in messages if isinstance(message.data, Catenation)])
        > MAX_URLS
    ):
        raise Unsupported(No("The command has too many parts", LIMIT), cur.pos)


def following(cur: ImapCursor, *, catenating: bool, in_utf8: bool) -> Following:
    """Read on behind a literal, which stood in CATENATE (...), in UTF8 (...). Raises Expected."""
    parts: tuple[MessageLiteral | UrlPart, ...] = ()
    complete = True
    messages: list[AppendMessage] = []
    if in_utf8:
        cur.skip(b")", '")"')
    if catenating:
        parts, complete = _parts(cur, first=False)
    while tokens.more(cur):
        messages.append(append_message(cur))
    _count_urls(cur, messages)
    return Following(parts, complete, tuple(messages))


def append_message(cur: ImapCursor) -> AppendMessage:
    """append-message = [SP flag-list] [SP date-time] SP append-data. RFC 4466 §2.6, RFC 4469 §5."""
    tokens.space(cur)
    flags: FlagSet = frozenset()
    date = None
    if cur.peek() == b"(":
        flags = tokens.flag_list(cur)
        tokens.space(cur)
    if cur.peek() == b'"':
        date = tokens.date_time(cur)
        tokens.space(cur)
    if cur.match(_CATENATE) is not None:
        return AppendMessage(flags, date, Catenation(*_parts(cur, first=True)))
    return AppendMessage(flags, date, _literal(cur))


def _literal(cur: ImapCursor) -> MessageLiteral:
    """``literal`` / literal8 / UTF8 (~{n}...) of UTF8=ACCEPT (RFC 6855 §4); an announcement ends before its ")"."""
    at = cur.pos
    utf8 = cur.match(_UTF8) is not None
    size, binary, number = tokens.streamed_literal(cur)
    if utf8:
        if not binary:
            cur.fail("a binary literal", at)
        if not cur.at_end():
            cur.skip(b")", '")"')
    return MessageLiteral(size, binary, utf8, number)


def _parts(cur: ImapCursor, *, first: bool) -> tuple[tuple[MessageLiteral | UrlPart, ...], bool]:
    """cat-part *(SP cat-part) ")", or as much of it as there is: (parts, whether it was closed).

    ``cat-part`` = "TEXT" SP literal / "URL" SP astring / utf8-literal. RFC 4469 §5, RFC 6855 §4.
    """
    found: list[MessageLiteral | UrlPart] = []
    while True:  # bounded by MAX_URLS and framing.MAX_STREAMED
        if not first and cur.skip_if(b")"):
            return tuple(found), True
        if not first:
            if cur.at_end() and found and isinstance(found[-1], MessageLiteral):
                return tuple(found), False
            tokens.space(cur)
        first = False
        if cur.match(_URL) is not None:
            octets = tokens.astring(cur, "a URL")
            found.append(UrlPart(octets.decode("utf-8", "replace")))
            if len(found) > MAX_URLS:
                raise Unsupported(No("The command has too many parts", LIMIT), cur.pos)
        elif cur.match(_TEXT) is not None or _UTF8.match(cur.octets, cur.pos) is not None:
            found.append(_literal(cur))
        else:
            cur.fail("TEXT or URL")


_UTF8: Final = re.compile(rb"UTF8 \(", re.IGNORECASE)
_CATENATE: Final = re.compile(rb"CATENATE +\( *", re.IGNORECASE)
_TEXT: Final = re.compile(rb"TEXT +(?=[~{])", re.IGNORECASE)
_URL: Final = re.compile(rb"URL +", re.IGNORECASE)

RULES: Rules = {b"APPEND": _append}
