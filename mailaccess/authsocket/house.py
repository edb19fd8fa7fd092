"""What all connections of the auth sockets share."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from os import getegid, geteuid, getpid
from typing import Protocol

from mailaccess.auth.api import Authenticator
from mailaccess.observe.events import EventLog


def make_cookie() -> str:
    """What a client would hand to a master process: 128 bits."""
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class House:
    """Handed to every connection. pid, uid, gid: of this process, for accounts without an owner of their own."""

    authenticator: Authenticator
    log: EventLog
    make_cookie: Callable[[], str] = make_cookie
    connections: Iterator[int] = field(default_factory=lambda: count(1))
    pid: Callable[[], int] = getpid
    uid: Callable[[], int] = geteuid
    gid: Callable[[], int] = getegid


class Wire(Protocol):
    """What a session needs of its connection."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None:
        """Close once everything written has been read."""
        ...

    def vouch(self) -> None:
        """The other side speaks the protocol: it is not dropped to make room for others."""
        ...
