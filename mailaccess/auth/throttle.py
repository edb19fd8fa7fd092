"""Slows repeated failure from one address: 2, 4, 8, then 15 seconds (``auth.failure_delay``, ``_max``).

An address remembers its last failures for some minutes. The next login from there waits for the time they
have earned before its password is looked at, and a failed one is answered only when its own time is over
too; a right password loses nothing but the wait that others at its address have caused.

A phone that keeps sending the same old password is one failure, not many: failures are told apart by a keyed
digest of name and password. A success forgives the failures of that name. Loopback and trusted networks (a
webmail server is one address for everybody) wait ``failure_delay`` after a failure and never longer.

While a network waits, only so many of its logins may wait at once: who opens a thousand connections gets no
more guesses than who opens ten.

IPv6 addresses count by their /64, which is one customer's network, and by a quarter for their /48.
"""

import hashlib
import ipaddress
import os
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from mailaccess.auth.accounts import Network, within

REMEMBERED: Final = 16
"""Failures kept of one network: four steps reach the longest wait, a /48 counts a quarter."""

FORGET: Final = 300.0
"""Seconds after which a failure no longer counts."""

MAX_NETWORKS: Final = 20_000
"""Networks remembered, the longest quiet forgotten first: some 10 MB when an attack comes from everywhere."""

MAX_WAITING: Final = 10
"""Logins of one network that wait at once for what it has earned; Thunderbird opens five connections."""

WIDE_SHARE: Final = 4
"""How many failures of an IPv6 /48 weigh as much as one of a /64."""

_LOOPBACK: Final[tuple[Network, ...]] = (
    ipaddress.IPv4Network("127.0.0.0/8"),
    ipaddress.IPv6Network("::1/128"),
)


class TooManyWaiting(Exception):
    """MAX_WAITING logins of the network are waiting already."""


@dataclass(frozen=True, slots=True)
class _Failure:
    name: bytes
    attempt: bytes
    time: float


@dataclass(frozen=True, slots=True)
class Waited:
    """What ``admit`` found: hand it to ``failed`` or ``succeeded``."""

    networks: tuple[tuple[str, int], ...]  # network, and how many of its failures weigh as one
    waited: float


class Throttle:
    """clock: seconds, monotonic.  sleep: an awaitable that lasts so many seconds.  Used on one thread.

    Several processes that serve use the same ``key``, and tell each other (``shared``) of failures and successes.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        *,
        delay: float = 2.0,
        longest: float = 15.0,
        trusted: tuple[Network, ...] = (),
        key: bytes = b"",
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._delay = delay
        self._longest = longest
        self._trusted = (*_LOOPBACK, *trusted)
        self._key = key or os.urandom(32)
        self.shared: Callable[[Sequence[str], bytes, bytes], None] | None = None
        """Told what another process is to hear (``heard``)."""
        self._failures: OrderedDict[str, list[_Failure]] = OrderedDict()
        self._waiting: Counter[str] = Counter()

    async def admit(self, address: str) -> Waited:
        """Wait for what earlier failures from ``address`` have earned. Raises TooManyWaiting."""
        networks = self._networks(address)
        wait = self._wait(networks)
        if wait:
            nearest = networks[0][0]
            if self._waiting[nearest] >= MAX_WAITING:
                raise TooManyWaiting
            self._waiting[nearest] += 1
            try:
                await self._sleep(wait)
            finally:
                self._waiting[nearest] -= 1
                if not self._waiting[nearest]:
                    del self._waiting[nearest]
        return Waited(networks, wait)

    async def failed(self, admitted: Waited, name: str, password: bytes) -> None:
        """Count a failure and wait until it may be answered."""
        named = self._digest(b"n", name.encode("utf-8", "replace"))
        networks = tuple(network for network, _ in admitted.networks)
        self._happened(networks, named, self._digest(b"a", named + password))
        total = self._wait(admitted.networks) if admitted.networks else self._delay
        rest = total - admitted.waited
        if rest > 0:
            await self._sleep(rest)

    def succeeded(self, admitted: Waited, name: str) -> None:
        """Forgive the failures of ``name``."""
        networks = tuple(network for network, _ in admitted.networks if network in self._failures)
        if networks:
            self._happened(networks, self._digest(b"n", name.encode("utf-8", "replace")), b"")

    def _happened(self, networks: Sequence[str], name: bytes, attempt: bytes) -> None:
        self.heard(networks, name, attempt)
        if self.shared is not None and networks:
            self.shared(networks, name, attempt)

    def heard(self, networks: Sequence[str], name: bytes, attempt: bytes) -> None:
        """A login from these networks has failed, here or in another process, or succeeded (no ``attempt``).

        name, attempt: their digests.
        """
        for network in networks:
            kept = self._fresh(network)
            if not attempt:
                kept = [failure for failure in kept if failure.name != name]
            elif not any(other.attempt == attempt for other in kept):
                kept.append(_Failure(name, attempt, self._clock()))
            if kept:
                self._failures[network] = kept[-REMEMBERED:]
                self._failures.move_to_end(network)
            else:
                self._failures.pop(network, None)
        while len(self._failures) > MAX_NETWORKS:
            self._failures.popitem(last=False)

    def _networks(self, address: str) -> tuple[tuple[str, int], ...]:
        """What counts for ``address``; nothing for those who never wait longer."""
        if not address or within(address, self._trusted):
            return ()
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return ((address[:64], 1),)
        if isinstance(ip, ipaddress.IPv6Address):
            if ip.ipv4_mapped is not None:
                return ((str(ip.ipv4_mapped), 1),)
            bits = int(ip)
            return ((f"{bits >> 64:x}/64", 1), (f"{bits >> 80:x}/48", WIDE_SHARE))
        return ((str(ip), 1),)

    def _wait(self, networks: tuple[tuple[str, int], ...]) -> float:
        count = max((len(self._fresh(network)) // share for network, share in networks), default=0)
        return min(self._delay * 2 ** (count - 1), self._longest) if count else 0.0

    def _fresh(self, network: str) -> list[_Failure]:
        horizon = self._clock() - FORGET
        return [failure for failure in self._failures.get(network, ()) if failure.time > horizon]

    def _digest(self, kind: bytes, data: bytes) -> bytes:
        return hashlib.blake2b(data, digest_size=8, key=self._key, person=kind).digest()
