"""A question over HTTP, for those who ask a service beside us, on Twisted's Agent."""

from collections.abc import Awaitable, Sequence
from io import BytesIO
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

T = TypeVar("T")

MAX_ANSWER: Final = 2**20
"""Octets of an answer."""


class Http:
    """Connections are kept and used again."""

    def __init__(self, reactor: Any, *, connections: int = 10) -> None:
        self._reactor = reactor
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = connections
        self._agent = Agent(reactor, connectTimeout=5, pool=self._pool)

    async def post(
        self, url: str, headers: Sequence[tuple[str, str]], body: bytes, seconds: float
    ) -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError where there is none within ``seconds``."""
        try:
            return await within(self._reactor, self._post(url, headers, body), seconds)
        except TimeoutError:
            raise OSError(f"no answer within {seconds:g} seconds") from None
        except Exception as error:  # Agent has a dozen ways to say that there is no answer
            raise OSError(f"{type(error).__name__}: {error}"[:200]) from error

    async def _post(self, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> tuple[int, bytes]:
        given = Headers()
        for name, value in headers:
            given.addRawHeader(name.encode("ascii"), value.encode("utf-8", "replace"))
        producer: Any = FileBodyProducer(BytesIO(body))
        response: Any = await self._agent.request(b"POST", url.encode("ascii"), given, producer)
        reading = _Reading()
        response.deliverBody(reading)
        return int(response.code), await reading.done

    async def close(self) -> None:
        """Let go of the kept connections."""
        await self._pool.closeCachedConnections()


class _Reading(Protocol):
    """Gathers an answer's body, to its bound."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.done: Deferred[bytes] = Deferred(lambda _: self._stop())

    def dataReceived(self, data: bytes) -> None:
        """The next octets."""
        if self.done.called:
            return
        self._size += len(data)
        if self._size > MAX_ANSWER:
            self._stop()
        else:
            self._parts.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end, or what there will be of it."""
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss) and self._size <= MAX_ANSWER:
            self.done.callback(b"".join(self._parts))
        else:
            self.done.errback(ResponseFailed([reason]))

    def _stop(self) -> None:
        """Read no further. What Twisted gives a body's reader for a transport knows no abortConnection."""
        self._parts.clear()
        transport: Any = self.transport
        if transport is not None:
            transport.loseConnection()


async def within(reactor: Any, waiting: Awaitable[T], seconds: float) -> T:
    """What ``waiting`` gives. Raises TimeoutError (the built-in) after ``seconds``; it is cancelled then."""
    deferred: Deferred[T] = waiting if isinstance(waiting, Deferred) else ensureDeferred(waiting)  # type: ignore[arg-type]
    try:
        return await deferred.addTimeout(seconds, reactor)
    except (DeferredTimeout, ConnectingCancelledError):
        raise TimeoutError(f"no answer within {seconds:g} seconds") from None
