"""SPF by pyspf, with our own DNS (RFC 7208).

pyspf asks DNS in the middle of its work and waits for the answer. Here it is given what is known, and when it asks
for more the attempt ends, the answer is fetched without holding up anybody, and it begins anew: an SPF record may
cause ten lookups, each step takes a millisecond.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final, Protocol

from mailaccess.net.lookups import LookupFailed, Record

MAX_LOOKUPS: Final = 60
"""Answers fetched for one message: RFC 7208 §4.6.4 allows ten terms, of which an mx or ptr may need eleven."""

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


async def check(names: Names, *, address: str, sender: str, helo: str, hostname: str) -> Spf:
    """The policy of the reverse-path's domain, or of ``helo`` where there is none (RFC 7208 §2.4).

    address: the client's.  sender: the reverse-path, "" for the null one.  hostname: ours.
    """
    identity = "mailfrom" if sender else "helo"
    domain = (sender.rpartition("@")[2] if sender else helo).lower()
    if not domain.isascii() or "." not in domain or domain.startswith("["):
        return Spf("none", identity, domain, "there is no domain to ask")
    answers: Answers = {}
    for _ in range(MAX_LOOKUPS):
        try:
            result, reason = _attempt(answers, address, sender, helo, hostname)
        except _Needed as needed:
            try:
                answers[needed.name, needed.kind] = await names.look_up(needed.name, needed.kind)
            except LookupFailed:
                answers[needed.name, needed.kind] = None
            continue
        return Spf(result if result in RESULTS else "permerror", identity, domain, reason)
    return Spf("permerror", identity, domain, "too many lookups")


def _attempt(answers: Answers, address: str, sender: str, helo: str, hostname: str) -> tuple[str, str]:
    query = _query()(answers, i=address, s=sender, h=helo, receiver=hostname)
    try:
        result, _, reason = query.check()
    except _Needed:
        raise
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
