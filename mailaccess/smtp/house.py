"""What all SMTP and LMTP connections of a process share, and what a session wants of its connection."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mailaccess.auth.api import Authenticator
from mailaccess.config.sections import Smtp
from mailaccess.delivery.local import LocalDelivery
from mailaccess.delivery.recipients import Recipients
from mailaccess.net import served
from mailaccess.net.served import is_local, make_id
from mailaccess.observe.events import EventLog


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


class Wire(served.Wire, Protocol):
    """What a session needs of its connection, beside what all do."""

    def tls_description(self) -> str:
        """Version and cipher of the TLS that is active, for Received; "" without."""
        ...

    def vouch(self) -> None:
        """The connection is of use without a login: it is not dropped to make room for others."""
        ...
