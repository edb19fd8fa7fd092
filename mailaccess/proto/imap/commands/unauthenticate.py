"""UNAUTHENTICATE (RFC 8437): back to the state before login, over the same connection."""

from dataclasses import dataclass

from mailaccess.proto.imap.commands.base import Command, Rules


@dataclass(frozen=True, slots=True)
class Unauthenticate(Command):
    """UNAUTHENTICATE. RFC 8437 §2."""


RULES: Rules = {b"UNAUTHENTICATE": lambda cur: Unauthenticate()}
