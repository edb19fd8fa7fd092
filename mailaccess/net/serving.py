"""A connection that a session answers, line protocols' common part: octets in and out, TLS, time-outs.

A room's ``protocol.py`` derives from ``ServingProtocol`` and says how its session is made and what its clients
are told. No decisions are made here.
"""

import traceback
import types
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar
from typing import Protocol as Interface

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from mailaccess.net.endpoints import textual
from mailaccess.net.flow import Flow
from mailaccess.net.limits import Place
from mailaccess.observe.events import EventLog, Level


class Served(Interface):
    """What the connection asks of its session.

    closed: it has said its last word.  gone: the client has; set here.  pending: octets of input not looked at.
    """

    id: str
    closed: bool
    gone: bool

    @property
    def pending(self) -> int: ...

    def greet(self) -> None: ...

    def feed(self, data: bytes) -> None: ...

    async def work(self) -> None:
        """Answer what has come. Raises ConnectionResetError once nobody reads the answers any more."""
        ...

    async def end(self) -> None:
        """Give back whatever is held."""
        ...


S = TypeVar("S", bound=Served)


class ServingProtocol(Protocol, ABC, Generic[S]):
    """One connection.

    service: its name in the log.  timeout: seconds without input after which it ends.  tls: what STARTTLS uses
    (``net.tls.ServerTls``); None: not offered.  read_ahead: octets of input held while a command waits; past
    that the client is not read from.
    """

    read_ahead: int

    def __init__(
        self, service: str, timeout: float, log: EventLog, place: Place | None, tls: Any, reactor: Any
    ) -> None:
        self.service = service
        self.timeout = timeout
        self._log = log
        self._place = place
        self._tls = tls
        self._reactor = reactor
        self.session: S | None = None
        self.flow: Flow | None = None
        self.working = False
        self._held = False
        self._timer: Any = None

    # What a room says.

    @abstractmethod
    def make_session(self, address: str, local_address: str, *, secure: bool) -> S:
        """The session of this connection. Addresses are textual IPs; "" for a UNIX socket."""

    @abstractmethod
    def tell_stopping(self, session: S) -> None:
        """The server stops, and the session waits for its client."""

    @abstractmethod
    def tell_error(self, session: S) -> None:
        """Something failed that is no fault of the client's."""

    @abstractmethod
    def tell_timeout(self, session: S, flow: Flow) -> None:
        """The client has been silent for too long."""

    # Called by Twisted; the spelling is its own.

    def connectionMade(self) -> None:
        """Greet."""
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        transport: Any = self.transport
        self.flow = Flow(transport, self._reactor)
        address = self._place.address if self._place else getattr(transport.getPeer(), "host", "")
        local = textual(getattr(transport.getHost(), "host", "") or "")
        self.session = self.make_session(address or "", local, secure=ISSLTransport.providedBy(transport))
        self._timer = self.later(self.timeout, self._timed_out)
        self.begin(self.session)

    def begin(self, session: S) -> None:
        """The first thing a session does."""
        session.greet()

    def dataReceived(self, data: bytes) -> None:
        """Answer, or let it wait behind what is being answered."""
        session = self.session
        if session is None or session.closed:
            return
        self._timer.reset(self.timeout)
        session.feed(data)
        if not self.working:
            self._begin(session)
        elif session.pending > self.read_ahead and not self._held:
            self._held = True
            self._transport.pauseProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Let go of whatever is half done; what is being stored is stored to its end."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self.flow is not None:
            self.flow.connection_lost()
        session = self.session
        if session is not None:
            session.gone = True
            if not self.working:
                self._begin(session)

    def stop(self) -> None:
        """The server stops: say so, unless a command is being answered."""
        if self.session is not None and not self.working:
            self.tell_stopping(self.session)

    def later(self, seconds: float, call: Any) -> Any:
        """Twisted's ``callLater``."""
        return self._reactor.callLater(seconds, call)

    def _begin(self, session: S) -> None:
        """Run ``_work`` as far as it goes. Most of what comes is answered without waiting, and needs no Deferred: that
        and its driver are a tenth of what a small command costs.
        """
        self.working = True
        coroutine = self._work(session)
        try:
            awaited = coroutine.send(None)
        except StopIteration:
            return
        Deferred.fromCoroutine(_going_on(coroutine, awaited))

    async def _work(self, session: S) -> None:
        try:
            await session.work()
        except ConnectionResetError:  # while we waited for the client to read
            await session.end()
        except Exception:
            self._log.log(
                "internal-error",
                Level.ERROR,
                service=self.service,
                session=session.id,
                error=traceback.format_exc(),
            )
            self.tell_error(session)
            await session.end()
        finally:
            self.working = False
        if self._held and not session.gone:
            self._held = False
            self._transport.resumeProducing()

    def _timed_out(self) -> None:
        session, flow = self.session, self.flow
        if session is None or flow is None or session.closed:
            return
        if self.working and flow.paused:  # it does not read
            flow.abort()
        elif self.working:  # the client waits for us
            self._timer = self.later(self.timeout, self._timed_out)
        else:
            self.tell_timeout(session, flow)

    @property
    def _transport(self) -> Any:
        return self.transport

    # The session's wire.

    def write(self, data: bytes) -> None:
        """Hand octets to the transport."""
        if self.flow is not None:
            self.flow.write(data)

    def write_all(self, parts: list[bytes]) -> None:
        """Hand parts to the transport, one after the other, as one."""
        if self.flow is not None:
            self.flow.write_all(parts)

    async def drain(self) -> None:
        """Wait while the client does not read; reading shows that it is there. Raises ConnectionResetError."""
        if self.flow is not None and self.flow.paused:
            await self.flow.drain()
            self._timer.reset(self.timeout)

    def start_tls(self) -> None:
        """Begin the handshake."""
        self._transport.startTLS(self._tls)

    def tls_description(self) -> str:
        """Version and cipher, as ``TLSv1.3 cipher TLS_AES_256_GCM_SHA384``."""
        handle: Any = getattr(self._transport, "getHandle", lambda: None)()
        try:
            return f"{handle.get_protocol_version_name()} cipher {handle.get_cipher_name()}"
        except AttributeError:
            return "TLS"

    def log_in(self, user: str) -> bool:
        """Count the connection as the user's."""
        return self._place.log_in(user) if self._place is not None else True

    def vouch(self) -> None:
        """The connection is of use without a login."""
        if self._place is not None:
            self._place.vouch()

    def close(self) -> None:
        """Close once everything written has been read."""
        if self.flow is not None:
            self.flow.close()


@types.coroutine
def _going_on(coroutine: Coroutine[Any, Any, None], awaited: Any) -> Any:
    """Go on with a coroutine that was started by hand and waits for ``awaited``."""
    while True:
        failure: BaseException | None = None
        value = None
        try:
            value = yield awaited
        except BaseException as error:
            failure = error
        try:
            awaited = coroutine.send(value) if failure is None else coroutine.throw(failure)
        except StopIteration:
            return
