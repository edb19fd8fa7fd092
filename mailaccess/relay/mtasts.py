"""MTA-STS (RFC 8461): what a domain publishes about how safely its mail is to be sent.

A TXT record says that there is a policy, and which; the policy comes by HTTPS from ``mta-sts.DOMAIN`` and is kept on
disk for as long as it allows, so that nobody in the middle can make us forget it by hiding the record or the page.
What cannot be had leaves things as they were: a policy that is still valid holds, else the domain has none.
"""

import json
import os
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred

from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level

ENFORCE: Final = "enforce"
TESTING: Final = "testing"
NONE: Final = "none"

FOLDER: Final = "mta-sts"
"""Where policies are kept, below ``state_dir``."""

MAX_POLICY: Final = 64 * 1024
"""Octets of a policy: RFC 8461 §3.3 suggests it."""

MAX_EXCHANGERS: Final = 500
"""Patterns of a policy that count."""

LONGEST: Final = 31_557_600
"""Seconds that a policy may be valid: RFC 8461 §3.2."""

RECORD_MEMORY: Final = 300.0
"""Seconds that a look at the record counts, and that a fetch that failed is not tried again (RFC 8461 §3.3)."""

REFRESH: Final = 86400.0
"""Seconds after which a policy is fetched again though its record is the same: RFC 8461 §3.3 suggests a day."""

REMEMBERED: Final = 2000
"""Domains in memory."""

KEPT: Final = 10_000
"""Policies on disk; the oldest go first."""

_RECORD: Final = re.compile(r"v=STSv1(?:[ \t]*;[ \t]*[^;=\s]+=[^;=\s]+)+[ \t]*;?[ \t]*")
_ID: Final = re.compile(r";[ \t]*id=([A-Za-z0-9]{1,32})[ \t]*(?:;|\Z)")
_LINE: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(\S(?:.*\S)?)[ \t]*")
_PATTERN: Final = re.compile(r"(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")


class BadPolicy(ValueError):
    """What was fetched is no policy; the text says why."""


@dataclass(frozen=True, slots=True)
class Policy:
    """id: of the record it was fetched for.  exchangers: patterns of hosts, lower case.

    fetched: seconds since the epoch.  max_age: seconds for which it is valid since then.
    """

    id: str
    mode: str
    exchangers: tuple[str, ...]
    max_age: int
    fetched: float = 0.0

    def allows(self, host: str) -> bool:
        """Whether the policy names this MX host. RFC 8461 §4.1: a ``*`` is one label, the first."""
        name = host.lower().rstrip(".")
        above = "*." + name.partition(".")[2]
        return name in self.exchangers or above in self.exchangers

    def valid(self, now: float) -> bool:
        return now < self.fetched + self.max_age


def record_id(texts: Sequence[str]) -> str | None:
    """The id that the TXT records of ``_mta-sts`` give, None without a policy. RFC 8461 §3.1."""
    records = [text for text in texts if re.match(r"v=STSv1[ \t]*;", text)]
    if len(records) != 1 or len(records[0]) > 4096 or not _RECORD.fullmatch(records[0]):
        return None
    found = _ID.search(records[0])
    return found[1] if found else None


def parse(octets: bytes, id: str, now: float) -> Policy:
    """A policy as it was fetched. RFC 8461 §3.2: of fields other than ``mx`` the first counts. Raises BadPolicy."""
    try:
        lines = octets.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise BadPolicy("it is not UTF-8") from None
    fields: dict[str, str] = {}
    exchangers: list[str] = []
    for line in lines:
        match = _LINE.fullmatch(line.removesuffix("\r"))
        if match is None:
            if line.strip():
                raise BadPolicy("a line is no field")
        elif match[1] != "mx":
            fields.setdefault(match[1], match[2])
        elif len(exchangers) < MAX_EXCHANGERS and _PATTERN.fullmatch(match[2].lower().rstrip(".")):
            exchangers.append(match[2].lower().rstrip("."))
    if fields.get("version") != "STSv1":
        raise BadPolicy("its version is not STSv1")
    mode, age = fields.get("mode", ""), fields.get("max_age", "")
    if mode not in (ENFORCE, TESTING, NONE):
        raise BadPolicy("it has no mode")
    if not re.fullmatch(r"[0-9]{1,10}", age):
        raise BadPolicy("it has no max_age")
    if not exchangers and mode != NONE:
        raise BadPolicy("it names no mail server")
    return Policy(id, mode, tuple(exchangers), min(int(age), LONGEST), now)


class PolicyFiles:
    """Policies on disk, a file a domain. Blocks: for threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, domain: str) -> Policy | None:
        """What is kept of the domain, None if nothing that can be read."""
        try:
            tree = json.loads((self._folder / domain).read_bytes())
            return Policy(**{**tree, "exchangers": tuple(tree["exchangers"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def write(self, domain: str, policy: Policy) -> None:
        """Keep it, in the place of an older one. Raises OSError."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f".{domain}"
        fresh.write_text(json.dumps(asdict(policy)), "ascii")
        os.replace(fresh, self._folder / domain)

    def clean(self) -> None:
        """Make room where there are too many."""
        try:
            found = sorted((entry.stat().st_mtime, entry.path) for entry in os.scandir(self._folder))
        except OSError:
            return
        for _, path in found[: max(0, len(found) - KEPT)]:
            Path(path).unlink(missing_ok=True)


@dataclass(slots=True)
class _Known:
    """What memory holds of a domain. until: when the record is to be looked at again.  failed: the id in vain."""

    policy: Policy | None
    until: float = 0.0
    failed: str = ""
    not_before: float = 0.0


class Policies:
    """Answers which policy holds for a domain now.

    texts: the TXT records of a name, [] for none; raises whatever it likes where that cannot be told.
    fetch: the page of a policy host; raises BadPolicy.  now: seconds since the epoch.
    """

    def __init__(
        self,
        files: PolicyFiles,
        threads: ThreadRunner,
        log: EventLog,
        *,
        texts: Callable[[str], Awaitable[list[str]]],
        fetch: Callable[[str], Awaitable[bytes]],
        now: Callable[[], float],
    ) -> None:
        self._files = files
        self._threads = threads
        self._log = log
        self._texts = texts
        self._fetch = fetch
        self._now = now
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, list[Deferred[None]]] = {}

    async def of(self, domain: str) -> Policy | None:
        """The policy that holds, None for none. domain: lower case, A-labels, as it was asked for an MX."""
        if domain in self._asking:  # one look serves all who wait for it
            waiting: Deferred[None] = Deferred()
            self._asking[domain].append(waiting)
            await waiting
        known = self._known.get(domain)
        if known is None or self._now() >= known.until:
            self._asking.setdefault(domain, [])
            try:
                known = await self._look(domain, known)
            finally:
                for each in self._asking.pop(domain, []):
                    each.callback(None)
        policy = known.policy
        return policy if policy is not None and policy.valid(self._now()) else None

    async def _look(self, domain: str, known: _Known | None) -> _Known:
        if known is None:
            known = _Known(await self._threads.run(self._files.read, domain))
        try:
            id = record_id(await self._texts(f"_mta-sts.{domain}"))
        except Exception:  # DNS cannot tell: what is known holds
            id = None
        now = self._now()
        policy = known.policy
        if id is not None and (policy is None or policy.id != id or now >= policy.fetched + REFRESH):
            if id != known.failed or now >= known.not_before:
                await self._renew(domain, known, id)
        known.until = self._now() + RECORD_MEMORY
        self._known[domain] = known
        self._known.move_to_end(domain)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known

    async def _renew(self, domain: str, known: _Known, id: str) -> None:
        try:
            known.policy = parse(await self._fetch(f"mta-sts.{domain}"), id, self._now())
        except BadPolicy as error:
            known.failed, known.not_before = id, self._now() + RECORD_MEMORY
            self._log.log("mta-sts-not-fetched", Level.WARNING, domain=domain, error=str(error))
            return
        self._log.log("mta-sts-fetched", domain=domain, mode=known.policy.mode, max_age=known.policy.max_age)
        try:
            await self._threads.run(self._files.write, domain, known.policy)
            await self._threads.run(self._files.clean)
        except OSError as error:
            self._log.log("mta-sts-not-kept", Level.WARNING, domain=domain, error=str(error))
