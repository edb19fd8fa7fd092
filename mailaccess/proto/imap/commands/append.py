"""APPEND (RFC 9051 §6.3.12; RFC 3502; RFC 3516 for literal8; RFC 6855 for UTF8)."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mailaccess.model.flags import FlagSet
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor


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
class AppendMessage:
    """One message of an APPEND. ``date`` is INTERNALDATE with its offset; None is now."""

    flags: FlagSet
    date: datetime | None
    literal: MessageLiteral


@dataclass(frozen=True, slots=True)
class Append(Command):
    """APPEND. More than one message is MULTIAPPEND (RFC 3502).

    Parsed each time the framer announces a message (then the last of ``messages`` is the one about to
    come) and once more when the line has ended.
    """

    mailbox: str
    messages: tuple[AppendMessage, ...]


def _append(cur: ImapCursor) -> Append:
    """``append`` = "APPEND" SP mailbox 1*append-message. RFC 3502 §6.3.11.

    The frame of an announcement ends behind the last literal, as the whole command does.
    """
    tokens.space(cur)
    name = tokens.mailbox(cur)
    messages = []
    while True:  # bounded by framing.MAX_STREAMED: each turn reads a streamed literal
        messages.append(append_message(cur))
        if not tokens.more(cur):
            return Append(name, tuple(messages))


def append_message(cur: ImapCursor) -> AppendMessage:
    """append-message = [SP flag-list] [SP date-time] SP literal."""
    tokens.space(cur)
    flags: FlagSet = frozenset()
    date = None
    if cur.peek() == b"(":
        flags = tokens.flag_list(cur)
        tokens.space(cur)
    if cur.peek() == b'"':
        date = tokens.date_time(cur)
        tokens.space(cur)
    at = cur.pos
    # append-data-ext of UTF8=ACCEPT: UTF8 (~{n}...) (RFC 6855 §4); an announcement ends before its ")".
    utf8 = cur.match(_UTF8) is not None
    size, binary, number = tokens.streamed_literal(cur)
    if utf8:
        if not binary:
            cur.fail("a binary literal", at)
        if not cur.at_end():
            cur.skip(b")", '")"')
    return AppendMessage(flags, date, MessageLiteral(size, binary, utf8, number))


_UTF8: Final = re.compile(rb"UTF8 \(", re.IGNORECASE)

RULES: Rules = {b"APPEND": _append}
