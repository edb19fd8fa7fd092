"""Where a domain's mail goes (RFC 5321 §5.1): MX hosts by preference, equals in random order, their addresses.

Without an MX the domain itself is the host. A null MX (RFC 7505) takes no mail. A host that is we, and all
that are not preferred to it, are left out, so that mail never comes back to us. What DNS denies (NXDOMAIN, no
records) is final; what it could not tell (SERVFAIL, refused, no answer) is tried again later.
"""

import random
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, TimeoutError
from twisted.names import client, dns
from twisted.names.error import DNSNameError, DomainError
from twisted.python.failure import Failure

from mailaccess.net.lookups import UNANSWERED

MAX_HOSTS: Final = 10
"""MX hosts looked at: real domains have at most that many; a hostile one costs us no more."""

MAX_ADDRESSES: Final = 8
"""Addresses of one host."""

MAX_ALIASES: Final = 5
"""CNAMEs followed behind each other."""

TIMEOUTS: Final = (2, 4, 8)
"""Seconds that each try of a question waits for its answer."""

REMEMBERED: Final = 2000
"""Domains whose answer is kept."""

LONGEST_MEMORY: Final = 300.0
"""Seconds that an answer is kept, however long its TTL is: a changed MX counts soon."""

RESOLV_CONF: Final = Path("/etc/resolv.conf")

HOSTS: Final = Path("/etc/hosts")

MAX_HOSTS_FILE: Final = 2**20
"""Octets read of it: block lists of other names than servers' make some files long."""

SMTP: Final = 25


_NAME: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
"""What DNS can be asked for: labels of at most 63 octets, 253 in all (RFC 1035 §2.3.4)."""


_QUESTIONS: Final = {
    dns.MX: "lookupMailExchange",
    dns.A: "lookupAddress",
    dns.AAAA: "lookupIPV6Address",
    dns.TXT: "lookupText",
}


class Unroutable(Exception):
    """There is no way to the domain. permanent: it makes no sense to try again.  status: RFC 3463."""

    def __init__(self, permanent: bool, status: str, text: str) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class Host:
    """name: for EHLO's log and the certificate.  addresses: textual IP, in the order in which to try them."""

    name: str
    addresses: tuple[str, ...]
    port: int = SMTP


def servers(configured: Sequence[str], resolv_conf: Path = RESOLV_CONF) -> list[tuple[str, int]]:
    """The DNS servers to ask: those configured ("host:port" or "host"), else resolv.conf's, else loopback."""
    if configured:
        return [_server(text) for text in configured]
    found: list[tuple[str, int]] = []
    try:
        lines = resolv_conf.read_text("ascii", "replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            found.append((words[1], dns.PORT))
    return found[:3] or [("127.0.0.1", dns.PORT)]  # resolv.conf(5): at most three count


def _server(text: str) -> tuple[str, int]:
    try:
        return str(ip_address(text.strip("[]"))), dns.PORT
    except ValueError:
        host, _, port = text.rpartition(":")
        return host.strip("[]"), int(port)


def known_hosts(path: Path = HOSTS) -> dict[str, tuple[str, ...]]:
    """What hosts(5) says: addresses by name, lower case. Read when the server starts."""
    found: dict[str, tuple[str, ...]] = {}
    try:
        with path.open("rb") as file:
            lines = file.read(MAX_HOSTS_FILE).decode("utf-8", "replace").splitlines()
    except OSError:
        return found
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        try:
            ip = str(ip_address(address))
        except ValueError:
            continue
        for name in names:
            found[name.lower()] = (*found.get(name.lower(), ()), ip)
    return found


def resolver(reactor: Any, configured: Sequence[str]) -> Any:
    """Twisted's resolver for these servers."""
    return client.Resolver(servers=servers(configured), timeout=TIMEOUTS, reactor=reactor)


class Exchangers:
    """Answers where a domain's mail goes, and remembers it for a while.

    resolver: ``twisted.names`` (IResolver).  is_own: whether a host name, or an address, is this server.
    clock: monotonic seconds.  shuffle: reorders a list.  local: hosts(5), for configured servers only.
    """

    def __init__(
        self,
        resolver: Any,
        *,
        is_own: Callable[[str], bool],
        clock: Callable[[], float],
        port: int = SMTP,
        shuffle: Callable[[list[Any]], None] = random.shuffle,
        local: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self._resolver = resolver
        self._is_own = is_own
        self._clock = clock
        self._port = port
        self._shuffle = shuffle
        self._local = known_hosts() if local is None else local
        self._memory: OrderedDict[str, tuple[float, tuple[tuple[int, str], ...]]] = OrderedDict()

    async def hosts(self, domain: str) -> list[Host]:
        """The hosts to try, in order; one at least. Raises Unroutable.

        domain: lower case, A-labels.
        """
        if not _NAME.fullmatch(domain):
            raise Unroutable(True, "5.1.2", f"{domain} is no domain that has a mail server")
        exchangers = await self._exchangers(domain)
        left = self._without_us(domain, exchangers)
        hosts: list[Host] = []
        denied: list[str] = []
        unknown = ""
        for name in left[:MAX_HOSTS]:
            if not _NAME.fullmatch(name):
                denied.append(name)
                continue
            try:
                addresses = await self.addresses(name)
            except Unroutable as problem:
                if problem.permanent:
                    denied.append(name)
                else:
                    unknown = problem.text
                continue
            if any(self._is_own(address) for address in addresses):
                break  # we are among the exchangers under another name: nothing behind is preferred to us
            hosts.append(Host(name, addresses, self._port))
        if hosts:
            return hosts
        if unknown:
            raise Unroutable(False, "4.4.3", unknown)
        if denied:
            raise Unroutable(True, "5.4.4", f"No mail server of {domain} has an address")
        raise Unroutable(True, "5.4.6", f"The mail for {domain} would come back to this server")

    async def configured(self, name: str, port: int) -> Host:
        """A server that the configuration names: from hosts(5), else from DNS.

        Raises Unroutable, never permanent: a slip of the operator's must not bounce everybody's mail.
        """
        known = self._local.get(name.lower())
        if known:
            return Host(name, known[:MAX_ADDRESSES], port)
        try:
            return Host(name, await self.addresses(name), port)
        except Unroutable as problem:
            raise Unroutable(False, "4.4.4", problem.text) from None

    async def addresses(self, name: str) -> tuple[str, ...]:
        """The IP addresses of a host, IPv6 and IPv4 in turn. Raises Unroutable."""
        try:
            return (str(ip_address(name.strip("[]"))),)
        except ValueError:
            pass
        found: list[list[str]] = []
        problem: Unroutable | None = None
        for kind in (dns.AAAA, dns.A):
            try:
                records = await self._ask(name, kind)
            except Unroutable as error:
                problem = error if problem is None or problem.permanent else problem
                continue
            found.append([_address(record) for record, _ in records])
        mixed: list[str] = []
        for place in range(max(map(len, found), default=0)):
            mixed += [each[place] for each in found if place < len(each)]
        if mixed:
            return tuple(mixed[:MAX_ADDRESSES])
        raise problem or Unroutable(True, "5.4.4", f"{name} has no address")

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each whole; [] for none. Raises Unroutable where DNS cannot tell."""
        try:
            records = await self._ask(name, dns.TXT)
        except Unroutable as problem:
            if problem.permanent:
                return []
            raise
        return [b"".join(record.data).decode("ascii", "replace") for record, _ in records]

    def _without_us(self, domain: str, exchangers: Sequence[tuple[int, str]]) -> list[str]:
        """Names in the order to try. RFC 5321 §5.1: ourselves and whoever is not preferred to us are left out."""
        own = [preference for preference, name in exchangers if self._is_own(name)]
        bound = min(own, default=2**16)
        by_preference: dict[int, list[str]] = {}
        for preference, name in exchangers:
            if preference < bound:
                by_preference.setdefault(preference, []).append(name)
        found: list[str] = []
        for preference in sorted(by_preference):
            equals = by_preference[preference]
            self._shuffle(equals)
            found += equals
        return found

    async def _exchangers(self, domain: str) -> tuple[tuple[int, str], ...]:
        known = self._memory.get(domain)
        if known is not None and self._clock() < known[0]:
            return known[1]
        records = await self._ask(domain, dns.MX)
        found = tuple((int(record.preference), _name(record.name)) for record, _ in records)
        if any(not name for _, name in found):
            if len(found) == 1:
                raise Unroutable(True, "5.1.10", f"{domain} accepts no mail (null MX)")
            found = tuple((preference, name) for preference, name in found if name)  # RFC 7505 §3: a mistake
        if not found:
            found = ((0, domain),)
        ttl = min([LONGEST_MEMORY, *(float(ttl) for _, ttl in records)])
        self._memory[domain] = (self._clock() + ttl, found)
        self._memory.move_to_end(domain)
        while len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)
        return found

    async def _ask(self, name: str, kind: int, depth: int = 0) -> list[tuple[Any, int]]:
        """Records of ``kind`` with their TTL; empty where there are none. Raises Unroutable."""
        asked = _QUESTIONS[kind]
        waiting: Deferred[Any] = getattr(self._resolver, asked)(name.encode("ascii", "replace"))
        try:
            answers, _, _ = await waiting
        except DNSNameError:
            raise Unroutable(True, "5.1.2", f"The domain {name} does not exist") from None
        except UNANSWERED as error:
            raise Unroutable(False, "4.4.3", f"DNS did not answer for {name}: {_reason(error)}") from None
        found = [(each.payload, int(each.ttl or 0)) for each in answers if each.type == kind]
        alias = next((each.payload for each in answers if each.type == dns.CNAME), None)
        if not found and alias is not None:
            if depth >= MAX_ALIASES:
                raise Unroutable(True, "5.4.4", f"{name} is an alias of an alias, too often")
            return await self._ask(_name(alias.name), kind, depth + 1)
        return found


def _name(name: Any) -> str:
    return bytes(name.name).decode("ascii", "replace").lower().rstrip(".")


def _address(record: Any) -> str:
    return str(record.dottedQuad()) if record.TYPE == dns.A else str(ip_address(record.address))


def _reason(error: BaseException) -> str:
    match error:
        case DomainError():
            return type(error).__name__.removeprefix("DNS").removesuffix("Error").lower() + " error"
        case TimeoutError() | dns.DNSQueryTimeoutError():
            return "timeout"
    return Failure(error).getErrorMessage()[:200]
