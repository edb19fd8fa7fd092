"""CANCELUPDATE (RFC 5267 §4.3.5)."""

from dataclasses import dataclass
from typing import Final

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor

MAX_TAGS: Final = 100


@dataclass(frozen=True, slots=True)
class CancelUpdate(Command):
    """CANCELUPDATE: tags of searches that are to be told of no more."""

    tags: tuple[bytes, ...]


def _cancelupdate(cur: ImapCursor) -> CancelUpdate:
    """``cancel-update`` = "CANCELUPDATE" 1*(SP quoted)"""
    found: list[bytes] = []
    while not found or tokens.more(cur):
        tokens.space(cur)
        found.append(tokens.quoted(cur))
        if len(found) > MAX_TAGS:
            cur.fail(f"at most {MAX_TAGS} tags")
    return CancelUpdate(tuple(found))


RULES: Rules = {b"CANCELUPDATE": _cancelupdate}
