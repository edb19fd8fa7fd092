"""One measured value, the record of all, and load from several processes at once."""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.bench import usage
from tests.bench.speaking import Refused, Wrong

_fork = multiprocessing.get_context("fork")

PREPARATION = 120
"""Seconds in which all parallel clients must have logged in."""


def rest(seconds: float) -> None:
    """Leave the server alone: what it does and keeps while nobody asks is measured, so nothing is waited for."""
    time.sleep(seconds)


class Missing(Exception):
    """The server has no such service."""


@dataclass(frozen=True)
class Sample:
    """value: in the row's unit; None with ``reason``.  cpu: milliseconds of the server an operation, None unknown."""

    value: float | None
    cpu: float | None = None
    reason: str = ""


@dataclass
class Row:
    name: str
    unit: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    @property
    def more_is_better(self) -> bool:
        return self.unit.endswith("/s")

    def median(self, peer: str) -> float | None:
        """None where any sample is missing."""
        values = [sample.value for sample in self.samples.get(peer, ())]
        return None if not values or None in values else statistics.median(v for v in values if v is not None)

    def cpu(self, peer: str) -> float | None:
        values = [sample.cpu for sample in self.samples.get(peer, ()) if sample.cpu is not None]
        return statistics.median(values) if values else None

    def reason(self, peer: str) -> str:
        return next((sample.reason for sample in self.samples.get(peer, ()) if sample.reason), "")

    def ratio(self, ours: str, other: str) -> float | None:
        """How many times better ``ours`` is; above 1 is ahead."""
        mine, theirs = self.median(ours), self.median(other)
        if not mine or not theirs:
            return None
        return mine / theirs if self.more_is_better else theirs / mine


class Record:
    """All rows, in the order in which they first came."""

    def __init__(self, tell: Callable[[str], None] = lambda line: None) -> None:
        self.rows: dict[str, Row] = {}
        self._tell = tell

    def add(self, name: str, unit: str, peer: str, sample: Sample) -> None:
        row = self.rows.setdefault(name, Row(name, unit))
        row.samples.setdefault(peer, []).append(sample)
        shown = f"n/a: {sample.reason}" if sample.value is None else f"{sample.value:.4g} {unit}"
        self._tell(f"  {peer:12} {name:30} {shown}")


class Lap:
    """What happens inside ``measured``: ``operations`` done in ``seconds``, or a ``value`` made otherwise."""

    def __init__(self, pid: int | None) -> None:
        self.operations = 0.0
        self.laps: list[float] = []
        self.seconds: float | None = None
        self.value: float | None = None
        self._pid = pid
        self._used = 0.0
        self.begin()

    def begin(self) -> None:
        """From here on the server's CPU time counts."""
        self._cpu = usage.cpu(self._pid) if self._pid else None

    def end(self) -> None:
        """From here on it does not."""
        if self._pid and self._cpu is not None:
            self._used += usage.cpu(self._pid) - self._cpu
            self._cpu = None

    def time(self, call: Callable[[], Any], operations: float = 1) -> Any:
        begun = time.perf_counter()
        result = call()
        self.laps.append(time.perf_counter() - begun)
        self.operations += operations
        return result

    def sample(self, unit: str) -> Sample:
        self.end()
        cpu = 1000 * self._used / self.operations if self._pid and self.operations else None
        if self.value is not None:
            return Sample(self.value, cpu)
        if unit.endswith("/s"):
            return Sample(self.operations / (self.seconds or sum(self.laps)), cpu)
        return Sample(1000 * statistics.median(self.laps), cpu)


@contextmanager
def measured(record: Record, peer: str, pid: int | None, name: str, unit: str) -> Iterator[Lap]:
    """A block that makes one sample; what the server refuses or answers wrongly in it makes the sample missing."""
    lap = Lap(pid)
    try:
        yield lap
    except (Refused, Wrong, Missing, OSError) as error:
        record.add(name, unit, peer, Sample(None, reason=str(error) or type(error).__name__))
    else:
        record.add(name, unit, peer, lap.sample(unit))


Prepare = Callable[[], Callable[[], None]]
"""Logs in, and returns what is to be repeated."""


def in_parallel(seconds: float, prepares: list[Prepare]) -> tuple[float, list[float]]:
    """Repeat each in a process of its own for ``seconds``, at least once: (seconds it took, each operation's)."""
    barrier = _fork.Barrier(len(prepares))
    started = []
    for prepare in prepares:
        receiver, sender = _fork.Pipe(duplex=False)
        process = _fork.Process(target=_repeat, args=(prepare, seconds, barrier, sender))
        process.start()
        sender.close()
        started.append((process, receiver))
    outcomes: list[Any] = []
    for process, receiver in started:
        try:
            outcomes.append(receiver.recv())
        except EOFError:
            outcomes.append(Wrong("a client ended without a word"))
        receiver.close()
        process.join()
    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if failures:
        raise next(
            (each for each in failures if not isinstance(each, RuntimeError)), Wrong("clients broke off")
        )
    elapsed = max(end for _, end, _ in outcomes) - min(begin for begin, _, _ in outcomes)
    return elapsed, [lap for _, _, laps in outcomes for lap in laps]


def _repeat(prepare: Prepare, seconds: float, barrier: Any, sender: Any) -> None:
    try:
        operation = prepare()
        barrier.wait(PREPARATION)
        laps = []
        begun = before = time.perf_counter()
        while True:
            operation()
            after = time.perf_counter()
            laps.append(after - before)
            before = after
            if after - begun >= seconds:
                break
        outcome: Any = (begun, before, laps)
    except Exception as error:
        barrier.abort()
        outcome = (
            error
            if isinstance(error, (Refused, Wrong, Missing, OSError, RuntimeError))
            else Wrong(repr(error))
        )
    sender.send(outcome)
    sender.close()
