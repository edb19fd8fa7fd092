"""The Sender Rewriting Scheme: a forwarded message gets a sender of ours, so that SPF holds at its next stop.

``kim@daum.net`` becomes ``SRS0=HHHHHH=TT=daum.net=kim@naver.com``: H is a keyed hash, T the day. A bounce to that
address comes back to us and goes on to kim. What was rewritten elsewhere already becomes ``SRS1=HHHHHH=first
forwarder==rest``, whose bounce goes straight to the first forwarder. The form is that of the SRS paper (Wong, 2004)
and of libsrs2; the hash is ours alone to check, so it is longer and of one case, as some servers lower addresses.

There is no RFC. The hash keeps others from using such addresses to send through us to whom they like: it covers the
whole address, and a day older than MAX_AGE is refused.
"""

import base64
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Final

from mailaccess.proto.smtp.address import Address, BadAddress, domain_key, parse

MAX_AGE: Final = 21
"""Days after which a bounce is refused: senders give up after 5 (RFC 5321 §4.5.4.1), their queues' bounces too."""

HASH: Final = 6
"""Characters of five bits each: a stranger would guess half a billion times, at 20 errors a connection."""

_DAYS: Final = 1024  # two characters of five bits: the day's number goes round after that
_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_LOCAL: Final = re.compile(r"SRS([01])([=+-])(.+)", re.I | re.S)


class BadRewriting(ValueError):
    """An SRS address that we did not make, or too long ago."""


class Rewriting:
    """secrets: the first makes hashes, all check them.  domain: ours, for rewritten senders.

    is_local: whether an address is ours.  now: seconds since the epoch.
    """

    def __init__(
        self,
        secrets: Sequence[bytes],
        domain: str,
        is_local: Callable[[Address], bool],
        now: Callable[[], float],
    ) -> None:
        self._secrets = tuple(secrets)
        self._domain = domain
        self._is_local = is_local
        self._now = now

    def sender(self, return_path: str) -> str:
        """The reverse-path for a copy that goes on; the null one and our own addresses stay."""
        try:
            address = parse(return_path)
        except BadAddress:
            return return_path
        if not address.domain or self._is_local(address):
            return return_path
        return str(Address(self._rewritten(address), self._domain))

    def _rewritten(self, address: Address) -> str:
        found = _LOCAL.fullmatch(address.local)
        if found is not None and found[1] == "0":
            return self._first(address.domain, found[2] + found[3])
        if found is not None:
            parts = found[3].split("=", 2)  # hash, first forwarder, its rest with the sign before it
            if len(parts) == 3 and parts[1] and parts[2]:
                return self._first(parts[1], parts[2])
        day = self._day()
        stamp = _BASE32[day >> 5] + _BASE32[day & 31]
        rest = f"{stamp}={address.domain}={address.local}"
        return f"SRS0={self._hash(self._secrets[0], rest)}={rest}"

    def _first(self, forwarder: str, rest: str) -> str:
        rest = f"{forwarder}={rest}"
        return f"SRS1={self._hash(self._secrets[0], rest)}={rest}"

    def original(self, address: Address) -> Address | None:
        """Whom a bounce to ``address`` is for; None where it is no rewritten sender. Raises BadRewriting."""
        found = _LOCAL.fullmatch(address.local)
        if found is None:
            return None
        hashed, _, rest = found[3].partition("=")
        if not any(hmac.compare_digest(self._hash(each, rest), hashed.lower()) for each in self._secrets):
            raise BadRewriting("the hash is not right")
        if found[1] == "1":
            forwarder, _, rest = rest.partition("=")
            return _whole(f"SRS0{rest}", forwarder)
        stamp, _, rest = rest.partition("=")
        if not self._young(stamp.lower()):
            raise BadRewriting("it is too old")
        domain, _, local = rest.partition("=")
        return _whole(local, domain)

    def _day(self) -> int:
        return int(self._now() // 86400) % _DAYS

    def _young(self, stamp: str) -> bool:
        if len(stamp) != 2 or any(char not in _BASE32 for char in stamp):
            return False
        made = _BASE32.index(stamp[0]) * 32 + _BASE32.index(stamp[1])
        return (self._day() - made) % _DAYS <= MAX_AGE

    @staticmethod
    def _hash(secret: bytes, rest: str) -> str:
        digest = hmac.digest(secret, rest.lower().encode("utf-8", "surrogatepass"), "sha256")
        return base64.b32encode(digest)[:HASH].decode("ascii").lower()


def _whole(local: str, domain: str) -> Address:
    address = Address(local, domain)
    try:
        if local and domain and domain_key(domain) and parse(str(address)) == address:
            return address
    except BadAddress:
        pass
    raise BadRewriting("it holds no address")
