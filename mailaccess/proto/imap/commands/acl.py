"""SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314 §3, §7)."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor


class RightsChange(Enum):
    REPLACE = ""
    ADD = "+"
    REMOVE = "-"


@dataclass(frozen=True, slots=True)
class SetAcl(Command):
    """SETACL. RFC 4314 §3.1. ``rights``: letters and digits, each once."""

    mailbox: str
    identifier: str
    change: RightsChange
    rights: frozenset[str]


@dataclass(frozen=True, slots=True)
class DeleteAcl(Command):
    """DELETEACL. RFC 4314 §3.2."""

    mailbox: str
    identifier: str


@dataclass(frozen=True, slots=True)
class GetAcl(Command):
    """GETACL. RFC 4314 §3.3."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class ListRights(Command):
    """LISTRIGHTS. RFC 4314 §3.4."""

    mailbox: str
    identifier: str


@dataclass(frozen=True, slots=True)
class MyRights(Command):
    """MYRIGHTS. RFC 4314 §3.5."""

    mailbox: str


_MOD_RIGHTS: Final = re.compile(rb"([+-]?)([a-z0-9]*)")


def _mailbox(cur: ImapCursor) -> str:
    tokens.space(cur)
    return tokens.mailbox(cur)


def _identifier(cur: ImapCursor) -> str:
    """``identifier`` = astring, in UTF-8 (RFC 4314 §3)."""
    tokens.space(cur)
    at = cur.pos
    try:
        return tokens.astring(cur, "an identifier").decode("utf-8")
    except UnicodeDecodeError:
        cur.fail("an identifier in UTF-8", at)


def _setacl(cur: ImapCursor) -> SetAcl:
    """``setacl`` = "SETACL" SP mailbox SP identifier SP mod-rights"""
    mailbox, identifier = _mailbox(cur), _identifier(cur)
    tokens.space(cur)
    at = cur.pos
    found = _MOD_RIGHTS.fullmatch(tokens.astring(cur, "rights"))
    if found is None:
        cur.fail('rights in lower case, perhaps behind "+" or "-"', at)
    change = RightsChange(found.group(1).decode("ascii"))
    return SetAcl(mailbox, identifier, change, frozenset(found.group(2).decode("ascii")))


RULES: Rules = {
    b"SETACL": _setacl,
    b"DELETEACL": lambda cur: DeleteAcl(_mailbox(cur), _identifier(cur)),
    b"GETACL": lambda cur: GetAcl(_mailbox(cur)),
    b"LISTRIGHTS": lambda cur: ListRights(_mailbox(cur), _identifier(cur)),
    b"MYRIGHTS": lambda cur: MyRights(_mailbox(cur)),
}
