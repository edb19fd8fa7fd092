"""Log events: what happened, with named fields. One event is one line of the log.

Rooms from floor 2 up call ``log`` of the ``EventLog`` they were given; the writer behind it is
the service's affair (text for people and fail2ban, JSON for machines). Fields are ``str``, ``int``,
``float``, ``bool`` or None; no secret may ever be one. Control characters are escaped by the writer.
"""

from enum import Enum
from typing import Protocol

Value = str | int | float | bool | None


class Level(Enum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class EventLog(Protocol):
    def log(self, event: str, level: Level = Level.INFO, /, **fields: Value) -> None:
        """Write one event.

        event: a short stable name in lower case: ``imap-login``, ``login-failed``, ``delivered``.
        Well-known fields: user, method, rip, lip, service, session, mailbox, message_id, size, error,
        attempts, seconds.
        """
        ...


class Silent:
    """Drops everything."""

    def log(self, event: str, level: Level = Level.INFO, /, **fields: Value) -> None:
        return None


class Recorder:
    """Keeps what was logged: for tests."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Level, dict[str, Value]]] = []

    def log(self, event: str, level: Level = Level.INFO, /, **fields: Value) -> None:
        self.events.append((event, level, fields))
