"""What a conversation knows of the connection that it serves, without Twisted: who is there, how to answer."""

import secrets
from collections.abc import Awaitable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Protocol


def is_local(address: str) -> bool:
    """Whether a client's textual address is this machine: a UNIX socket ("") or loopback."""
    if not address:
        return True
    try:
        return ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def make_id() -> str:
    """An id for a session or a message: unique enough to find it in the log."""
    return secrets.token_hex(7)


@dataclass(frozen=True, slots=True)
class Client:
    """Who is at the other end. address: textual IP without port, "" for a UNIX socket."""

    address: str = ""
    local_address: str = ""


class Wire(Protocol):
    """What a session needs of its connection."""

    def write(self, data: bytes) -> None: ...

    def write_all(self, parts: list[bytes]) -> None:
        """Write parts, one after the other, as one."""
        ...

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


class Mover(Protocol):
    """Gives connections to the process that serves their account's others."""

    def wants(self, transport: Any, user: str) -> bool:
        """Whether a connection of ``user`` had better be served elsewhere, and can be."""
        ...

    def move(self, transport: Any, service: str, address: str, user: str, luggage: object) -> Awaitable[bool]:
        """Whether another process serves it from now on; here it has ended then.

        Nothing may be read from it meanwhile.  service: of ``[listen]``.  address: of its ``Place``.  luggage: for
        ``resume`` of the protocol there.
        """
        ...
