"""DKIM signatures of what our accounts send (RFC 6376 §5, RFC 8463).

Made here and not by dkimpy: that wants the message whole in memory, and its RSA is plain Python, which would hold
up everybody for tens of milliseconds a message. ``cryptography``, which TLS needs anyhow, signs in one without the
interpreter's lock, and the body is hashed piece by piece. The tests have dkimpy verify every form of it.
"""

import base64
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from mailaccess.model.work import ThreadRunner
from mailaccess.proto.smtp.address import domain_key
from mailaccess.screening.canonical import BARE, CRLF, BodyHash, fields, name_of, relaxed_field
from mailaccess.screening.dmarc import authors
from mailaccess.screening.keys import Key

IF_PRESENT: Final = ("sender", "in-reply-to", "references")
"""Signed where they are there, but others may be added: mailing lists add Sender."""

MAX_SIGNED: Final = 100
"""Fields signed: each name once more than it is there."""

WIDTH: Final = 72


class Signer:
    """keys: by domain, those that sign for it.  protect: names of which no further field may be added.

    now: seconds since the epoch.
    """

    def __init__(
        self,
        keys: Mapping[str, Sequence[Key]],
        protect: Sequence[str],
        threads: ThreadRunner,
        now: Callable[[], float],
    ) -> None:
        self._keys = {domain: tuple(found) for domain, found in keys.items()}
        self._protect = tuple(name.lower() for name in protect)
        self._threads = threads
        self._now = now

    def keys(self, header: bytes, sender: str) -> tuple[Key, ...]:
        """Those of the author's domain, or of the envelope sender's."""
        for domain in (*authors(header)[:1], domain_key(sender.rpartition("@")[2])):
            if domain in self._keys:
                return self._keys[domain]
        return ()

    async def sign(self, header: bytes, body: Callable[[], AsyncIterator[bytes]], sender: str) -> bytes:
        """DKIM-Signature fields to put in front; b"" where no key is for it. Raises what reading the body raises.

        header: up to the blank line.
        """
        keys = self.keys(header, sender)
        if not keys:
            return b""
        hashed = BodyHash(relaxed=True)
        async for piece in body():
            await self._threads.run(hashed.update, piece)
        found = await self._threads.run(self._signed, keys, BARE.sub(CRLF, header), hashed.digest())
        return b"".join(found)

    def _signed(self, keys: Sequence[Key], header: bytes, body_hash: bytes) -> list[bytes]:
        names, signed = self._choose(header)
        seconds = int(self._now())
        return [field(key, names, signed, body_hash, seconds) for key in keys]

    def _choose(self, header: bytes) -> tuple[list[bytes], bytes]:
        """The names for h=, and the fields they stand for: of each name from the bottom up. RFC 6376 §5.4.2."""
        by_name: dict[bytes, list[bytes]] = {}
        for each in fields(header):
            by_name.setdefault(name_of(each), []).append(each)
        names: list[bytes] = []
        signed: list[bytes] = []
        for text in (*self._protect, *IF_PRESENT):
            name = text.encode("ascii")
            present = by_name.get(name, [])[: MAX_SIGNED - len(names)]
            names += [name] * (len(present) + (text in self._protect))
            signed += [relaxed_field(each) for each in reversed(present)]
        return names, b"".join(signed)


def field(key: Key, names: Sequence[bytes], signed: bytes, body_hash: bytes, seconds: int) -> bytes:
    """One DKIM-Signature field. signed: the canonical fields that ``names`` stand for."""
    lines = [
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;",
        f"d={key.domain}; s={key.selector}; t={seconds};",
        *_folded("h=" + ":".join(name.decode("ascii") for name in names) + ";"),
        f"bh={base64.b64encode(body_hash).decode('ascii')};",
        "b=",
    ]
    bare = "\r\n\t".join(lines).encode("ascii")
    octets = signed + relaxed_field(bare).removesuffix(CRLF)
    text = base64.b64encode(key.sign(octets)).decode("ascii")
    value = "\r\n\t ".join(text[start : start + WIDTH] for start in range(0, len(text), WIDTH))
    return bare + value.encode("ascii") + CRLF


def _folded(text: str) -> list[str]:
    """``h=`` cut behind colons."""
    lines, current = [], ""
    for part in text.split(":"):
        part = f"{part}:"
        if len(current) + len(part) > WIDTH:
            lines.append(current)
            current = ""
        current += part
    return [*lines, current.removesuffix(":")]
