"""Questions to DNS, answered as plain values and remembered for a while.

On a resolver of ``twisted.names`` that is handed in, so that the configured servers are asked and never the
machine's own resolver. What DNS denies (no such name, no such records) is an empty answer; what it could not tell
(SERVFAIL, no answer in time) raises LookupFailed: who asks decides whether that matters.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any, Final

from twisted.internet.defer import Deferred, TimeoutError
from twisted.names import dns
from twisted.names.error import DNSNameError, DomainError, ResolverError

REMEMBERED: Final = 5000
"""Answers kept."""

LARGEST_KEPT: Final = 8192
"""Octets of an answer that is kept: one that is larger, which hardly any is, is asked for anew."""

LONGEST_MEMORY: Final = 300.0
"""Seconds that an answer is kept, however long its TTL is."""

DENIED_MEMORY: Final = 60.0
"""Seconds that "there is none" is kept."""

MAX_RECORDS: Final = 100
"""Records of one answer: no name has more on purpose."""

MAX_TEXT: Final = 4096
"""Octets of a TXT record; longer ones count as absent. SPF's are below 512, a DKIM key of 4096 bits has 800."""

MAX_ALIASES: Final = 8
"""CNAMEs followed behind each other."""

TIMEOUTS: Final = (1, 3)
"""Seconds that each try of a question waits: whoever asks here has a client waiting."""

_NAME: Final = re.compile(r"(?=.{1,253}\Z)[!-\-/-~]{1,63}(?:\.[!-\-/-~]{1,63})*")
_KINDS: Final = {
    "TXT": (dns.TXT, "lookupText"),
    "A": (dns.A, "lookupAddress"),
    "AAAA": (dns.AAAA, "lookupIPV6Address"),
    "MX": (dns.MX, "lookupMailExchange"),
    "PTR": (dns.PTR, "lookupPointer"),
}

Record = str | bytes | tuple[int, str]
"""TXT: octets, its strings joined.  A, AAAA: textual address.  MX: preference and name.  PTR: name."""


UNANSWERED: Final = (
    DomainError,
    ResolverError,
    TimeoutError,
    dns.DNSQueryTimeoutError,
    OSError,
    ValueError,
)
"""What a resolver raises where DNS did not say; ``DNSNameError``, which it did say, is to be caught before them."""


class LookupFailed(Exception):
    """DNS did not answer; the text says why."""


class Lookups:
    """resolver: ``twisted.names`` (IResolver).  clock: monotonic seconds."""

    def __init__(self, resolver: Any, clock: Callable[[], float]) -> None:
        self._resolver = resolver
        self._clock = clock
        self._memory: OrderedDict[tuple[str, str], tuple[float, tuple[Record, ...]]] = OrderedDict()

    async def look_up(self, name: str, kind: str) -> tuple[Record, ...]:
        """The records of ``kind`` (TXT, A, AAAA, MX, PTR) that ``name`` has. Raises LookupFailed."""
        name = name.lower().removesuffix(".")
        if not _NAME.fullmatch(name):
            return ()
        key = (name, kind)
        known = self._memory.get(key)
        if known is not None and self._clock() < known[0]:
            return known[1]
        found, ttl = await self._ask(name, kind, 0)
        if sum(_octets(record) for record in found) > LARGEST_KEPT:
            return found
        self._memory[key] = (self._clock() + ttl, found)
        self._memory.move_to_end(key)
        while len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)
        return found

    async def _ask(self, name: str, kind: str, depth: int) -> tuple[tuple[Record, ...], float]:
        number, method = _KINDS[kind]
        waiting: Deferred[Any] = getattr(self._resolver, method)(name.encode("ascii"), TIMEOUTS)
        try:
            answers, _, _ = await waiting
        except DNSNameError:
            return (), DENIED_MEMORY
        except UNANSWERED as error:
            reason = str(error) if isinstance(error, OSError) else type(error).__name__
            raise LookupFailed(f"{kind} of {name}: {reason[:200]}") from None
        matching = [each for each in answers if each.type == number][:MAX_RECORDS]
        alias = next((each for each in answers if each.type == dns.CNAME), None)
        if not matching and alias is not None:
            if depth >= MAX_ALIASES:
                return (), DENIED_MEMORY
            return await self._ask(_text(alias.payload.name), kind, depth + 1)
        found = tuple(record for each in matching if (record := _record(each.payload, kind)) is not None)
        ttl = min((float(each.ttl or 0) for each in matching), default=DENIED_MEMORY)
        return found, min(ttl, LONGEST_MEMORY)


def _record(payload: Any, kind: str) -> Record | None:
    match kind:
        case "TXT":
            octets = b"".join(payload.data)
            return octets if len(octets) <= MAX_TEXT else None
        case "A":
            return str(payload.dottedQuad())
        case "AAAA":
            return str(ip_address(payload.address))
        case "MX":
            return int(payload.preference), _text(payload.name)
    return _text(payload.name)


def _octets(record: Record) -> int:
    return len(record[1] if isinstance(record, tuple) else record)


def _text(name: Any) -> str:
    return bytes(name.name).decode("ascii", "replace").lower().rstrip(".")
