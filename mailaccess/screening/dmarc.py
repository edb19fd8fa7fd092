"""DMARC: whether the author's domain stands by the message, and what it wants done where not (RFC 7489).

The organizational domain comes from the public suffix list that ``publicsuffixlist`` brings. Not by authheaders: it
looks at the first signature only, cuts domains at a hyphen, and reads its list of 2024 anew for each question.

More than one author's domain is against RFC 5322's spirit and a way around the check (clients show the first): each
is looked at, and the worst outcome counts (RFC 7489 §6.6.1).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

from mailaccess.message.address import parse_all
from mailaccess.net.lookups import LookupFailed
from mailaccess.proto.smtp.address import domain_key
from mailaccess.screening.canonical import fields, name_of
from mailaccess.screening.dkim import Signature
from mailaccess.screening.spf import Names, Spf

MAX_AUTHORS: Final = 5
"""Domains of authors looked at: a message has one."""

MAX_FROM: Final = 16 * 1024
"""Octets of one From that are read."""

POLICIES: Final = ("none", "quarantine", "reject")
"""What a domain may ask for, mildest first. RFC 7489 §6.3."""

_DOMAIN: Final = re.compile(r"(?=.{3,253}\Z)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})+")
_RECORD: Final = re.compile(rb"v\s*=\s*DMARC1\s*(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class Dmarc:
    """result: none, pass, fail, temperror or permerror (RFC 8601 §2.7.5).  domain: the author's.

    policy: what the domain asks for where it fails.  disposition: what is asked of us now: none, quarantine or reject.
    """

    result: str
    domain: str = ""
    policy: str = ""
    disposition: str = "none"
    reason: str = ""


def authors(header: bytes) -> list[str]:
    """The domains in From, A-labels, each once; those that can be none left out."""
    values = [each[:MAX_FROM] for each in _froms(header)[:MAX_AUTHORS]]
    found: dict[str, None] = {}
    for address in parse_all(values):
        if address.host is not None and address.mailbox is not None:
            name = domain_key(address.host.decode("utf-8", "replace")).removesuffix(".")
            if _DOMAIN.fullmatch(name):
                found[name] = None
        if len(found) > MAX_AUTHORS:
            break
    return list(found)


def _froms(header: bytes) -> list[bytes]:
    return [each.partition(b":")[2] for each in fields(header) if name_of(each) == b"from"]


async def check(
    names: Names,
    header: bytes,
    spf: Spf,
    signatures: Sequence[Signature],
    chance: Callable[[], float],
) -> Dmarc:
    """The worst of what becomes of each author's domain. chance: in [0, 1), for policies that ask for a share."""
    domains, froms = authors(header), _froms(header)
    endless = len(froms) > MAX_AUTHORS or any(len(each) > MAX_FROM for each in froms)
    if endless or len(domains) > MAX_AUTHORS:  # RFC 7489 §6.6.1 refuses these: a way around the check
        return Dmarc("permerror", disposition="reject", reason="From names too many domains")
    if not domains:
        return Dmarc("permerror", reason="From names no domain")
    found = [await _one(names, domain, spf, signatures, chance) for domain in domains]
    return max(found, key=_badness)


def _badness(found: Dmarc) -> tuple[int, int]:
    return POLICIES.index(found.disposition), ("pass", "none", "permerror", "temperror", "fail").index(
        found.result
    )


async def _one(
    names: Names, domain: str, spf: Spf, signatures: Sequence[Signature], chance: Callable[[], float]
) -> Dmarc:
    organizational = organization(domain)
    try:
        record = await _record(names, domain)
        if record is None and organizational != domain:
            record = await _record(names, organizational)
        if record is None:
            return Dmarc("none", domain)
        policy = _policy(record, domain, organizational)
        if policy == "np":
            policy = record["np"] if not await _exists(names, domain) else _subdomain(record)
    except LookupFailed:
        return Dmarc("temperror", domain, reason="the policy could not be asked for")
    if policy not in POLICIES:
        if "rua" not in record:
            return Dmarc("permerror", domain, reason="the policy is not well-formed")
        policy = "none"  # RFC 7489 §6.6.3: such a domain only wants reports
    if _aligned(domain, organizational, spf, signatures, record):
        return Dmarc("pass", domain, policy)
    if "temperror" in (spf.result, *(each.result for each in signatures)):
        return Dmarc("temperror", domain, policy, reason="what would vouch for it could not be asked for")
    return Dmarc("fail", domain, policy, _disposition(policy, record, chance))


def _policy(record: dict[str, str], domain: str, organizational: str) -> str:
    """The policy that holds for ``domain``; "np" where that depends on whether it exists (RFC 9091 §3.2)."""
    if domain == organizational or record.get("", "") == domain:
        return record.get("p", "").lower()
    if record.get("np", "").lower() in POLICIES:
        return "np"
    return _subdomain(record)


def _subdomain(record: dict[str, str]) -> str:
    return record.get("sp", record.get("p", "")).lower()


async def _exists(names: Names, domain: str) -> bool:
    """RFC 9091 §2.6: a domain with none of these does not exist. Raises LookupFailed."""
    for kind in ("A", "AAAA", "MX"):
        if await names.look_up(domain, kind):
            return True
    return False


async def _record(names: Names, domain: str) -> dict[str, str] | None:
    """The tags of the domain's only record, and under "" whose it is; None without. RFC 7489 §6.6.3."""
    texts = await names.look_up(f"_dmarc.{domain}", "TXT")
    records = [each for each in texts if isinstance(each, bytes) and _RECORD.match(each)]
    if len(records) != 1:
        return None
    pairs = (part.partition("=") for part in records[0].decode("utf-8", "replace").split(";"))
    return {**{name.strip().lower(): value.strip() for name, _, value in pairs}, "": domain}


def _aligned(
    domain: str, organizational: str, spf: Spf, signatures: Sequence[Signature], record: dict[str, str]
) -> bool:
    """Whether SPF or a signature vouches for the author's domain, or its relative. RFC 7489 §3.1."""

    def fits(other: str, mode: str) -> bool:
        return other == domain or (mode.lower() != "s" and organization(other) == organizational)

    if spf.result == "pass" and fits(spf.domain, record.get("aspf", "r")):
        return True
    return any(each.result == "pass" and fits(each.domain, record.get("adkim", "r")) for each in signatures)


def _disposition(policy: str, record: dict[str, str], chance: Callable[[], float]) -> str:
    """``policy``, or the next milder one for those who are not in the share it is for. RFC 7489 §6.6.4."""
    share = record.get("pct", "100")
    if share.isascii() and share.isdigit() and len(share) <= 3 and chance() * 100 >= int(share):
        return POLICIES[max(0, POLICIES.index(policy) - 1)]
    return policy


def organization(domain: str) -> str:
    """The organizational domain: one label below the public suffix; ``domain`` where it is itself one."""
    return str(_suffixes().privatesuffix(domain) or domain)


def prepare() -> None:
    """Read the list of public suffixes: 50 ms that would hold up everybody at the first message."""
    _suffixes()


@cache
def _suffixes() -> Any:
    return import_module("publicsuffixlist").PublicSuffixList()
