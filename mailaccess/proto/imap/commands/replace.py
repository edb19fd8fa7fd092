"""REPLACE (RFC 8508 §3, §5): APPEND and EXPUNGE of one message in one step; streamed as in APPEND."""

from dataclasses import dataclass
from functools import partial

from mailaccess.model.sequence import SequenceSet
from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.append import AppendMessage, append_message
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor


@dataclass(frozen=True, slots=True)
class Replace(Command):
    """REPLACE. ``number``: of the one message replaced (``*`` is allowed), a UID with ``uid``."""

    number: SequenceSet
    mailbox: str
    message: AppendMessage
    uid: bool = False


def _replace(cur: ImapCursor, *, uid: bool = False) -> Replace:
    """``replace`` = "REPLACE" SP seq-number SP mailbox append-message"""
    tokens.space(cur)
    at = cur.pos
    number = tokens.sequence_set(cur)
    if len(number.ranges) != 1 or number.ranges[0].first != number.ranges[0].last:
        cur.fail("one message number", at)
    tokens.space(cur)
    mailbox = tokens.mailbox(cur)
    return Replace(number, mailbox, append_message(cur), uid)


RULES: Rules = {b"REPLACE": _replace, b"UID REPLACE": partial(_replace, uid=True)}
