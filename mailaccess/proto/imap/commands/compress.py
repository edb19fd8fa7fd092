"""COMPRESS (RFC 4978). What the framer holds behind it is compressed already: ``Framer.take``."""

from dataclasses import dataclass

from mailaccess.proto.imap import tokens
from mailaccess.proto.imap.commands.base import Command, Rules
from mailaccess.proto.imap.tokens import ImapCursor


@dataclass(frozen=True, slots=True)
class Compress(Command):
    """COMPRESS. ``mechanism`` in capitals; DEFLATE is the only one there is."""

    mechanism: str


def _compress(cur: ImapCursor) -> Compress:
    """``compress`` = "COMPRESS" SP algorithm"""
    tokens.space(cur)
    return Compress(tokens.keyword(cur, "a compression mechanism").decode("ascii"))


RULES: Rules = {b"COMPRESS": _compress}
