"""Which accounts have their index open, and when it is closed.

An index costs 100 to 250 KB and 3 descriptors while it is open, and 1 ms to open again. That of an account at which
somebody works stays open between two commands. One that is used for a moment (a phone that logs in and waits in IDLE,
a delivery, the background) is closed at once: a thousand of them that come in a second would else be open together.

Used on the reactor thread only.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from mailaccess.store.background import Background
from mailaccess.store.surroundings import Closable

MOMENT_SECONDS: Final = 0.3
"""Without a job, after which an index is closed; also how long somebody must have asked to count as at work."""

WORK_SECONDS: Final = 2.0
"""The same where somebody is at work: who reads mail sends several commands within it."""

AGAIN_SECONDS: Final = 10.0
"""Who comes again within it counts as at work, too."""

SWEEP_SECONDS: Final = 0.25
CLOSED_AT_ONCE: Final = 50
"""In one sweep: 0.3 ms of a thread each."""


@dataclass(slots=True)
class _Use:
    account: Closable
    since: float
    last: float
    at_work: bool


class Openings:
    """most: indexes that are open at once.  clock: seconds."""

    def __init__(self, runner: Background, clock: Callable[[], float], most: int) -> None:
        self._runner = runner
        self._clock = clock
        self._most = most
        self._uses: OrderedDict[str, _Use] = OrderedDict()
        self._sweeping = False

    def __len__(self) -> int:
        return len(self._uses)

    def used(self, account: Closable, *, asked: bool) -> None:
        """A job of this account is about to run. asked: somebody waits for it."""
        now, key = self._clock(), account.key[1]
        use = self._uses.get(key)
        if use is None:
            use = self._uses[key] = _Use(account, now, now, False)
            if len(self._uses) > self._most:
                self._close(next(iter(self._uses)))
        else:
            use.last = now
            self._uses.move_to_end(key)
        # The first use after a pause may be our own: a delivery opens the index before it asks.
        if asked and (now - use.since > MOMENT_SECONDS or now - account.parked < AGAIN_SECONDS):
            use.at_work = True
        self._sweep_later()

    def clear(self) -> None:
        """The server stops: the accounts close by themselves."""
        self._uses.clear()

    def _sweep_later(self) -> None:
        if self._uses and not self._sweeping:
            self._sweeping = True
            self._runner.later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        """Close those that nobody used for a while, some at a time."""
        self._sweeping = False
        now = self._clock()
        unused = [
            key
            for key, use in self._uses.items()
            if now - use.last > (WORK_SECONDS if use.at_work else MOMENT_SECONDS)
        ]
        for key in unused[:CLOSED_AT_ONCE]:
            self._close(key)
        self._sweep_later()

    def _close(self, key: str) -> None:
        self._runner.start(self._park(key, self._uses.pop(key)))

    async def _park(self, key: str, use: _Use) -> None:
        if await use.account.park():
            use.account.parked = self._clock()
        elif key not in self._uses:  # something is under way
            use.last = self._clock()
            self._uses[key] = use
            self._sweep_later()
