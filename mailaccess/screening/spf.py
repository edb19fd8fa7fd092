"""SPF by pyspf, with our own DNS (RFC 7208).

pyspf asks DNS in the middle of its work and waits for the answer. Here it is given what is known, and when it asks
for more the attempt ends, the answer is fetched without holding up anybody, and it begins anew: an SPF record may
cause ten lookups, each step takes a millisecond. Of a stranger who publishes much more than anybody needs, an attempt
takes a hundred: then it is made in a thread, and past a bound not at all.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final, Protocol

from mailaccess.model.work import ThreadRunner
from mailaccess.net.lookups import LookupFailed, Record

MAX_LOOKUPS: Final = 60
"""Answers fetched for one message: RFC 7208 §4.6.4 allows ten terms, of which an mx or ptr may need eleven."""

MAX_RECORDS: Final = 1_000
"""Records in all answers for one message: ten mx of ten hosts with as many addresses as real ones have."""

ON_THE_SPOT: Final = 8 * 1024
"""Octets of answers up to which an attempt is made at once: a millisecond or two. Real policies take 3,000."""

RECORD: Final = 64
"""Octets that any record counts at least: an address takes pyspf ten microseconds."""

RESULTS: Final = ("none", "neutral", "pass", "fail", "softfail", "temperror", "permerror")
"""RFC 7208 §2.6."""


class Names(Protocol):
    """DNS, as ``net.lookups`` offers it."""

    async def look_up(self, name: str, kind: str) -> tuple[Record, ...]:
        """Raises LookupFailed."""
        ...


@dataclass(frozen=True, slots=True)
class Spf:
    """result: one of RESULTS.  identity: mailfrom or helo.  domain: whose policy it was.  reason: for people."""

    result: str
    identity: str
    domain: str
    reason: str = ""


class _Needed(BaseException):
    """pyspf wants to know this next."""

    def __init__(self, name: str, kind: str) -> None:
        super().__init__(name, kind)
        self.name, self.kind = name, kind


Answers = dict[tuple[str, str], tuple[Record, ...] | None]


async def check(
    names: Names, threads: ThreadRunner, *, address: str, sender: str, helo: str, hostname: str
) -> Spf:
    """The policy of the reverse-path's domain, or of ``helo`` where there is none (RFC 7208 §2.4).

    address: the client's.  sender: the reverse-path, "" for the null one.  hostname: ours.
    """
    identity = "mailfrom" if sender else "helo"
    domain = (sender.rpartition("@")[2] if sender else helo).lower()
    if not domain.isascii() or "." not in domain or domain.startswith("["):
        return Spf("none", identity, domain, "there is no domain to ask")
    answers: Answers = {}
    records = octets = 0
    for _ in range(MAX_LOOKUPS):
        if octets <= ON_THE_SPOT:
            said = _attempt(answers, address, sender, helo, hostname)
        else:
            said = await threads.run(_attempt, answers, address, sender, helo, hostname)
        if not isinstance(said, _Needed):
            result, reason = said
            return Spf(result if result in RESULTS else "permerror", identity, domain, reason)
        found = answers[said.name, said.kind] = await _answer(names, said)
        records += len(found or ())
        octets += sum(max(RECORD, len(each)) for each in found or ())
        if records > MAX_RECORDS:
            return Spf("permerror", identity, domain, "too many records")
    return Spf("permerror", identity, domain, "too many lookups")


async def _answer(names: Names, needed: _Needed) -> tuple[Record, ...] | None:
    """None where DNS cannot tell."""
    try:
        found = await names.look_up(needed.name, needed.kind)
    except LookupFailed:
        return None
    if (
        needed.kind == "TXT"
    ):  # what else stands there is not looked through at each attempt; but it is no void
        policies = [each for each in found if isinstance(each, bytes) and each[:6].lower() == b"v=spf1"]
        return tuple(policies) or found[:1]
    return found


def _attempt(
    answers: Answers, address: str, sender: str, helo: str, hostname: str
) -> tuple[str, str] | _Needed:
    """Result and reason, or what must be known for it."""
    query = _query()(answers, i=address, s=sender, h=helo, receiver=hostname)
    try:
        result, _, reason = query.check()
    except _Needed as needed:
        return needed
    except Exception as error:  # pyspf meets odd records with odd exceptions
        return "permerror", f"the record cannot be evaluated ({type(error).__name__})"
    return str(result), str(reason)


def prepare() -> None:
    """Load pyspf: a quarter of a second that would hold up everybody at the first message."""
    _query()


@cache
def _query() -> Any:
    spf: Any = import_module("spf")

    class Query(spf.query):  # type: ignore[misc]
        """pyspf's query with answers at hand."""

        def __init__(self, answers: Answers, **options: Any) -> None:
            super().__init__(**options)
            self._answers = answers

        def dns(self, name: Any, qtype: str, cnames: Any = None, ignore_void: bool = False) -> list[Any]:
            """As pyspf's."""
            key = (str(name).lower().rstrip("."), qtype)
            if key not in self._answers:
                raise _Needed(*key)
            found = self._answers[key]
            if found is None:
                raise spf.TempError("DNS did not answer")
            if not found and not ignore_void:
                self.void_lookups += 1
                if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                    raise spf.PermError(f"Void lookup limit of {spf.MAX_VOID_LOOKUPS} exceeded")
            return [(each,) if isinstance(each, bytes) else each for each in found]

        def get_explanation(self, spec: Any) -> None:
            """What a stranger wants us to say is not asked for."""

    return Query
