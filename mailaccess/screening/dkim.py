"""DKIM signatures verified by dkimpy, with our own DNS and our own hash of the body (RFC 6376, RFC 8463).

dkimpy wants the whole message in memory and works through it in one go, which would hold up everybody for a large
one. So the body is hashed here piece by piece (``canonical``), and dkimpy gets the header alone: fields, signature,
key. The keys are asked for before, as dkimpy cannot wait.

A stranger writes all of this, so what it may cost is bounded: signatures, the header, the size of keys.
"""

import base64
import binascii
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any, Final

from mailaccess.model.work import ThreadRunner
from mailaccess.net.lookups import LookupFailed
from mailaccess.screening.canonical import BodyHash, fields, name_of
from mailaccess.screening.spf import Names

MAX_SIGNATURES: Final = 5
"""Signatures looked at, from the top: mailing lists and providers add three. RFC 6376 §6.1 allows a limit."""

MAX_SIGNATURE: Final = 8192
"""Octets of one DKIM-Signature field."""

MAX_WORK: Final = 100 * 2**20
"""Sum of lines times octets of the header's fields: dkimpy joins a field's lines one by one, this is 20 ms."""

MAX_HEADER: Final = 256 * 1024
"""Octets of the header that are looked at."""

MAX_KEY: Final = 2048
"""Octets of a key's record: an RSA key of 8192 bits has 1,400 in base64."""

MAX_EXPONENT: Final = 64
"""Bits of an RSA key's public exponent: it is 65537; a large one would make us calculate for minutes."""

MIN_RSA: Final = 1024
"""Bits. RFC 8301 §3.2."""

_TAG: Final = re.compile(rb"\s*([A-Za-z][A-Za-z0-9_]*)\s*=([^;]*)(?:;|\Z)")
_SPACE: Final = re.compile(rb"\s+")
_NAME: Final = re.compile(
    r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*", re.I
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What became of one. result: pass, fail, neutral, temperror, permerror or policy (RFC 8601 §2.7.1).

    domain, selector, algorithm: its d=, s= and a=, lower case, "" where they are not readable.  start: the first
    characters of b=, which tell signatures of one domain apart (RFC 6008).  reason: for people.
    """

    result: str
    domain: str = ""
    selector: str = ""
    algorithm: str = ""
    start: str = ""
    reason: str = ""


async def check(
    names: Names, threads: ThreadRunner, header: bytes, body: Callable[[], AsyncIterator[bytes]]
) -> list[Signature]:
    """What became of each signature, from the top. Raises what reading the body raises."""
    signed = [each for each in fields(header) if name_of(each) == b"dkim-signature"]
    if not signed:
        return []
    work = sum(each.count(b"\n") * len(each) for each in fields(header))
    if len(header) > MAX_HEADER or work > MAX_WORK:
        return [Signature("neutral", reason="the header is too large to check")]
    found = []
    for number, octets in enumerate(signed[:MAX_SIGNATURES]):
        found.append(await _one(names, threads, header, octets, number, body))
    return found


async def _one(
    names: Names,
    threads: ThreadRunner,
    header: bytes,
    octets: bytes,
    number: int,
    body: Callable[[], AsyncIterator[bytes]],
) -> Signature:
    tags = _tags(octets.partition(b":")[2]) if len(octets) <= MAX_SIGNATURE else {}
    about = _about(tags)
    if about is None:
        return Signature("permerror", reason="the signature is not well-formed")
    try:
        records = await names.look_up(f"{about.selector}._domainkey.{about.domain}", "TXT")
    except LookupFailed:
        return _with(about, "temperror", "the key could not be asked for")
    key = next((each for each in records if isinstance(each, bytes)), b"")
    if not key:
        return _with(about, "permerror", "there is no such key")
    reason = await threads.run(_bad_key, key, about)
    if reason:
        return _with(about, "permerror", reason)
    problem = await _body_problem(tags, threads, body)
    if problem:
        return _with(about, "fail", problem)
    result, reason = await threads.run(_verify, header, number, key)
    return _with(about, result, reason)


def _tags(value: bytes) -> dict[str, bytes]:
    """Tag=value pairs, RFC 6376 §3.2; empty where it is not a list of them."""
    found: dict[str, bytes] = {}
    place = 0
    value = value.rstrip()
    while place < len(value):
        match = _TAG.match(value, place)
        if match is None or (name := match[1].decode("ascii")) in found:
            return {}
        found[name] = match[2].strip()
        place = match.end()
    return found


def _about(tags: dict[str, bytes]) -> Signature | None:
    try:
        text = {name: _SPACE.sub(b"", tags[name]).decode("ascii").lower() for name in ("d", "s", "a")}
        start = _SPACE.sub(b"", tags["b"])[:8].decode("ascii")
    except (KeyError, UnicodeDecodeError):
        return None
    if not _NAME.fullmatch(text["d"]) or not _NAME.fullmatch(text["s"]) or "bh" not in tags:
        return None
    return Signature("", text["d"], text["s"], text["a"], start)


def _with(about: Signature, result: str, reason: str = "") -> Signature:
    return replace(about, result=result, reason=reason)


def _bad_key(record: bytes, about: Signature) -> str:
    """Why the key cannot be used; "" if it can."""
    if len(record) > MAX_KEY:
        return "the key is too large"
    tags = _tags(record)
    if not tags or tags.get("v", b"DKIM1") != b"DKIM1":
        return "the key's record is not well-formed"
    kind = tags.get("k", b"rsa").lower().decode("ascii", "replace")
    if not tags.get("p"):
        return "the key is revoked"
    if not about.algorithm.startswith(f"{kind}-"):
        return "the key is of another kind"
    if about.algorithm == "rsa-sha1":
        return "rsa-sha1 counts no more"  # RFC 8301 §3.1
    if kind != "rsa":
        return ""
    dkim: Any = import_module("dkim")
    try:
        public = dkim.evaluate_pk("key", record)[0]
        bits, exponent = public["modulus"].bit_length(), public["publicExponent"].bit_length()
    except Exception as error:  # dkimpy meets odd keys with odd exceptions
        return f"the key cannot be read ({type(error).__name__})"
    if bits < MIN_RSA:
        return "the key is too small"
    return "the key's exponent is too large" if exponent > MAX_EXPONENT else ""


async def _body_problem(
    tags: dict[str, bytes], threads: ThreadRunner, body: Callable[[], AsyncIterator[bytes]]
) -> str:
    """What is wrong with the body's hash; "" if it fits. RFC 6376 §3.7."""
    form = _SPACE.sub(b"", tags.get("c", b"simple/simple")).lower().split(b"/")
    length = tags.get("l")
    if length is not None and (not length.isdigit() or len(length) > 20):
        return "the body's length is not well-formed"
    hashed = BodyHash(relaxed=form[1:] == [b"relaxed"], length=None if length is None else int(length))
    async for piece in body():
        await threads.run(hashed.update, piece)
    try:
        wanted = base64.b64decode(_SPACE.sub(b"", tags["bh"]), validate=True)
    except (binascii.Error, ValueError):
        return "the body's hash is not well-formed"
    found = hashed.digest()
    if hashed.short:
        return "the body is shorter than what was signed"
    return "" if found == wanted else "the body was changed"


def _verify(header: bytes, number: int, key: bytes) -> tuple[str, str]:
    """The signature over the header, by dkimpy; in a thread."""
    dkim: Any = import_module("dkim")
    try:
        verified = _verifier()(header + b"\r\n", timeout=0).verify(idx=number, dnsfunc=lambda *_, **__: key)
    except dkim.DKIMException as error:
        return "permerror", str(error)[:100]
    except Exception as error:  # dkimpy meets odd headers with odd exceptions
        return "permerror", f"the signature cannot be checked ({type(error).__name__})"
    return ("pass", "") if verified else ("fail", "the header was changed")


def prepare() -> None:
    """Load dkimpy, not at the first message."""
    _verifier()


@cache
def _verifier() -> Any:
    dkim: Any = import_module("dkim")

    class HeaderOnly(dkim.DKIM):  # type: ignore[misc]
        """dkimpy's, for a message whose body has been checked: without bh= it looks at the header alone."""

        def verify_headerprep(self, idx: int = 0) -> Any:
            """As dkimpy's."""
            prepared = super().verify_headerprep(idx)
            if prepared:
                prepared[0].pop(b"bh", None)
            return prepared

    return HeaderOnly
