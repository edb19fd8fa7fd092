"""Which message is to be tried next, for which destination. In memory, without a clock of its own.

Of a waiting message memory holds its id, when it is due, when it came, its destinations and its owner: some
500 octets, 50 MB for 100,000. A destination is a domain, or the smarthost that several domains share.

A message sleeps in a heap until it is due. Then it gets a *job* for each destination and stands in line
there. A destination's line is one queue an owner, served in turn, so that a newsletter of 10,000 does not
hold up another person's single mail; destinations are served in turn too. At most ``per_destination`` jobs
of a destination run at once, and ``total`` of all.

When a destination cannot be reached at all, its line is not tried until its back-off ends (a minute, then
twice as long each time, at most an hour), and then by one job first; each that succeeds doubles how many
may run. Messages in its line do not count attempts meanwhile. Destinations that rest so have a heap, too, and
one whose share of jobs runs has its turn again when one of them ends: what 20,000 dead destinations cost, nobody
pays who asks for the next job. A third heap tells when a message is so old that its sender should hear of it,
whatever line it stands in.
"""

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import Final

FIRST_RETRY: Final = 60.0
LONGEST_RETRY: Final = 4 * 3600.0
GROWTH: Final = 2.0

LONGEST_BACK_OFF: Final = 3600.0

MAX_DESTINATIONS: Final = 20_000
"""Destinations remembered without a job: those past that are forgotten, with their back-off. Looked for again when
there are twice as many as were left, so that as many with jobs are not walked through for each that is new.
"""

GONE: Final = 1_000
"""Entries in a heap of messages that are gone, besides four for each that waits, before they are swept out: a message
that goes at once would stay in the heap of ages for hours, a hundred a second of them a million.
"""


def retry_after(attempts: int, first: float = FIRST_RETRY, longest: float = LONGEST_RETRY) -> float:
    """Seconds from attempt number ``attempts`` to the next: ``first``, twice that and so on, at most ``longest``.

    RFC 5321 §4.5.4.1 wants at least 30 minutes on the whole; the first quick ones are for greylisting.
    """
    return min(longest, first * GROWTH ** min(max(attempts - 1, 0), 20))


@dataclass(frozen=True, slots=True)
class Job:
    """One try: the recipients of message ``id`` that go to ``destination``."""

    id: str
    destination: str


@dataclass(slots=True)
class _Waiting:
    id: str
    due: float
    created: float
    owner: str
    destinations: tuple[str, ...]
    open: int = 0  # jobs in line or running
    told: int = 0  # ages already told


@dataclass(slots=True)
class _Line:
    """A destination: its jobs by owner, and how it fares.

    listed: it stands in the turn of destinations.  rests: in the heap of those that rest instead, until
    ``not_before``.
    """

    owners: dict[str, deque[_Waiting]] = field(default_factory=dict)
    turn: deque[str] = field(default_factory=deque)
    running: int = 0
    allowed: int = 0
    failures: int = 0
    not_before: float = 0.0
    listed: bool = False
    rests: bool = False


class Schedule:
    """ages: seconds after which ``aged`` names a message, once each, ascending.

    first_retry, longest_retry: seconds; the back-off of a destination begins and ends with them, too.
    """

    def __init__(
        self,
        *,
        per_destination: int,
        total: int,
        ages: Sequence[float] = (),
        first_retry: float = FIRST_RETRY,
        longest_retry: float = LONGEST_RETRY,
    ) -> None:
        self._first_retry = first_retry
        self._longest_back_off = min(LONGEST_BACK_OFF, longest_retry)
        self._per_destination = per_destination
        self._total = total
        self._ages = tuple(ages)
        self._waiting: dict[str, _Waiting] = {}
        self._due: list[tuple[float, str]] = []
        self._aging: list[tuple[float, str]] = []
        self._lines: dict[str, _Line] = {}
        self._turn: deque[str] = deque()  # destinations with jobs in line of which one may run
        self._resting: list[tuple[float, str]] = []
        self._forget_at = MAX_DESTINATIONS
        self.running = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, id: str) -> bool:
        return id in self._waiting

    def add(
        self, id: str, *, due: float, created: float, owner: str, destinations: Iterable[str], told: int = 0
    ) -> None:
        """A message waits. told: how many ages its sender has heard of already."""
        if id in self._waiting:
            self.remove(id)
        entry = _Waiting(
            id, due, created, intern(owner), tuple(intern(each) for each in destinations), told=told
        )
        self._waiting[id] = entry
        heapq.heappush(self._due, (due, id))
        if told < len(self._ages):
            heapq.heappush(self._aging, (created + self._ages[told], id))

    def remove(self, id: str) -> None:
        """The message is gone, or held. Jobs of it that run are unaffected; those in line are skipped."""
        self._waiting.pop(id, None)
        for heap in (self._due, self._aging):
            if len(heap) > GONE + 4 * len(self._waiting):
                heap[:] = [each for each in heap if each[1] in self._waiting]
                heapq.heapify(heap)

    def again(self, id: str, due: float, destinations: Iterable[str]) -> None:
        """All jobs of the message have ended and somebody still waits."""
        entry = self._waiting.get(id)
        if entry is not None:
            entry.due, entry.destinations = due, tuple(intern(each) for each in destinations)
            heapq.heappush(self._due, (due, id))

    def hurry(self, now: float, id: str | None = None) -> int:
        """Try the message, or all, as soon as possible; the back-offs of its destinations, or of all, are forgotten.

        How many messages that concerns.
        """
        if id is None:
            entries, names = list(self._waiting.values()), tuple(self._lines)
        else:
            entries = [self._waiting[id]] if id in self._waiting else []
            names = entries[0].destinations if entries else ()
        for name in names:
            line = self._lines.get(name)
            if line is not None:
                line.not_before, line.failures = 0.0, 0
                line.allowed = max(line.allowed, 1)
                line.rests = False
                self._list(name, line)
        for entry in entries:
            if not entry.open:
                entry.due = now
                heapq.heappush(self._due, (now, entry.id))
        return len(entries)

    def aged(self, now: float) -> list[str]:
        """Messages that passed one of ``ages`` since they were last named."""
        found: dict[str, None] = {}
        while self._aging and self._aging[0][0] <= now:
            when, id = heapq.heappop(self._aging)
            entry = self._waiting.get(id)
            if entry is None or when != entry.created + self._ages[min(entry.told, len(self._ages) - 1)]:
                continue
            entry.told += 1
            found[id] = None
            if entry.told < len(self._ages):
                heapq.heappush(self._aging, (entry.created + self._ages[entry.told], id))
        return list(found)

    def take(self, now: float, destination: str | None = None) -> Job | None:
        """The next job that may start now; with ``destination``, only one of it (an open connection's next)."""
        self._wake(now)
        if destination is not None:
            return self._next(destination, now, more=True)
        if self.running >= self._total:
            return None
        while self._turn:  # ends: a line that gives no job leaves it
            name = self._turn.popleft()
            line = self._lines[name]
            line.listed = False
            if now < line.not_before:
                line.rests = True
                heapq.heappush(self._resting, (line.not_before, name))
                continue
            job = self._next(name, now)
            if job is not None:
                self._list(name, line)
                return job
        return None

    def freed(self, job: Job) -> None:
        """The job needs its connection no more: another may run in its place. ``done`` is still to come."""
        line = self._lines.get(job.destination)
        if line is not None:
            line.running -= 1
            self._list(job.destination, line)
        self.running -= 1

    def done(self, job: Job, *, freed: bool = False) -> bool:
        """A job has ended; whether it was the message's last of this round. freed: that was told before."""
        if not freed:
            self.freed(job)
        entry = self._waiting.get(job.id)
        if entry is None:
            return True
        entry.open -= 1
        return entry.open <= 0

    def in_line(self, id: str) -> bool:
        """Whether jobs of the message's round are in line or run."""
        entry = self._waiting.get(id)
        return entry is not None and entry.open > 0

    def reached(self, destination: str) -> None:
        """The destination took up a conversation."""
        line = self._lines.get(destination)
        if line is not None:
            line.failures, line.not_before = 0, 0.0
            line.allowed = min(self._per_destination, max(1, line.allowed) * 2)
            line.rests = False
            self._list(destination, line)

    def unreachable(self, destination: str, now: float) -> None:
        """Nobody there took up a conversation."""
        line = self._lines.get(destination)
        if line is not None and now >= line.not_before:
            line.not_before = now + retry_after(line.failures + 1, self._first_retry, self._longest_back_off)
            line.failures += 1
            line.allowed = 1

    def next_time(self, now: float) -> float | None:
        """When ``take`` or ``aged`` may have something, after they had nothing at ``now``; None: never."""
        while self._resting and not self._rests(*self._resting[0]):
            heapq.heappop(self._resting)
        return min((heap[0][0] for heap in (self._due, self._aging, self._resting) if heap), default=None)

    def lines(self) -> dict[str, tuple[int, int, float]]:
        """By destination: jobs in line, jobs that run, end of its back-off (0: none)."""
        return {
            name: (sum(map(len, line.owners.values())), line.running, line.not_before)
            for name, line in self._lines.items()
        }

    def _wake(self, now: float) -> None:
        """Give the messages that are due their jobs, and the destinations that have rested their turn."""
        while self._resting and self._resting[0][0] <= now:
            until, name = heapq.heappop(self._resting)
            if self._rests(until, name):
                line = self._lines[name]
                line.rests = False
                self._list(name, line)
        while self._due and self._due[0][0] <= now:
            when, id = heapq.heappop(self._due)
            entry = self._waiting.get(id)
            if entry is None or entry.open or entry.due != when:
                continue
            entry.open = len(entry.destinations)
            for name in entry.destinations:
                self._line_up(name, entry)

    def _line_up(self, name: str, entry: _Waiting) -> None:
        line = self._lines.get(name)
        if line is None:
            if len(self._lines) >= self._forget_at:
                self._forget()
            line = self._lines[name] = _Line(allowed=self._per_destination)
        if entry.owner not in line.owners:
            line.owners[entry.owner] = deque()
            line.turn.append(entry.owner)
        line.owners[entry.owner].append(entry)
        self._list(name, line)

    def _list(self, name: str, line: _Line) -> None:
        """Give the destination its turn, if it has jobs in line and does not rest."""
        if line.turn and not line.listed and not line.rests:
            line.listed = True
            self._turn.append(name)

    def _rests(self, until: float, name: str) -> bool:
        """Whether an entry in the heap of destinations that rest still counts."""
        line = self._lines.get(name)
        return line is not None and line.rests and line.not_before == until

    def _next(self, name: str, now: float, *, more: bool = False) -> Job | None:
        """A job of the line; ``more``: in the place of one that has just ended."""
        line = self._lines.get(name)
        if line is None or now < line.not_before or line.running >= max(1, line.allowed):
            return None
        if more and self.running >= self._total:
            return None
        while line.turn:
            owner = line.turn.popleft()
            entries = line.owners[owner]
            entry = entries.popleft()
            if entries:
                line.turn.append(owner)
            else:
                del line.owners[owner]
            if self._waiting.get(entry.id) is entry:  # else it was taken away, and perhaps came again
                line.running += 1
                self.running += 1
                return Job(entry.id, name)
        return None

    def _forget(self) -> None:
        unused = [
            name for name, each in self._lines.items() if not (each.turn or each.running or each.listed)
        ]
        for name in unused:
            del self._lines[name]
        self._forget_at = max(MAX_DESTINATIONS, 2 * len(self._lines))
