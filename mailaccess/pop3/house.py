"""What all POP3 connections of a process share, and what a session wants of its connection."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol

from mailaccess.auth.api import Authenticator
from mailaccess.config.sections import Pop3
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog
from mailaccess.store.api import Store


def is_local(address: str) -> bool:
    """Whether a client's textual address is this machine: a UNIX socket ("") or loopback."""
    if not address:
        return True
    try:
        return ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def make_id() -> str:
    """A session's id, to find it in the log."""
    return secrets.token_hex(7)


@dataclass(frozen=True, slots=True)
class House:
    """Handed to every connection.

    tls_required: passwords need TLS, except from addresses of which ``is_trusted`` says so.
    """

    authenticator: Authenticator
    store: Store
    settings: Pop3
    runner: ThreadRunner
    log: EventLog
    hostname: str = "localhost"
    tls_required: bool = True
    is_trusted: Callable[[str], bool] = is_local
    make_id: Callable[[], str] = make_id


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end. address: textual IP without port, "" for a UNIX socket."""

    address: str = ""
    local_address: str = ""


class Wire(Protocol):
    """What a session needs of its connection."""

    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None:
        """Wait while the client does not read. Raises ConnectionResetError."""
        ...

    def start_tls(self) -> None:
        """Everything that follows is TLS."""
        ...

    def log_in(self, user: str) -> bool:
        """Count the connection as the user's; False if there are too many."""
        ...

    def close(self) -> None:
        """Close once everything written has been read."""
        ...
