"""One try: a conversation with one of the destination's hosts, and one verdict for each recipient.

Hosts are tried in order until one takes up the conversation; what it then says of a recipient counts. A server
that breaks off, refuses the connection or asks to come back later leads to another try, never to a bounce.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError
from twisted.internet.ssl import optionsForClientTLS, trustRootFromCertificates
from twisted.python.failure import Failure

from mailaccess.config.sections import Relay
from mailaccess.proto.smtp.address import BadAddress, domain_key
from mailaccess.proto.smtp.address import parse as parse_address
from mailaccess.relay.client import AT_ONCE, Answer, Broken, Connection, Parcel, To, opportunistic
from mailaccess.relay.mx import Exchangers, Host, Unroutable
from mailaccess.relay.routes import OFF, OPPORTUNISTIC, REQUIRED, Route
from mailaccess.spool.envelope import DELIVERED, FAILED, WAITING, Envelope, Recipient

CONNECT_TIMEOUT: Final = 30
"""Seconds until another address is tried."""

MAX_CONNECTS: Final = 12
"""Addresses tried in one attempt: bounds the time that a domain of dead hosts takes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a recipient. state: delivered, waiting (deferred) or failed.  status: RFC 3463.

    host: who said so, "" if nobody did.  dsn: the host will send delivery notices itself.
    """

    state: str
    status: str
    text: str
    host: str = ""
    dsn: bool = False


class Unreachable(Exception):
    """No host took up a conversation; ``verdict`` holds for every recipient. final: there is no way at all."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.text)
        self.verdict = verdict


@dataclass(slots=True, eq=False)
class Open:
    """A conversation that is open. where: host name and address, for people."""

    connection: Connection
    where: str


class Dialer:
    """Opens conversations. hostname: what we call ourselves."""

    def __init__(self, settings: Relay, exchangers: Exchangers, reactor: Any, hostname: str) -> None:
        self._settings = settings
        self._exchangers = exchangers
        self._reactor = reactor
        self._hostname = hostname
        self._any = opportunistic()
        self._trust = None if settings.ca_file is None else trustRootFromCertificates(_certificates(settings))

    async def open(self, route: Route) -> Open:
        """A conversation with one of the route's hosts. Raises Unreachable."""
        try:
            hosts = await self._hosts(route)
        except Unroutable as problem:
            state = FAILED if problem.permanent else WAITING
            raise Unreachable(Verdict(state, problem.status, problem.text)) from None
        last = "There is no address to try"
        where = ""
        tries = 0
        for host in hosts:
            for address in host.addresses:
                if tries >= MAX_CONNECTS:
                    break
                tries += 1
                where = f"{host.name}[{address}]:{host.port}"
                try:
                    return Open(await self._connect(route, host, address), where)
                except Broken as error:
                    last = str(error)
        raise Unreachable(Verdict(WAITING, "4.4.1", last, where))

    async def _hosts(self, route: Route) -> Sequence[Host]:
        if route.host:
            return [await self._exchangers.configured(route.host, route.port)]
        return await self._exchangers.hosts(route.destination)

    async def _connect(self, route: Route, host: Host, address: str) -> Connection:
        """Raises Broken. Where TLS is offered but does not work, and need not, it goes without."""
        connection = await self._dial(route, host, address, route.tls)
        try:
            await connection.open()
        except Broken:
            if not connection.tls_failed or route.tls != OPPORTUNISTIC:
                raise
            connection = await self._dial(route, host, address, OFF)
            await connection.open()
        return connection

    async def _dial(self, route: Route, host: Host, address: str, tls: str) -> Connection:
        context = self._context(host.name) if tls == REQUIRED else self._any
        connection = Connection(
            self._hostname, self._reactor, tls=tls, context=context, user=route.user, password=route.password
        )
        version = ip_address(address.partition("%")[0]).version
        source = next(
            (each for each in self._settings.source_addresses if ip_address(each).version == version), None
        )
        kind: Any = TCP4ClientEndpoint if version == 4 else TCP6ClientEndpoint
        endpoint = kind(
            self._reactor,
            address,
            host.port,
            timeout=CONNECT_TIMEOUT,
            bindAddress=(source, 0) if source else None,
        )
        try:
            await connectProtocol(endpoint, connection)
        except (ConnectError, OSError) as error:
            raise Broken(f"No connection: {_reason(error)}") from None
        return connection

    def _context(self, name: str) -> Any:
        return optionsForClientTLS(name, trustRoot=self._trust)


def _certificates(settings: Relay) -> list[Any]:
    from twisted.internet.ssl import Certificate

    assert settings.ca_file is not None
    marker = "-----END CERTIFICATE-----"
    parts = settings.ca_file.read_text("ascii").split(marker)
    return [Certificate.loadPEM((part + marker).encode("ascii")) for part in parts[:-1]]


def _reason(error: BaseException) -> str:
    return Failure(error).getErrorMessage().rstrip(".")[:200]


async def deliver(
    conversation: Open,
    envelope: Envelope,
    recipients: Sequence[Recipient],
    body: Callable[[], AsyncIterator[bytes]],
) -> list[Verdict]:
    """Send the message to these recipients: a verdict for each, in order."""
    connection, where = conversation.connection, conversation.where
    unfit = _unfit(connection.offered, envelope)
    if unfit is not None:
        return [Verdict(FAILED, unfit[0], unfit[1], where)] * len(recipients)
    parcel = Parcel(
        _wire(envelope.sender),
        envelope.size,
        eight_bit=envelope.eight_bit,
        utf8=envelope.utf8,
        ret=envelope.ret,
        envid=envelope.envid,
    )
    dsn = "DSN" in connection.offered
    verdicts: list[Verdict] = []
    for start in range(0, len(recipients), AT_ONCE):
        batch = recipients[start : start + AT_ONCE]
        if verdicts and not connection.usable:
            verdicts += [Verdict(WAITING, "4.4.2", "The server closed the connection", where)] * len(batch)
            continue
        to = [To(_wire(each.address), each.notify, each.orcpt) for each in batch]
        answers = await connection.send(parcel, to, body())
        verdicts += [_verdict(answer, where, dsn) for answer in answers]
    return verdicts


def _verdict(answer: Answer, where: str, dsn: bool) -> Verdict:
    state = DELIVERED if answer.ok else FAILED if answer.permanent else WAITING
    return Verdict(state, answer.status, str(answer).replace("\n", " "), where, dsn)


def _unfit(offered: dict[str, str], envelope: Envelope) -> tuple[str, str] | None:
    """What the message needs and the other side lacks: status and text."""
    size = offered.get("SIZE", "")
    if size.isascii() and size.isdigit() and 0 < int(size[:20]) < envelope.size:
        text = f"The message has {envelope.size} octets, and the server takes {size} at most"
        return "5.3.4", text
    if envelope.utf8 and "SMTPUTF8" not in offered:
        return (
            "5.6.7",
            "The message has an internationalized address or header, and the server lacks SMTPUTF8",
        )
    if envelope.eight_bit and "8BITMIME" not in offered:
        return "5.6.3", "The message has 8-bit content, and the server lacks 8BITMIME"
    return None


def _wire(address: str) -> str:
    """The address as it is sent: a non-ASCII domain becomes A-labels, which every server understands."""
    if address.isascii():
        return address
    try:
        parsed = parse_address(address)
    except BadAddress:
        return address
    local = address.rpartition("@")[0]
    return f"{local}@{domain_key(parsed.domain)}" if local.isascii() else address
