"""APPEND (RFC 9051 §6.3.12; RFC 3502; RFC 3516 for literal8; RFC 6855 for UTF8)."""

from dataclasses import dataclass
from datetime import datetime

from mailaccess.model.flags import FlagSet
from mailaccess.proto.imap.commands.base import Command


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
