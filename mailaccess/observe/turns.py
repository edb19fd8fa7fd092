"""How long the reactor's turns take: the time in which nobody else is answered.

A turn is what happens between two waits for news: timed calls, then every readable and writable connection.
Its length is what the last of them waited, so it is the figure that tells whether something blocks the thread
that serves everybody. Measuring it costs two readings of the clock a turn and no timer, so a process at rest
stays at rest. A turn counts what the machine took from it, too: with more work than cores, lengths grow.
"""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from mailaccess.observe.events import EventLog, Level

BOUNDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds: the upper ends of the classes in which turns are counted. Work on the reactor gives way after 1 to 2 ms;
50 ms is what a person begins to notice.
"""

TELL_EVERY: Final = 1.0
"""Seconds between two lines ``reactor-late``: a machine that is too slow must not also fill its log."""


@dataclass(slots=True)
class Turns:
    """Counts of turns by their length.

    counts: turns of each class of ``BOUNDS``, then those longer than all of them.  total: their seconds.
    longest: seconds of the longest turn so far.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0
    longest: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one turn."""
        self.counts[0 if seconds <= BOUNDS[0] else bisect_left(BOUNDS, seconds)] += 1
        self.total += seconds
        if seconds > self.longest:
            self.longest = seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """As Prometheus wants a histogram: (upper end, turns up to it), the last with ``+Inf``."""
        result, so_far = [], 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.counts, strict=True):
            so_far += count
            result.append((bound, float(so_far)))
        return result


class TurnMeter:
    """Measures turns and tells of late ones.

    log: gets ``reactor-late`` with the seconds of a turn that took ``late`` or longer (at most one line each
    ``TELL_EVERY``, then with the longest that was kept back); 0 tells nothing.  clock: seconds.
    """

    __slots__ = ("turns", "_log", "_late", "_clock", "_begun", "_told", "_kept")

    def __init__(self, log: EventLog, late: float, clock: Callable[[], float]) -> None:
        self.turns = Turns()
        self._log = log
        self._late = late
        self._clock = clock
        self._begun: float | None = None
        self._told = float("-inf")
        self._kept = 0.0

    def begin(self) -> None:
        """A wait for news is over."""
        self._begun = self._clock()

    def end(self) -> None:
        """The next wait is about to begin."""
        begun = self._begun
        if begun is None:  # the first wait of all
            return
        self._begun = None
        now = self._clock()
        seconds = now - begun
        self.turns.add(seconds)
        if (self._kept or seconds >= self._late) and self._late:
            self._tell(seconds, now)

    def _tell(self, seconds: float, now: float) -> None:
        if seconds >= self._late:
            self._kept = max(self._kept, seconds)
        if now - self._told >= TELL_EVERY:
            self._log.log("reactor-late", Level.WARNING, seconds=round(self._kept, 3))
            self._told, self._kept = now, 0.0
