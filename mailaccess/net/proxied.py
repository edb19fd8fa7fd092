"""Listeners behind a proxy: the PROXY header is read first, then the connection is the client's.

A ``Proxied`` factory stands before a Door (and before TLS, as the header comes in the clear). From a trusted
network a header is demanded; a connection from elsewhere is served as it is, and a header it may send is what
its protocol makes of it: an error. After the header this object is out of the way, no octet passes it.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from mailaccess.net.endpoints import textual
from mailaccess.observe.events import EventLog, Level
from mailaccess.proto.proxyline import BadHeader, read

PATIENCE: Final = 10.0
"""Seconds for the header: proxies send it at once."""

MAX_WAITING: Final = 1000
"""Connections whose header has not come; they have not passed the Door and its limits yet."""

Networks = Sequence[IPv4Network | IPv6Network]


class Proxied(Factory):
    """factory: what serves the clients.  trusted: whose headers are believed.  service: for the log."""

    noisy = False

    def __init__(self, factory: Any, trusted: Networks, service: str, log: EventLog, reactor: Any) -> None:
        self.factory = factory
        self.trusted = tuple(trusted)
        self.service = service
        self.log = log
        self.reactor = reactor
        self.waiting = 0

    def buildProtocol(self, addr: Any) -> Any:
        """Twisted's question for a new connection; None closes it."""
        if not self._believes(textual(getattr(addr, "host", ""))):
            return self.factory.buildProtocol(addr)
        if self.waiting >= MAX_WAITING:
            return None
        return _Header(self, addr)

    def _believes(self, address: str) -> bool:
        if not address:  # a UNIX socket: whoever may enter its folder is trusted
            return True
        peer = ip_address(address.partition("%")[0])
        return any(peer in network for network in self.trusted)

    def doStart(self) -> None:
        """Twisted's name."""
        super().doStart()
        self.factory.doStart()

    def doStop(self) -> None:
        """Twisted's name."""
        self.factory.doStop()
        super().doStop()


class _Header(Protocol):
    """Reads the header, then gives the transport to the client's protocol."""

    def __init__(self, house: Proxied, addr: Any) -> None:
        self._house = house
        self._addr = addr
        self._octets = b""
        self._timer: Any = None

    def connectionMade(self) -> None:
        """Wait for the header."""
        self._house.waiting += 1
        self._timer = self._house.reactor.callLater(PATIENCE, self._refuse, "no PROXY header came")

    def dataReceived(self, data: bytes) -> None:
        """A piece of the header, with or without what follows it."""
        self._octets += data
        try:
            header = read(self._octets)
        except BadHeader as error:
            self._refuse(str(error))
            return
        if header is None:
            return
        addr = self._addr
        if header.address:
            kind = IPv6Address if ":" in header.address else IPv4Address
            addr = kind("TCP", header.address, header.port)
        self._end()
        self._hand_over(addr, self._octets[header.size :])

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Gone before the header was there."""
        self._end()

    def _hand_over(self, addr: Any, rest: bytes) -> None:
        transport: Any = self.transport
        inner = self._house.factory.buildProtocol(addr)
        if inner is None:
            transport.loseConnection()
            return
        transport.protocol = inner
        inner.makeConnection(transport)
        if rest:
            inner.dataReceived(rest)

    def _refuse(self, why: str) -> None:
        self._end()
        self._house.log.log(
            "proxy-refused",
            Level.WARNING,
            service=self._house.service,
            rip=textual(getattr(self._addr, "host", "")) or None,
            error=why,
        )
        transport: Any = self.transport
        transport.abortConnection()

    def _end(self) -> None:
        timer: Any
        timer, self._timer = self._timer, None
        if timer is None:
            return
        self._house.waiting -= 1
        if timer.active():
            timer.cancel()
