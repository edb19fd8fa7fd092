"""COMPARATOR (RFC 5255 §4.7)."""

from dataclasses import dataclass
from typing import Final

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor

MAX_COMPARATORS: Final = 50
"""Comparators in one command: more than there are."""

MAX_LENGTH: Final = 254
"""Octets of one: RFC 4790 §3.1."""


@dataclass(frozen=True, slots=True)
class Comparator(Command):
    """COMPARATOR. ``orders``: collation-order each (RFC 4790 §3.3), best first; () asks for the active one."""

    orders: tuple[str, ...]


def _comparator(cur: ImapCursor) -> Comparator:
    """comparator-cmd = "COMPARATOR" *(SP comp-order-quoted); comp-order-quoted = astring"""
    orders: list[str] = []
    while tokens.more(cur):
        tokens.space(cur)
        at = cur.pos
        octets = tokens.astring(cur, "a comparator")  # one with * comes quoted
        orders.append(octets.decode("ascii", "replace"))
        if len(octets) > MAX_LENGTH or len(orders) > MAX_COMPARATORS:
            cur.fail("a comparator, or fewer of them", at)
    return Comparator(tuple(orders))


RULES: Rules = {b"COMPARATOR": _comparator}
