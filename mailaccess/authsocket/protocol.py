"""Octets in and out; no decisions. The only file of the room that knows of Twisted."""

import traceback
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from mailaccess.authsocket.house import House, Wire
from mailaccess.authsocket.session import Conversation, Work
from mailaccess.net.flow import Flow
from mailaccess.net.limits import Place
from mailaccess.observe.events import Level

HANDSHAKE: Final = 60.0
"""Seconds in which the other side must say its version; after that it may be silent for ever, as smtpd is."""


class AuthProtocol(Protocol):
    """One connection. converse: ``Logins`` or ``Lookups``."""

    def __init__(
        self, house: House, converse: Callable[[House, Wire], Conversation], place: Place, reactor: Any
    ) -> None:
        self._house = house
        self._place = place
        self._reactor = reactor
        self._session = converse(house, self)
        self._flow: Flow | None = None
        self._timer: Any = None
        self._waiting = False

    # Called by Twisted; the spelling is its own.

    def connectionMade(self) -> None:
        """Greet."""
        self._flow = Flow(self.transport, self._reactor)
        self._timer = self._reactor.callLater(HANDSHAKE, self._session.end)
        self._session.greet()

    def dataReceived(self, data: bytes) -> None:
        """Answer; a client that does not read the answers is not read from."""
        for work in self._session.feed(data):
            Deferred.fromCoroutine(self._guarded(work))
        if self._flow is not None and self._flow.paused and not self._waiting:
            self._waiting = True
            Deferred.fromCoroutine(self._until_read(self._flow))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Nobody is there to be answered any more; what is being checked is checked to its end."""
        self._session.closed = True
        self._stop_timer()
        if self._flow is not None:
            self._flow.connection_lost()

    def stop(self) -> None:
        """The server stops."""
        self._session.end()

    async def _guarded(self, work: Work) -> None:
        try:
            await work
        except Exception:
            self._house.log.log(
                "internal-error", Level.ERROR, service=self._session.service, error=traceback.format_exc()
            )
            self._session.end()

    async def _until_read(self, flow: Flow) -> None:
        transport: Any = self.transport
        transport.pauseProducing()
        try:
            await flow.drain()
        except ConnectionResetError:
            return
        finally:
            self._waiting = False
        transport.resumeProducing()

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    # The session's wire.

    def write(self, data: bytes) -> None:
        """Hand octets to the transport."""
        if self._flow is not None:
            self._flow.write(data)

    def close(self) -> None:
        """Close once everything written has been read."""
        self._stop_timer()
        if self._flow is not None:
            self._flow.close()

    def vouch(self) -> None:
        """The handshake is done."""
        self._stop_timer()
        self._place.vouch()
