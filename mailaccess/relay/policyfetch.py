"""Fetches an MTA-STS policy by HTTPS (RFC 8461 §3.3), on Twisted's Agent.

The certificate must be right for the policy host; only 200 counts, redirects are not followed; the time and the size
are bounded. Addresses come from the relay's own DNS, not from the machine's.
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
"""Seconds for one address: the mail waits meanwhile."""

MAX_ADDRESSES: Final = 2
"""Addresses tried."""

HTTPS: Final = 443


@implementer(IAgentEndpointFactory)
class _OneAddress:
    """Whatever the URL, this address; TLS for the URL's host."""

    def __init__(self, reactor: Any, address: str, port: int, trust: Any) -> None:
        self._reactor, self._address, self._port, self._trust = reactor, address, port, trust

    def endpointForURI(self, uri: Any) -> IStreamClientEndpoint:
        """Twisted's name."""
        options = optionsForClientTLS(uri.host.decode("ascii"), trustRoot=self._trust)
        plain: Any = HostnameEndpoint(self._reactor, self._address, self._port, timeout=PATIENCE)
        return wrapClientTLS(options, plain)


class _Body(Protocol):
    """Collects a body up to the bound."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] = Deferred()
        self._parts: list[bytes] = []
        self._size = 0

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_POLICY and not self.done.called:
            self.done.errback(BadPolicy("the page is too large"))
            transport: Any = self.transport
            transport.abortConnection()

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
        asked: Deferred[Any] = agent.request(
            b"GET",
            b"https://" + host.encode("ascii") + b"/.well-known/mta-sts.txt",
            Headers({b"User-Agent": [b"mailaccess"], b"Accept": [b"text/plain"]}),
        )
        asked.addTimeout(PATIENCE, self._reactor)
        try:
            response = await asked
            kind = (response.headers.getRawHeaders(b"content-type") or [b""])[0]
            if response.code != 200:
                raise BadPolicy(f"the server answered {response.code}")
            if kind.partition(b";")[0].strip().lower() != b"text/plain":
                raise BadPolicy("the page is not text/plain")
            body = _Body()
            response.deliverBody(body)
            body.done.addTimeout(PATIENCE, self._reactor)
            return await body.done
        except BadPolicy:
            raise
        except (TimeoutError, CancelledError):
            raise BadPolicy(f"{address} did not answer in time") from None
        except Exception as error:
            raise BadPolicy(_reason(error)) from None


def _reason(error: Exception) -> str:
    inner: list[Any] = list(getattr(error, "reasons", []))
    return str((inner[0].value if inner else error) or type(error).__name__)[:200]
