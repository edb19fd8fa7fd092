"""Fetches an MTA-STS policy by HTTPS (RFC 8461 §3.3), on Twisted's Agent.

The certificate must be right for the policy host; only 200 counts, redirects are not followed; the time and the size
are bounded, and the connection is cut when it has said enough: a policy host is anybody's. Addresses come from the
relay's own DNS, not from the machine's.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure
from twisted.web.client import Agent, ResponseDone
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from mailaccess.relay.mtasts import MAX_POLICY, BadPolicy
from mailaccess.relay.mx import Unroutable

PATIENCE: Final = 30.0
"""Seconds for one address to answer: the mail waits meanwhile."""

PAGE_PATIENCE: Final = 30.0
"""Seconds for the page behind the answer."""

MAX_ADDRESSES: Final = 2
"""Addresses tried."""

HTTPS: Final = 443


@implementer(IStreamClientEndpoint)
class _Kept:
    """An endpoint that keeps hold of its connection: Twisted's client closes none whose answer nobody reads."""

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint
        self._protocol: Any = None

    def connect(self, protocolFactory: Any) -> Any:
        """Twisted's name."""
        return self._endpoint.connect(protocolFactory).addCallback(self._connected)

    def _connected(self, protocol: Any) -> Any:
        self._protocol = protocol
        return protocol

    def cut(self) -> None:
        """Close at once, if it is open."""
        if self._protocol is not None and self._protocol.transport is not None:
            self._protocol.transport.abortConnection()


@implementer(IAgentEndpointFactory)
class _OneAddress:
    """Whatever the URL, this address; TLS for the URL's host."""

    def __init__(self, reactor: Any, address: str, port: int, trust: Any) -> None:
        self._reactor, self._address, self._port, self._trust = reactor, address, port, trust
        self._made: list[_Kept] = []

    def cut(self) -> None:
        """End what was begun."""
        for each in self._made:
            each.cut()

    def endpointForURI(self, uri: Any) -> Any:
        """Twisted's name."""
        options = optionsForClientTLS(uri.host.decode("ascii"), trustRoot=self._trust)
        plain: Any = HostnameEndpoint(self._reactor, self._address, self._port, timeout=PATIENCE)
        kept = _Kept(wrapClientTLS(options, plain))
        self._made.append(kept)
        return kept


class _Body(Protocol):
    """Collects a body up to the bound."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] = Deferred()
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        """Keep it, while somebody waits for it."""
        if self.done.called:
            return
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_POLICY:
            self._parts.clear()
            self.done.errback(BadPolicy("the page is too large"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The end, or too early."""
        if self.done.called:
            return
        if reason.check(ResponseDone):
            self.done.callback(b"".join(self._parts))
        else:
            self.done.errback(BadPolicy("the connection broke off"))


class Fetcher:
    """addresses: of a host, raises Unroutable.  trust: whose certificates are right; None: the machine's."""

    def __init__(
        self,
        reactor: Any,
        addresses: Callable[[str], Awaitable[tuple[str, ...]]],
        trust: Any = None,
        port: int = HTTPS,
    ) -> None:
        self._reactor = reactor
        self._addresses = addresses
        self._trust = trust
        self._port = port

    async def fetch(self, host: str) -> bytes:
        """The policy of ``host`` (``mta-sts.DOMAIN``). Raises BadPolicy for whatever goes wrong."""
        try:
            addresses = await self._addresses(host)
        except Unroutable as problem:
            raise BadPolicy(problem.text) from None
        last = BadPolicy(f"{host} has no address")
        for address in addresses[:MAX_ADDRESSES]:
            try:
                return await self._from(host, address)
            except BadPolicy as error:
                last = error
        raise last

    async def _from(self, host: str, address: str) -> bytes:
        factory = _OneAddress(self._reactor, address, self._port, self._trust)
        agent = Agent.usingEndpointFactory(self._reactor, factory)
        try:
            asked: Deferred[Any] = agent.request(  # raises at once where the host can have no certificate
                b"GET",
                b"https://" + host.encode("ascii") + b"/.well-known/mta-sts.txt",
                Headers({b"User-Agent": [b"mailaccess"], b"Accept": [b"text/plain"]}),
            )
            asked.addTimeout(PATIENCE, self._reactor)
            response = await asked
            kind = (response.headers.getRawHeaders(b"content-type") or [b""])[0]
            if response.code != 200:
                raise BadPolicy(f"the server answered {response.code}")
            if kind.partition(b";")[0].strip().lower() != b"text/plain":
                raise BadPolicy("the page is not text/plain")
            body = _Body()
            response.deliverBody(body)
            body.done.addTimeout(PAGE_PATIENCE, self._reactor)
            return await body.done
        except BadPolicy:
            raise
        except (TimeoutError, CancelledError):
            raise BadPolicy(f"{address} did not answer in time") from None
        except Exception as error:
            raise BadPolicy(_reason(error)) from None
        finally:
            factory.cut()


def _reason(error: Exception) -> str:
    inner: list[Any] = list(getattr(error, "reasons", []))
    return str((inner[0].value if inner else error) or type(error).__name__)[:200]
