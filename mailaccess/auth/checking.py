"""Password hashes on the thread pool: a few at once, a bounded number waiting.

A hash takes up to a fifth of a second and 64 MB. ``LANES`` at once keep a small machine busy and
leave the pool's other threads to disk work; past ``MAX_WAITING`` a login is told to come back later, which
costs nothing, instead of waiting longer than a client does.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from mailaccess.auth import schemes
from mailaccess.model.errors import AuthenticationUnavailable
from mailaccess.model.work import ThreadRunner
from mailaccess.proto.sasl.scram import Secret as ScramKeys
from mailaccess.proto.sasl.scram import derive as scram_derive

T = TypeVar("T")

LANES: Final = 4
"""Hashes computed at once by one process."""

MAX_WAITING: Final = 200
"""Logins waiting for a hash: at 150 ms each on four lanes, seven seconds."""


class Checker:
    """Spreads the work over lanes, each of which does one hash after the other. Used on one thread."""

    def __init__(self, runner: ThreadRunner, default_scheme: str, cost: schemes.Cost) -> None:
        self._runner = runner
        self._default_scheme = default_scheme
        self._cost = cost
        self._dummy = ""
        self._loads = [0] * LANES

    async def check(self, stored: str, password: bytes) -> bool:
        """As ``schemes.verify``. Raises AuthenticationUnavailable when too many wait."""
        return await self._run(lambda: schemes.verify(stored, password, default_scheme=self._default_scheme))

    async def pretend(self, password: bytes) -> None:
        """Take as long as a check against a hash of the default scheme would: nobody has this name."""
        await self._run(lambda: self._verify_dummy(password))

    async def derive(self, password: bytes, salt: bytes, iterations: int) -> ScramKeys:
        """The SCRAM secret of a password that is stored as it is."""
        return await self._run(lambda: scram_derive(password, salt, iterations))

    async def _run(self, call: Callable[[], T]) -> T:
        if sum(self._loads) >= MAX_WAITING:
            raise AuthenticationUnavailable(detail="too many logins wait for their password hash")
        lane = self._loads.index(min(self._loads))
        self._loads[lane] += 1
        try:
            return await self._runner.run_in_order(("password-hash", lane), call)
        finally:
            self._loads[lane] -= 1

    def _verify_dummy(self, password: bytes) -> None:
        if not self._dummy:
            self._dummy = schemes.make(self._default_scheme, b"nobody's", self._cost)
        try:
            schemes.verify(self._dummy, password)
        except schemes.PasswordRefused:
            pass
