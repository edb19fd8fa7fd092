"""From an address to accounts: local domains, aliases, ``+detail``, catch-all.

An address ``lee+shop@naver.com`` is looked for in this order, and the first that is there counts:

1. an alias of the whole address, then an account of that name (a name may hold the delimiter),
2. an alias of ``lee@naver.com``, then that account, each with the detail ``shop``,
3. for ``postmaster``, whom the configuration names,
4. the catch-all of the domain,
5. for ``postmaster`` again, the mailbox kept for it: every domain answers it, whatever was set up (RFC 5321 §4.5.1).

So a catch-all never shadows a real user. An alias may: it is how mail for an account goes to a second
one, too (``lee: lee, kim``; an alias that meets itself stands for the account). Everything an alias leads
to must be deliverable, else the address is refused: no copy is dropped silently.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mailaccess.auth.api import Authenticator, Identity
from mailaccess.config.sections import Smtp
from mailaccess.delivery.aliases import MAX_FILE, Aliases, name_key, parse
from mailaccess.delivery.api import (
    AliasProblem,
    Destination,
    ForeignRecipient,
    Onward,
    Target,
    UnknownRecipient,
)
from mailaccess.delivery.srs import BadRewriting, Rewriting
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level
from mailaccess.proto.smtp.address import Address, domain_key
from mailaccess.proto.smtp.address import parse as parse_address

MAX_DEPTH: Final = 10
"""Aliases of aliases: nobody nests deeper on purpose."""

MAX_STEPS: Final = 2000
"""Addresses looked at for one recipient: bounds a tree of aliases, which MAX_DEPTH does not."""

POSTMASTER: Final = "postmaster"
"""Whom every domain has. RFC 5321 §4.5.1."""

LOOK_AGAIN: Final = 1.0
"""Seconds between looks at the aliases file's time stamp."""


class Recipients:
    """Resolves addresses; one for a process, used on the reactor thread.

    domains: the local domains; the first is that of names without one.  clock: monotonic seconds.
    relays: whether an alias may lead to another domain.
    unclaimed: where mail for a name that must be taken waits until there is such an account; None: it is refused.
    rewriting: knows whom a bounce to a rewritten sender is for; None: senders are not rewritten.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        settings: Smtp,
        domains: Sequence[str],
        threads: ThreadRunner,
        log: EventLog,
        clock: Callable[[], float] = time.monotonic,
        *,
        relays: bool = False,
        unclaimed: Callable[[str], Identity] | None = None,
    ) -> None:
        self.relays = relays
        self.rewriting: Rewriting | None = None
        self.postmaster = parse_address(settings.postmaster) if settings.postmaster else None
        self.unclaimed = unclaimed
        self._log = log
        self._authenticator = authenticator
        self._delimiter = settings.recipient_delimiter
        self._default = domain_key(domains[0]) if domains else ""
        self._domains = frozenset(domain_key(domain) for domain in domains)
        self._file = AliasesFile(settings.aliases, threads, log, clock)

    def is_local(self, address: Address) -> bool:
        """Whether the address is in a local domain; a bare name is."""
        return not address.domain or address.host in self._domains

    async def resolve(self, address: Address) -> tuple[Destination, ...]:
        """The accounts (and, behind an alias, foreign addresses) that get mail for ``address``, each once.

        Raises UnknownRecipient, ForeignRecipient, AliasProblem, AuthenticationUnavailable.
        """
        if not self.is_local(address):
            raise ForeignRecipient()
        original = self.rewritten(address)
        if original is not None and not self.is_local(original):
            return (Onward(original),)
        walk = _Walk(self, await self._file.current())
        await walk.visit(name_key(address.local), address.host or self._default, "", ())
        return tuple(walk.found.values())

    def rewritten(self, address: Address) -> Address | None:
        """Whom mail to ``address`` is for, if it is a sender that we rewrote; else None.

        Raises UnknownRecipient where it only looks like one.
        """
        if self.rewriting is None or address.local[:3].upper() != "SRS":
            return None
        try:
            return self.rewriting.original(address)
        except BadRewriting as error:
            raise UnknownRecipient(detail=f"SRS: {error}") from None

    def split(self, local: str) -> tuple[str, str]:
        """Name and detail; the detail is "" where there is none. RFC 5233 §1."""
        if not self._delimiter:
            return local, ""
        name, _, detail = local.partition(self._delimiter)
        return (name, detail) if name and detail else (local, "")


class _Walk:
    """One resolution: what was found, and how much was looked at."""

    def __init__(self, recipients: Recipients, aliases: Aliases) -> None:
        self._house = recipients
        self._aliases = aliases
        self._steps = 0
        self.found: dict[tuple[str, str], Destination] = {}

    async def visit(self, local: str, host: str, detail: str, path: tuple[str, ...]) -> None:
        """Add the targets of ``local@host``; ``path``: the aliases that led here."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise AliasProblem(detail=f"more than {MAX_STEPS} addresses behind one")
        if host not in self._house._domains and host != self._house._default:
            # Only reached behind an alias: whose address it is, is the operator's word.
            raise ForeignRecipient(
                "That address forwards to another domain, which this server does not do yet"
            )
        base, own_detail = self._house.split(local)
        for name, rest in ((local, ""), (base, own_detail)) if own_detail else ((local, ""),):
            if await self._name(name, host, rest or detail, path):
                return
        is_postmaster = POSTMASTER in (local, base)
        if is_postmaster and await self._configured(host, path):
            return
        key = f"@{host}"
        targets = self._aliases.catch_all(host)
        if targets is not None and key not in path:
            for target in targets:
                await self._follow(
                    target, host, own_detail or detail, (*path, key), base if own_detail else local
                )
            return
        if is_postmaster and self._house.unclaimed is not None:
            identity = self._house.unclaimed(f"{POSTMASTER}@{host}" if host else POSTMASTER)
            self.found.setdefault((identity.name, ""), Target(identity))
            return
        if path:
            raise AliasProblem(detail=f"{path[0]} leads to {local}@{host}, which is nobody")
        raise UnknownRecipient()

    async def _configured(self, host: str, path: tuple[str, ...]) -> bool:
        """Whether the configuration names somebody for ``postmaster``, who is added; one who is nobody is logged."""
        key = "postmaster of the configuration"
        target = self._house.postmaster
        if target is None or key in path:
            return False
        before = dict(self.found)
        try:
            await self._follow(target, self._house._default, "", (*path, key), POSTMASTER)
        except (AliasProblem, ForeignRecipient, UnknownRecipient) as error:
            self.found = before
            self._house._log.log(
                "postmaster-problem", Level.ERROR, target=str(target), error=error.detail or str(error)
            )
            return False
        return True

    async def _name(self, name: str, host: str, detail: str, path: tuple[str, ...]) -> bool:
        """Whether ``name@host`` is an alias or an account; its targets are added."""
        key = f"{name}@{host}"
        targets = self._aliases.of(name, host)
        if targets is not None and key not in path:
            if len(path) >= MAX_DEPTH:
                raise AliasProblem(detail=f"{path[0]} is nested deeper than {MAX_DEPTH}")
            for target in targets:
                await self._follow(target, host, detail, (*path, key), name)
            return True
        if not _plausible(name):
            return False
        identity = await self._house._authenticator.lookup(key if host else name)
        if identity is None:
            return False
        self.found.setdefault((identity.name, detail), Target(identity, detail))
        return True

    async def _follow(
        self, target: Address, host: str, detail: str, path: tuple[str, ...], name: str
    ) -> None:
        """An alias's target: a name is of the same domain, ``@domain`` keeps the name."""
        if self._house.relays and not self._house.is_local(target):
            onward = Address(target.local or name, target.domain)
            self.found.setdefault((str(onward), "@"), Onward(onward))
            return
        local = name_key(target.local) if target.local else name
        await self.visit(local, target.host or host, detail, path)


def _plausible(name: str) -> bool:
    """Whether ``name`` may be looked up: a quoted ``a@b`` would pass for another account's name."""
    return "@" not in name and name.isprintable() and " " not in name


class AliasesFile:
    """The aliases file as it is now: its time stamp is looked at once a second, its content read in a thread.

    If it cannot be read or is gone, what was last read stays, and the log says so.
    """

    def __init__(
        self, path: Path | None, threads: ThreadRunner, log: EventLog, clock: Callable[[], float]
    ) -> None:
        self._path = path
        self._threads = threads
        self._log = log
        self._clock = clock
        self._next_look = float("-inf")
        self._stamp: tuple[int, int, int] | None = None
        self._failed = ""
        self._aliases = Aliases()

    async def current(self) -> Aliases:
        now = self._clock()
        if self._path is None or now < self._next_look:
            return self._aliases
        self._next_look = now + LOOK_AGAIN
        try:
            stamp = _stamp(self._path)
            if stamp != self._stamp:
                text = await self._threads.run(_read, self._path)
                self._take(parse(text), stamp)
        except OSError as error:
            self._complain(error.strerror or "cannot be read")
        except ValueError as error:
            self._complain(str(error))
        return self._aliases

    def _take(self, aliases: Aliases, stamp: tuple[int, int, int]) -> None:
        self._aliases, self._stamp, self._failed = aliases, stamp, ""
        self._log.log("aliases-loaded", path=str(self._path), entries=len(aliases.entries))
        for line, problem in aliases.problems[:20]:  # enough to show what is wrong
            self._log.log("aliases-problem", Level.WARNING, path=str(self._path), line=line, error=problem)

    def _complain(self, problem: str) -> None:
        if problem != self._failed:  # once, not with every message
            self._failed = problem
            self._log.log("aliases-problem", Level.ERROR, path=str(self._path), error=problem)


def _stamp(path: Path) -> tuple[int, int, int]:
    found = os.stat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise ValueError(f"the aliases file is larger than {MAX_FILE} octets")
    return content.decode("utf-8")
