"""Opens conversations: hosts in order, each of their addresses, as safely as the route or the domain wants it.

Where the domain publishes an MTA-STS policy (RFC 8461) and the operator has not said otherwise for it, only hosts
that the policy names are spoken to, and only by TLS with a right certificate (enforce); in testing mode what would
have failed is logged, and the mail goes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from twisted.internet.endpoints import (
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
    connectProtocol,
    wrapClientTLS,
)
from twisted.internet.error import ConnectError
from twisted.internet.ssl import optionsForClientTLS
from twisted.python.failure import Failure

from mailaccess.config.sections import Relay as Settings
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level
from mailaccess.relay.client import Broken, Connection
from mailaccess.relay.mtasts import ENFORCE, NONE, Policies, Policy, PolicyFiles
from mailaccess.relay.mx import Exchangers, Host, Unroutable, resolver
from mailaccess.relay.policyfetch import HTTPS, Fetcher
from mailaccess.relay.routes import OFF, OPPORTUNISTIC, REQUIRED, Route
from mailaccess.relay.trust import opportunistic
from mailaccess.relay.verdict import Unreachable, Verdict
from mailaccess.spool.envelope import FAILED, WAITING

CONNECT_TIMEOUT: Final = 30
"""Seconds until another address is tried."""

MAX_CONNECTS: Final = 12
"""Addresses tried in one attempt: bounds the time that a domain of dead hosts takes."""


@dataclass(slots=True, eq=False)
class Open:
    """A conversation that is open. where: host name and address, for people."""

    connection: Connection
    where: str


@dataclass(frozen=True, slots=True)
class _Way:
    """One address to try. tls: how.  testing: only to see whether it would work."""

    host: Host
    address: str
    tls: str
    testing: bool = False


def make_dialer(
    settings: Settings,
    threads: ThreadRunner,
    log: EventLog,
    reactor: Any,
    *,
    hostname: str,
    is_own: Callable[[str], bool],
    now: Callable[[], float],
    trust: Any = None,
    policies: PolicyFiles | None = None,
    https_port: int = HTTPS,
    name_server: Any = None,
) -> "Dialer":
    """A dialer with all it asks: DNS, and what domains publish.

    is_own: whether a host name or address is this server.  now: seconds since the epoch.
    policies: where those of MTA-STS are kept, None for not asking.
    name_server: ``twisted.names`` resolver; None makes one from the settings.
    """
    exchangers = Exchangers(
        name_server or resolver(reactor, settings.dns),
        is_own=is_own,
        clock=reactor.seconds,
        port=settings.port,
    )
    published = None
    if policies is not None:
        fetch = Fetcher(reactor, exchangers.addresses, trust, https_port).fetch
        published = Policies(policies, threads, log, texts=exchangers.texts, fetch=fetch, now=now)
    return Dialer(exchangers, log, reactor, hostname, trust=trust, policies=published)


class Dialer:
    """hostname: what we call ourselves.  trust: whose certificates are right; None: the machine's.

    policies: what domains publish; None: nobody looks.
    """

    def __init__(
        self,
        exchangers: Exchangers,
        log: EventLog,
        reactor: Any,
        hostname: str,
        *,
        trust: Any = None,
        policies: Policies | None = None,
    ) -> None:
        self._exchangers = exchangers
        self._log = log
        self._reactor = reactor
        self._hostname = hostname
        self._any = opportunistic()
        self._trust = trust
        self._policies = policies

    def approach(self, route: Route) -> "Approach":
        """A way to all of the route's hosts, one after the other."""
        return Approach(self, route)

    async def ways(self, route: Route) -> list[_Way]:
        """The addresses to try, in order. Raises Unreachable."""
        if route.path:
            return [_Way(Host(route.host, (route.path,)), route.path, route.tls)]
        try:
            if route.host:
                hosts = [await self._exchangers.configured(route.host, route.port)]
            else:
                hosts = await self._exchangers.hosts(route.domain)
        except Unroutable as problem:
            state = FAILED if problem.permanent else WAITING
            raise Unreachable(Verdict(state, problem.status, problem.text)) from None
        tls, testing = route.tls, False
        policy = await self._policy(route)
        if policy is not None:
            allowed = [host for host in hosts if policy.allows(host.name)]
            if policy.mode == ENFORCE:
                if not allowed:
                    text = f"The MTA-STS policy of {route.domain} names none of its mail servers"
                    raise Unreachable(Verdict(WAITING, "4.7.5", text))
                hosts, tls = allowed, REQUIRED
            else:
                testing = True
                for host in hosts:
                    if host not in allowed:
                        self._tell(route.domain, host.name, "the MTA-STS policy does not name it")
        ways = [_Way(host, address, tls, testing) for host in hosts for address in host.addresses]
        return ways[:MAX_CONNECTS]

    async def _policy(self, route: Route) -> Policy | None:
        if self._policies is None or not route.domain or route.by_domain or route.tls == OFF:
            return None
        policy = await self._policies.of(route.domain)
        return policy if policy is not None and policy.mode != NONE else None

    def _tell(self, domain: str, host: str, error: str) -> None:
        self._log.log("mta-sts-failed", Level.WARNING, domain=domain, host=host, mode="testing", error=error)

    async def connect(self, route: Route, way: _Way) -> Connection:
        """Raises Broken. Where TLS is offered but does not work, and need not, it goes without."""
        if way.testing and way.tls == OPPORTUNISTIC:
            try:
                return await self._opened(route, way, REQUIRED)
            except Broken as error:
                self._tell(route.domain, way.host.name, str(error))
        connection = await self._dial(route, way, way.tls)
        try:
            await connection.open()
        except Broken:
            if not connection.tls_failed or way.tls != OPPORTUNISTIC or route.tls_first:
                raise
            return await self._opened(route, way, OFF)
        return connection

    async def _opened(self, route: Route, way: _Way, tls: str) -> Connection:
        connection = await self._dial(route, way, tls)
        await connection.open()
        return connection

    async def _dial(self, route: Route, way: _Way, tls: str) -> Connection:
        context = self._any
        if tls == REQUIRED:
            try:
                context = optionsForClientTLS(way.host.name, trustRoot=self._trust)
            except ValueError:  # no host name by RFC 5891, such as one with an underscore
                raise Broken(f"No certificate can be right for the name {way.host.name}", "4.7.5") from None
        connection = Connection(
            self._hostname, self._reactor, tls=tls, context=context, login=route.login, lmtp=route.lmtp
        )
        endpoint = self._endpoint(route, way)
        if route.tls_first:
            endpoint = wrapClientTLS(context, endpoint)
        try:
            await connectProtocol(endpoint, connection)
        except (ConnectError, OSError) as error:
            raise Broken(f"No connection: {_reason(error)}") from None
        return connection

    def _endpoint(self, route: Route, way: _Way) -> Any:
        if route.path:
            return UNIXClientEndpoint(self._reactor, route.path, timeout=CONNECT_TIMEOUT)
        version = ip_address(way.address.partition("%")[0]).version
        source = next((each for each in route.sources if ip_address(each).version == version), None)
        kind: Any = TCP4ClientEndpoint if version == 4 else TCP6ClientEndpoint
        return kind(
            self._reactor,
            way.address,
            way.host.port,
            timeout=CONNECT_TIMEOUT,
            bindAddress=(source, 0) if source else None,
        )


class Approach:
    """``next`` as often as one conversation led to nothing: each address is tried once."""

    def __init__(self, dialer: Dialer, route: Route) -> None:
        self._dialer = dialer
        self._route = route
        self._ways: Iterator[_Way] | None = None

    async def next(self) -> Open:
        """A conversation with the next host that takes one up. Raises Unreachable."""
        if self._ways is None:
            self._ways = iter(await self._dialer.ways(self._route))
        last = Verdict(WAITING, "4.4.1", "There is no other address to try")
        for way in self._ways:
            where = way.address
            if not self._route.path:
                where = f"{way.host.name}[{way.address}]:{way.host.port}"
            try:
                return Open(await self._dialer.connect(self._route, way), where)
            except Broken as error:
                last = Verdict(WAITING, error.status, str(error), where)
        raise Unreachable(last)


def _reason(error: BaseException) -> str:
    return Failure(error).getErrorMessage().rstrip(".")[:200]
