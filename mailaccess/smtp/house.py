"""What all SMTP and LMTP connections of a process share, and what a session wants of its connection."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol

from mailaccess.auth.api import Authenticator
from mailaccess.config.sections import Smtp
from mailaccess.delivery.local import LocalDelivery
from mailaccess.delivery.recipients import Recipients
from mailaccess.observe.events import EventLog


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
class House:
    """Handed to every connection.

    message_size: octets of one message.  tls_required: passwords need TLS, except from addresses of which
    ``is_trusted`` says so.  now: seconds since the epoch, for Date and Received.  clock: monotonic seconds.
    """

    authenticator: Authenticator
    recipients: Recipients
    delivery: LocalDelivery
    settings: Smtp
    log: EventLog
    hostname: str = "localhost"
    message_size: int = 100 * 2**20
    tls_required: bool = True
    is_trusted: Callable[[str], bool] = is_local
    make_id: Callable[[], str] = make_id
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic


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

    def tls_description(self) -> str:
        """Version and cipher of the TLS that is active, for Received; "" without."""
        ...

    def log_in(self, user: str) -> bool:
        """Count the connection as the user's; False if there are too many."""
        ...

    def vouch(self) -> None:
        """The connection is of use without a login: it is not dropped to make room for others."""
        ...

    def close(self) -> None:
        """Close once everything written has been read."""
        ...
