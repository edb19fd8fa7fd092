"""The line between the supervisor and a worker: a socket pair, one JSON object a line in either direction.

``{"kind": ..., ...}``; to a worker from another one with ``"from"``, its number. Both ends are our own program's, but
the supervisor may be root and a worker is not: so what comes is bounded, and nonsense ends the line.
"""

import json
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

Message = dict[str, Any]

LONGEST_LINE: Final = 8 * 2**20
"""Octets: all counts of a worker with 100,000 connections take 5 MB."""

MOST_UNREAD: Final = 64 * 2**20
"""Octets written while the other end does not read: then it hangs, and the line ends."""


@implementer(IPushProducer)
class Channel(LineOnlyReceiver):
    """heard: a message has come.  ended: there is nobody at the other end any more."""

    delimiter = b"\n"
    MAX_LENGTH = LONGEST_LINE

    def __init__(self, heard: Callable[[Message], None], ended: Callable[[], None]) -> None:
        self._heard = heard
        self._ended = ended
        self._slow = False
        self._unread = 0

    def connectionMade(self) -> None:
        """Twisted's name."""
        transport: Any = self.transport
        transport.registerProducer(self, True)

    def lineReceived(self, line: bytes) -> None:
        """Twisted's name."""
        try:
            message = json.loads(line)
            if not isinstance(message, dict) or not isinstance(message.get("kind"), str):
                raise ValueError("no message")
            self._heard(message)
        except (ValueError, TypeError, KeyError, AttributeError):
            self.close()

    def lineLengthExceeded(self, line: bytes) -> None:
        """Twisted's name."""
        self.close()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted's name."""
        self._ended()

    def send(self, message: Message) -> None:
        """Nothing happens where nobody is at the other end."""
        transport: Any = self.transport
        if transport is None or not transport.connected:
            return
        line = json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"
        if self._slow:
            self._unread += len(line)
            if self._unread > MOST_UNREAD:
                self.close()
                return
        transport.write(line)

    def close(self) -> None:
        """End the line at once."""
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()

    # IPushProducer: how we learn whether the other end reads.

    def pauseProducing(self) -> None:
        """Twisted's name."""
        self._slow = True

    def resumeProducing(self) -> None:
        """Twisted's name."""
        self._slow = False
        self._unread = 0

    def stopProducing(self) -> None:
        """Twisted's name."""
        return None
