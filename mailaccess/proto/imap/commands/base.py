"""What every IMAP command shares, and how a rule reads one.

A command is a frozen value; ``UID x`` forms are the same class with ``uid=True``. A rule gets the
cursor just behind the command's name and reads everything up to, but not including, the end of the line.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mailaccess.proto.imap.tokens import ImapCursor


@dataclass(frozen=True, slots=True)
class Command:
    """Base of all commands."""


Rule = Callable[[ImapCursor], Command]
Rules = Mapping[bytes, Rule]
"""Command names in capitals (``FETCH``, ``UID FETCH``) and the rules that read their arguments."""


@dataclass(frozen=True, slots=True)
class Request:
    """One command as a client sent it.

    tag: as written, never empty (RFC 9051 §2.2.1).  name: in capitals, ``UID FETCH`` with one space:
    the key of the dispatch table.  command: the arguments.
    old_names: mailbox names written otherwise than they are kept, each behind the latter (RFC 9051 §5.1).
    """

    tag: bytes
    name: str
    command: Command
    old_names: tuple[tuple[str, str], ...] = ()
