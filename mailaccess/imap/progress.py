"""INPROGRESS (RFC 9585): a client that waits long is told that its command is alive.

Only around work that writes nothing: an untagged OK stands between answers, never inside one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from mailaccess.proto.imap import responses as r
from mailaccess.proto.imap.responses_more import InProgress

if TYPE_CHECKING:
    from mailaccess.imap.connection import Connection

EVERY: Final = 10.0
"""Seconds between two signs of life."""


@contextmanager
def signs_of_life(connection: "Connection") -> Iterator[None]:
    """Tell every EVERY seconds that the running command goes on, until the block is left."""
    if "INPROGRESS" in connection.mask.withheld:
        yield
        return
    signs = _Signs(connection)
    signs.start()
    try:
        yield
    finally:
        signs.timer.cancel()


class _Signs:
    __slots__ = ("_connection", "_said", "timer")

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._said = r.Ok("Still at it", InProgress(connection.tag))

    def start(self) -> None:
        self.timer = self._connection.wire.later(EVERY, self._tell)

    def _tell(self) -> None:
        if not self._connection.ended:
            self._connection.out.send(self._said)
            self._connection.out.flush()
            self.start()
