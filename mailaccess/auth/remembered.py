"""Verified passwords, remembered for a short time as keyed hashes (setting ``auth.cache_ttl``).

A webmail logs in at every click, a phone opens five connections at once: each would cost 150 ms of argon2.
The key is random and dies with the process. What is hashed includes the stored hash, so a changed password
is forgotten at once, and the account's name, so that one account's entry never opens another.
"""

import hashlib
import hmac
import os
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

MAX_ENTRIES: Final = 20_000
"""Passwords remembered, the longest unused forgotten first; some 4 MB."""


class Remembered:
    """ttl: seconds, 0 remembers nothing.  clock: seconds, monotonic.  Used on one thread."""

    def __init__(self, ttl: float, clock: Callable[[], float]) -> None:
        self._ttl = ttl
        self._clock = clock
        self._key = os.urandom(64)
        self._until: OrderedDict[bytes, float] = OrderedDict()

    def knows(self, name: str, stored: str, password: bytes) -> bool:
        """Whether this password was verified against this stored hash within the time."""
        digest = self._digest(name, stored, password)
        until = self._until.get(digest)
        if until is None:
            return False
        if until <= self._clock():
            del self._until[digest]
            return False
        self._until.move_to_end(digest)
        return True

    def keep(self, name: str, stored: str, password: bytes) -> None:
        """Remember a password that was verified just now."""
        if self._ttl <= 0:
            return
        digest = self._digest(name, stored, password)
        self._until[digest] = self._clock() + self._ttl
        self._until.move_to_end(digest)
        if len(self._until) > MAX_ENTRIES:
            self._until.popitem(last=False)

    def _digest(self, name: str, stored: str, password: bytes) -> bytes:
        mac = hmac.new(self._key, digestmod=hashlib.sha256)
        for part in (name.encode("utf-8"), stored.encode("utf-8", "surrogateescape"), password):
            mac.update(len(part).to_bytes(8, "big") + part)  # lengths, so that no two triples look alike
        return mac.digest()
