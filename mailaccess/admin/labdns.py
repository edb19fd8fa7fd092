"""An authoritative name server for a few zones, on loopback: for the lab and for tests (``twisted.names``).

It answers by UDP and TCP, refuses what is not in its zones, and can tell of each question it answers.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.names import dns
from twisted.names.authority import FileAuthority
from twisted.names.server import DNSServerFactory

Records = Mapping[str, Sequence[Any]]
"""By name: ``twisted.names.dns`` records."""

FAILURES: Final = {
    dns.EFORMAT: "FORMERR",
    dns.ESERVER: "SERVFAIL",
    dns.ENAME: "NXDOMAIN: there is no such name",
    dns.EREFUSED: "REFUSED",
}

Told = Callable[[str, str, list[str]], None]
"""Is told name, type and answers."""


def soa(zone: str) -> Any:
    """The zone's start of authority."""
    return dns.Record_SOA(
        mname=f"ns.{zone}", rname=f"hostmaster.{zone}", serial=1, refresh=60, retry=60, expire=60, minimum=60
    )


class Zone(FileAuthority):
    """One zone, from memory."""

    def __init__(self, zone: str, records: Records) -> None:
        self._zone = zone
        self._given = records
        super().__init__(None)

    def loadFile(self, filename: Any) -> None:
        """Twisted's name: takes the records."""
        start = soa(self._zone)
        records = {name.lower().encode(): list(found) for name, found in self._given.items()}
        records.setdefault(self._zone.encode(), []).append(start)
        self.records: Any = records
        self.soa: Any = (self._zone.encode(), start)


PORTS_TRIED: Final = 20
"""Ports the system chooses, until one is free for UDP and for TCP."""


class NameServer:
    """zones: by name their records.  told: see ``Told``."""

    def __init__(self, zones: Mapping[str, Records], told: Told = lambda name, kind, answers: None) -> None:
        self._factory = _Factory(told, authorities=[Zone(name, records) for name, records in zones.items()])
        self._ports: list[Any] = []
        self.port = 0

    @property
    def broken(self) -> bool:
        """Whether every question is answered with SERVFAIL."""
        return self._factory.broken

    @broken.setter
    def broken(self, is_broken: bool) -> None:
        self._factory.broken = is_broken

    def listen(self, reactor: Any, interface: str = "127.0.0.1", port: int = 0) -> int:
        """Answer on UDP and TCP; the port."""
        # A port that is free for TCP may be taken for UDP: of chosen ports the first free for both.
        for left in reversed(range(1 if port else PORTS_TRIED)):
            tcp = reactor.listenTCP(port, self._factory, interface=interface)
            self.port = tcp.getHost().port
            try:
                udp = reactor.listenUDP(
                    self.port, dns.DNSDatagramProtocol(self._factory), interface=interface
                )
            except CannotListenError:
                tcp.stopListening()
                if not left:
                    raise
                continue
            self._ports = [udp, tcp]
            break
        return self.port

    async def stop(self) -> None:
        """Answer no more."""
        for port in self._ports:
            await _wait(port.stopListening())


async def _wait(result: Any) -> None:
    if isinstance(result, Deferred):
        await result


class _Factory(DNSServerFactory):
    noisy = False

    def __init__(self, told: Told, **options: Any) -> None:
        super().__init__(**options)
        self._told = told
        self.broken = False

    def sendReply(self, protocol: Any, message: Any, address: Any) -> None:
        """Twisted's name: tells what is answered."""
        if self.broken:
            message.rCode = dns.ESERVER
            message.answers, message.authority, message.additional = [], [], []
        tell(message, self._told)
        super().sendReply(protocol, message, address)


def tell(message: Any, told: Told) -> None:
    """Tell of an answer as it goes out."""
    if not message.queries:
        return
    query = message.queries[0]
    kind = dns.QUERY_TYPES.get(query.type, str(query.type))
    answers = [shown(each) for each in message.answers]
    if message.rCode:
        answers = [FAILURES.get(message.rCode, f"error {message.rCode}")]
    told(query.name.name.decode("ascii", "replace"), kind, answers)


def shown(record: Any) -> str:
    """A record as in a zone file."""
    payload = record.payload
    name = record.name.name.decode("ascii", "replace")
    match record.type:
        case dns.MX:
            return f"{name}. MX {payload.preference} {payload.name.name.decode('ascii', 'replace')}."
        case dns.A:
            return f"{name}. A {payload.dottedQuad()}"
        case dns.CNAME | dns.PTR | dns.NS:
            kind = dns.QUERY_TYPES[record.type]
            return f"{name}. {kind} {payload.name.name.decode('ascii', 'replace')}."
        case dns.TXT:
            return f'{name}. TXT "{b"".join(payload.data).decode("ascii", "replace")}"'
    return f"{name}. {dns.QUERY_TYPES.get(record.type, record.type)} {payload}"
