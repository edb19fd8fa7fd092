"""UIDBATCHES (RFC 10022): the UID ranges that part a mailbox into batches of so many messages."""

import re
from dataclasses import dataclass
from typing import Final

from mailaccess.model.sequence import MAX_NUMBER
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor


@dataclass(frozen=True, slots=True)
class UidBatches(Command):
    """UIDBATCHES. size: messages of a batch, 0 is possible.  batches: the first and last wanted, as written."""

    size: int
    batches: tuple[int, int] | None = None


_RANGE: Final = re.compile(rb"([0-9]{1,10})(?::([0-9]{1,10}))?")


def _uidbatches(cur: ImapCursor) -> UidBatches:
    """``uidbatches`` = "UIDBATCHES" SP nz-number [SP nz-number [":" nz-number]]"""
    tokens.space(cur)
    size = tokens.number(cur)
    if not tokens.more(cur):
        return UidBatches(size)
    tokens.space(cur)
    at = cur.pos
    found = cur.match(_RANGE)
    if found is None:
        cur.fail("a range of batches", at)
    first = int(found.group(1))
    last = int(found.group(2)) if found.group(2) is not None else first
    if max(first, last) > MAX_NUMBER:
        cur.fail("a range of batches", at)
    return UidBatches(size, (first, last))


RULES: Rules = {b"UIDBATCHES": _uidbatches}
