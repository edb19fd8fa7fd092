"""A session that another process serves from its login on: what that one needs.

Before the maildrop is locked nothing is open, and nothing is owed but the answer to PASS or AUTH.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, Protocol

from mailaccess.auth.api import Identity
from mailaccess.net import served

MOST_AHEAD: Final = 32 * 1024
"""Octets behind the login that go with it: any pipeline of commands. Who sends more stays."""


@dataclass(frozen=True, slots=True)
class Luggage:
    """identity: who has logged in, by ``mechanism``.  id: the session's, for the log.  language, utf8: as chosen
    before.  ahead: input behind the command.
    """

    identity: Identity
    mechanism: str
    id: str
    language: str
    utf8: bool
    ahead: bytes

    @property
    def user(self) -> str:
        return self.identity.name


class Wire(served.Wire, Protocol):
    """What a session needs of its connection, also to leave it."""

    def belongs_elsewhere(self, user: str) -> bool:
        """Whether a connection of ``user`` had better be served by another process, and can be."""
        ...

    def move(self, luggage: Luggage) -> Awaitable[bool]:
        """Whether another process has it from now on; nothing is read from the client meanwhile."""
        ...

    def hold_input(self) -> None:
        """Read nothing more from the client until ``take_input``."""
        ...

    def take_input(self) -> None: ...
