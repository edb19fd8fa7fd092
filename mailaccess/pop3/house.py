"""What all POP3 connections of a process share."""

from collections.abc import Callable
from dataclasses import dataclass

from mailaccess.auth.api import Authenticator
from mailaccess.config.sections import Pop3
from mailaccess.model.work import ThreadRunner
from mailaccess.net.served import is_local, make_id
from mailaccess.observe.events import EventLog
from mailaccess.store.api import Store


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
