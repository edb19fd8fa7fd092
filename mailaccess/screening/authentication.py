"""Who sent it: SPF, DKIM and DMARC of what comes in on port 25, into one Authentication-Results field.

What cannot be found out in time is a temperror, and a temperror never refuses a message. With ``enforce`` the
author's domain is obeyed: what fails its ``p=reject`` is refused, what fails ``p=quarantine`` goes into Junk.
"""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

from mailaccess.model.work import ThreadRunner
from mailaccess.net.lookups import LookupFailed, Record
from mailaccess.observe.events import EventLog
from mailaccess.screening import dkim, dmarc, spf
from mailaccess.screening.api import PASS, Action, Arrived, Verdict
from mailaccess.screening.results import render, without_ours


def prepare() -> None:
    """Load what the checks need, before anybody waits for it."""
    for each in (spf, dkim, dmarc):
        each.prepare()


MAX_LINES: Final = 20_000
"""Lines of a header that is looked at, in some 20 ms; real ones have a few hundred."""

AT_ONCE: Final = 32 * 1024
"""Octets of a header in which our fields are looked for on the spot; a longer one, made for that, can take a second."""

FIELD: Final = "Authentication-Results"


class Bounded:
    """DNS for one message: after ``seconds`` every question fails at once. A question itself takes 4 s at most."""

    def __init__(self, names: spf.Names, clock: Callable[[], float], seconds: float) -> None:
        self._names = names
        self._clock = clock
        self._end = clock() + seconds

    async def look_up(self, name: str, kind: str) -> tuple[Record, ...]:
        """Raises LookupFailed."""
        if self._clock() >= self._end:
            raise LookupFailed("the time for this message is used up")
        return await self._names.look_up(name, kind)


class Authentication:
    """A screen. enforce: obey DMARC.  exempt: networks whose mail is not checked.  seconds: for DNS, a message.

    clock: monotonic seconds.  chance: in [0, 1).
    """

    name = "authentication"
    largest = 2**62

    def __init__(
        self,
        names: spf.Names,
        threads: ThreadRunner,
        log: EventLog,
        *,
        hostname: str,
        enforce: bool,
        seconds: float,
        exempt: tuple[IPv4Network | IPv6Network, ...],
        clock: Callable[[], float],
        chance: Callable[[], float],
    ) -> None:
        self._names = names
        self._threads = threads
        self._log = log
        self._hostname = hostname
        self._enforce = enforce
        self._seconds = seconds
        self._exempt = exempt
        self._clock = clock
        self._chance = chance

    async def look(self, message: Arrived) -> Verdict:
        """The field, and what DMARC asks for. Raises what reading the body raises."""
        if message.header.count(b"\n") > MAX_LINES:
            return await self._endless(message)
        changed = await self._changed(message.header)
        if not message.address or any(
            ip_address(message.address.partition("%")[0]) in each for each in self._exempt
        ):
            return PASS if changed is None else Verdict(header=changed)
        names = Bounded(self._names, self._clock, self._seconds)
        sender = await spf.check(
            names,
            self._threads,
            address=message.address,
            sender=message.sender,
            helo=message.helo,
            hostname=self._hostname,
        )
        signatures = await dkim.check(names, self._threads, message.header, message.body)
        author = await dmarc.check(names, message.header, sender, signatures, self._chance)
        self._log.log(
            "authenticated",
            message=message.id,
            rip=message.address,
            sender=message.sender,
            spf=sender.result,
            dkim=",".join(f"{each.result}:{each.domain}" for each in signatures) or "none",
            dmarc=author.result,
            author=author.domain or None,
            policy=author.policy or None,
        )
        return self._verdict(render(sender, signatures, author, self._hostname), changed, author)

    async def _changed(self, header: bytes) -> bytes | None:
        """The header without fields of ours; None where it has none."""
        if len(header) <= AT_ONCE:
            kept = without_ours(header, self._hostname)
        else:
            kept = await self._threads.run(without_ours, header, self._hostname)
        return None if kept is header else kept

    async def _endless(self, message: Arrived) -> Verdict:
        """A header that is not looked at would be a way around the check."""
        self._log.log("authenticated", message=message.id, rip=message.address, dmarc="permerror")
        if self._enforce:
            return Verdict(Action.REFUSE, "The header has too many lines", "5.6.0")
        author = dmarc.Dmarc("permerror", reason="the header has too many lines")
        results = render(None, (), author, self._hostname)
        return Verdict(add=((FIELD, results),), header=await self._changed(message.header))

    def _verdict(self, results: str, header: bytes | None, author: dmarc.Dmarc) -> Verdict:
        add = ((FIELD, results),)
        if not self._enforce or author.disposition == "none":
            return Verdict(add=add, header=header)
        if author.disposition == "reject":
            text = f"The domain {author.domain} asks for mail that fails its DMARC policy to be refused"
            if not author.domain:
                text = "From names too many domains"
            return Verdict(Action.REFUSE, text, "5.7.1")
        return Verdict(add=add, header=header, mailbox="\\Junk")
