"""IMAP over Twisted: octets in and out, TLS, time. No decisions (those are ``connection``'s)."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.protocol import Protocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailaccess.imap.connection import Connection
from mailaccess.imap.house import House
from mailaccess.imap.moving import Luggage
from mailaccess.net.endpoints import Door, textual
from mailaccess.net.flow import Flow
from mailaccess.net.limits import Place
from mailaccess.net.served import Mover
from mailaccess.net.tls import ServerTls

T = TypeVar("T")

_log = Logger()

FULL = b"* BYE [UNAVAILABLE] Too many connections\r\n"
"""For a ``Door`` that has no room."""


class ImapProtocol(Protocol):
    """One connection.

    place: its share of the limits.  tls: the certificate for STARTTLS; None where TLS is on already or there
    is none. encrypted: TLS from the first octet.
    """

    def __init__(
        self,
        house: House,
        clock: Any,
        place: Place | None = None,
        *,
        tls: ServerTls | None = None,
        encrypted: bool = False,
    ) -> None:
        self._house = house
        self._wire = TwistedWire(self, clock, place, tls, encrypted)
        self._connection: Connection | None = None
        self._luggage: Luggage | None = None

    def resume(self, luggage: Luggage) -> None:
        """The connection comes from another process; to be called before it is made."""
        self._luggage = luggage

    def connectionMade(self) -> None:
        """Greet."""
        self._wire.attach(self.transport)
        self._connection = Connection(self._house, self._wire)
        luggage, self._luggage = self._luggage, None
        if luggage is None:
            self._connection.begin()
        else:
            self._connection.resume(luggage)

    def dataReceived(self, data: bytes) -> None:
        """Octets from the client."""
        if self._connection is not None:
            self._connection.received(data)

    def connectionLost(self, reason: Any = None) -> None:
        """The client is gone."""
        self._wire.lost()
        if self._connection is not None:
            self._connection.lost()

    def stop(self) -> None:
        """Say BYE: the server goes down."""
        if self._connection is not None:
            self._connection.stop()


class TwistedWire:
    """``wire.Wire`` on a Twisted transport; a ``Flow`` knows whether the client keeps up."""

    __slots__ = (
        "_clock",
        "_flow",
        "_place",
        "_protocol",
        "_tls",
        "_transport",
        "address",
        "encrypted",
        "local_address",
    )

    def __init__(
        self,
        protocol: Protocol,
        clock: Any,
        place: Place | None,
        tls: ServerTls | None,
        encrypted: bool,
    ) -> None:
        self._protocol = protocol
        self._clock: Any = clock
        self._place = place
        self._tls = tls
        self._transport: Any = None
        self._flow: Flow | None = None
        self.encrypted = encrypted
        self.address = ""
        self.local_address = ""

    def attach(self, transport: Any) -> None:
        """The connection is there."""
        self._transport = transport
        if self._place is not None:  # behind a proxy it is not that of the transport
            self.address = self._place.address
        else:
            self.address = textual(getattr(transport.getPeer(), "host", ""))
        self.local_address = textual(getattr(transport.getHost(), "host", ""))
        self._flow = Flow(transport, self._clock)

    def lost(self) -> None:
        """The connection is gone."""
        if self._flow is not None:
            self._flow.connection_lost()

    @property
    def tls_available(self) -> bool:
        return self._tls is not None and not self.encrypted

    @property
    def full(self) -> bool:
        return self._flow is not None and self._flow.paused

    def write(self, data: bytes) -> None:
        if self._flow is not None:
            self._flow.write(data)

    def write_all(self, parts: list[bytes]) -> None:
        if self._flow is not None:
            self._flow.write_all(parts)

    def drain(self) -> Awaitable[None]:
        assert self._flow is not None
        return self._flow.drain()

    def start_tls(self) -> None:
        """The flow's producer belongs to the layer below until TLS takes it over: so it is registered
        anew.
        """
        self._transport.unregisterProducer()
        self._transport.startTLS(self._tls)
        self.encrypted = True
        self._flow = Flow(self._transport, self._clock)

    def hold_input(self) -> None:
        self._transport.pauseProducing()

    def take_input(self) -> None:
        self._transport.resumeProducing()

    def close(self) -> None:
        if self._flow is not None:
            self._flow.close()

    def abort(self) -> None:
        if self._flow is not None:
            self._flow.abort()

    def admit(self, user: str) -> bool:
        return self._place is None or self._place.log_in(user)

    def dismiss(self) -> None:
        if self._place is not None:
            self._place.log_out()

    def belongs_elsewhere(self, user: str) -> bool:
        mover = self._mover
        return mover is not None and mover.wants(self._transport, user)

    def move(self, luggage: Luggage) -> Awaitable[bool]:
        mover, place = self._mover, self._place
        assert mover is not None and place is not None
        place.vouch()
        return mover.move(self._transport, "imap", place.address, luggage.user, luggage)

    @property
    def _mover(self) -> Mover | None:
        door = self._protocol.factory
        return door.mover if isinstance(door, Door) else None

    def now(self) -> float:
        return float(self._clock.seconds())

    def later(self, seconds: float, call: Callable[[], None]) -> "_Timer":
        return _Timer(self._clock.callLater(seconds, call))

    def promise(self) -> "_Promise":
        return _Promise()

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> Awaitable[T]:
        started: Deferred[T] = Deferred.fromCoroutine(coroutine)
        return started

    def go_on(self, coroutine: Coroutine[Any, Any, None], awaited: Any, then: Callable[[], None]) -> None:
        _Driven(coroutine, then).wait_for(awaited)


class _Timer:
    __slots__ = ("_call",)

    def __init__(self, call: Any) -> None:
        self._call = call

    def cancel(self) -> None:
        try:
            self._call.cancel()
        except (AlreadyCalled, AlreadyCancelled):
            pass


class _Promise:
    """Awaited only by what ``_Driven`` drives: it needs no Deferred, which with a coroutine's driver takes 1.2 KB."""

    __slots__ = ("_kept", "driven")

    def __init__(self) -> None:
        self._kept = False
        self.driven: _Driven | None = None

    def __await__(self) -> Generator[Any, None, None]:
        while not self._kept:
            yield self

    def keep(self) -> None:
        self._kept = True
        driven, self.driven = self.driven, None
        if driven is not None:
            driven.go_on()


class _Driven:
    """Drives a coroutine that was started by hand: ``Wire.go_on``. It awaits promises and Deferreds."""

    __slots__ = ("_coroutine", "_then")

    def __init__(self, coroutine: Coroutine[Any, Any, None], then: Callable[[], None]) -> None:
        self._coroutine = coroutine
        self._then = then

    def wait_for(self, awaited: Any) -> None:
        """Go on when ``awaited`` has an outcome; a result the coroutine takes from it by itself."""
        if type(awaited) is _Promise:
            awaited.driven = self
        else:
            awaited.addBoth(self._fired)

    def _fired(self, outcome: object) -> None:
        self.go_on(outcome.value if isinstance(outcome, Failure) else None)

    def go_on(self, error: BaseException | None = None) -> None:
        """Run the coroutine until it waits again, or ends. Raises nothing: whoever keeps a promise is not to blame."""
        try:
            awaited = self._coroutine.send(None) if error is None else self._coroutine.throw(error)
        except StopIteration:
            pass
        except Exception:
            _log.failure("a connection's command failed")
        else:
            self.wait_for(awaited)
            return
        try:
            self._then()
        except Exception:
            _log.failure("a connection's next command failed")
