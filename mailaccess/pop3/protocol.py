"""Octets in and out, TLS, time-outs; no decisions. The only file of the room that knows of Twisted."""

import traceback
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from mailaccess.net.endpoints import textual
from mailaccess.net.flow import Flow
from mailaccess.net.limits import Place
from mailaccess.observe.events import Level
from mailaccess.pop3 import texts
from mailaccess.pop3.house import Client, House
from mailaccess.pop3.session import Session
from mailaccess.proto.pop3 import grammar

FULL: Final = grammar.err(texts.FULL, "SYS/TEMP")
"""What a connection is told that finds no place."""

READ_AHEAD: Final = 64 * 1024
"""Octets of input held while a command waits; past that the client is not read from."""


class Pop3Protocol(Protocol):
    """One connection. tls: what STLS uses (``net.tls.ServerTls``); None: not offered."""

    def __init__(
        self, house: House, place: Place | None = None, *, tls: Any = None, reactor: Any = None
    ) -> None:
        self._house = house
        self._place = place
        self._tls = tls
        self._reactor = reactor
        self._session: Session | None = None
        self._flow: Flow | None = None
        self._working = False
        self._paused = False
        self._timer: Any = None
        self._login_timer: Any = None

    # Called by Twisted; the spelling is its own.

    def connectionMade(self) -> None:
        """Greet."""
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        transport: Any = self.transport
        self._flow = Flow(transport, self._reactor)
        address = self._place.address if self._place else getattr(transport.getPeer(), "host", "")
        client = Client(address or "", textual(getattr(transport.getHost(), "host", "") or ""))
        self._session = Session(
            self._house,
            self,
            client,
            tls_offered=self._tls is not None,
            secure=ISSLTransport.providedBy(transport),
        )
        settings = self._house.settings
        self._timer = self._reactor.callLater(settings.timeout, self._timed_out)
        self._login_timer = self._reactor.callLater(settings.login_timeout, self._not_logged_in)
        self._session.greet()

    def dataReceived(self, data: bytes) -> None:
        """Answer, or let it wait behind what is being answered."""
        session = self._session
        if session is None or session.closed:
            return
        self._timer.reset(self._house.settings.timeout)
        session.feed(data)
        if not self._working:
            self._working = True
            Deferred.fromCoroutine(self._work(session))
        elif session.pending > READ_AHEAD and not self._paused:
            self._paused = True
            self._transport.pauseProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Give back the maildrop; nothing is deleted."""
        for timer in (self._timer, self._login_timer):
            if timer is not None and timer.active():
                timer.cancel()
        if self._flow is not None:
            self._flow.connection_lost()
        session = self._session
        if session is not None:
            session.gone = True
            if not self._working:
                self._working = True
                Deferred.fromCoroutine(self._work(session))

    def stop(self) -> None:
        """The server stops: say so, unless a command is being answered."""
        if self._session is not None and not self._working:
            self._session.hang_up(texts.STOPPING, code="SYS/TEMP")

    async def _work(self, session: Session) -> None:
        try:
            await session.work()
        except ConnectionResetError:  # while we waited for the client to read
            await session.end()
        except Exception:
            self._house.log.log(
                "internal-error",
                Level.ERROR,
                service="pop3",
                session=session.id,
                error=traceback.format_exc(),
            )
            session.hang_up(texts.INTERNAL, session.id, code="SYS/TEMP")
            await session.end()
        finally:
            self._working = False
        if self._paused and not session.gone:
            self._paused = False
            self._transport.resumeProducing()

    def _timed_out(self) -> None:
        """RFC 1939 §3: the connection is closed without a word, and nothing is deleted."""
        session = self._session
        if session is None or self._flow is None or session.closed:
            return
        if self._working and not self._flow.paused:  # the client waits for us
            self._timer = self._reactor.callLater(self._house.settings.timeout, self._timed_out)
        else:
            self._flow.abort()

    def _not_logged_in(self) -> None:
        if self._session is not None and not self._session.logged_in and self._flow is not None:
            self._flow.close()

    @property
    def _transport(self) -> Any:
        return self.transport

    # The session's wire.

    def write(self, data: bytes) -> None:
        """Hand octets to the transport."""
        if self._flow is not None:
            self._flow.write(data)

    async def drain(self) -> None:
        """Wait while the client does not read. Raises ConnectionResetError."""
        if self._flow is not None and self._flow.paused:
            await self._flow.drain()
            self._timer.reset(self._house.settings.timeout)

    def start_tls(self) -> None:
        """Begin the handshake."""
        self._transport.startTLS(self._tls)

    def log_in(self, user: str) -> bool:
        """Count the connection as the user's."""
        return self._place.log_in(user) if self._place is not None else True

    def close(self) -> None:
        """Close once everything written has been read."""
        if self._flow is not None:
            self._flow.close()
