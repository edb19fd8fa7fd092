"""The metrics of several processes as one: each tells its figures as plain values, and one puts them together.

What was counted is added up; of a gauge it is told in ``Kind.over`` what makes one of many. Of a process that has
ended the counters stay, as they were told last, so that no sum ever falls. The figures of the processes themselves
(memory, CPU, descriptors) stand side by side, with the worker's number as label; 0 is the supervisor's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from mailaccess.observe.counters import KINDS, Counters, Kind, Labels, family, lag
from mailaccess.observe.turns import Turns

_BY_NAME: Final = {kind.name: kind for kind in KINDS}

Values = dict[Kind, dict[Labels, float]]


@dataclass(slots=True)
class Figures:
    """What one process has counted, and what it takes (by the names of prometheus_client's ProcessCollector)."""

    values: Values = field(default_factory=dict)
    process: dict[str, float] = field(default_factory=dict)
    turns: Turns = field(default_factory=Turns)


class Teller:
    """Tells the figures of this process."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._process = ProcessCollector(registry=None)

    def figures(self) -> Figures:
        """As they are now."""
        values = {kind: found for kind in KINDS if (found := self._counters.current(kind))}
        process = {
            sample.name: sample.value for metric in self._process.collect() for sample in metric.samples
        }
        return Figures(values, process, self._counters.turns or Turns())


def told(figures: Figures) -> dict[str, Any]:
    """As JSON can carry it."""
    return {
        "values": {
            kind.name: [[list(labels), value] for labels, value in found.items()]
            for kind, found in figures.values.items()
        },
        "process": figures.process,
        "turns": [figures.turns.total, *figures.turns.counts],
    }


def understood(tree: Mapping[str, Any]) -> Figures:
    """What ``told`` made; names that nobody knows are passed over. Raises ValueError, TypeError, KeyError."""
    values: Values = {}
    for name, found in tree["values"].items():
        kind = _BY_NAME.get(name)
        if kind is not None:
            values[kind] = {tuple(map(str, labels)): float(value) for labels, value in found}
    process = {str(name): float(value) for name, value in tree["process"].items()}
    total, *counts = tree["turns"]
    if len(counts) != len(Turns().counts):
        raise ValueError("turns")
    return Figures(values, process, Turns([int(count) for count in counts], float(total)))


def add(into: Figures, more: Figures, *, gauges: bool = True) -> None:
    """Put what one more process has counted to that of others; of one that has ended, without gauges."""
    into.turns.total += more.turns.total
    for place, count in enumerate(more.turns.counts):
        into.turns.counts[place] += count
    for kind, found in more.values.items():
        if kind.gauge and not gauges:
            continue
        sums = into.values.setdefault(kind, {})
        for labels, value in found.items():
            if labels not in sums:
                sums[labels] = value
            elif kind.over == "sum":
                sums[labels] += value
            else:
                sums[labels] = (max if kind.over == "max" else min)(sums[labels], value)


class Combined:
    """A collector for prometheus_client. figures: the sums.  processes: by the worker's number."""

    def __init__(self, figures: Figures, processes: Mapping[int, Mapping[str, float]]) -> None:
        self._figures = figures
        self._processes = processes

    def collect(self) -> Iterable[Metric]:
        """Everything."""
        for kind in KINDS:
            yield family(kind, self._figures.values.get(kind, {}))
        yield lag(self._figures.turns.cumulative(), self._figures.turns.total)
        names = sorted({name for each in self._processes.values() for name in each})
        for name in names:
            made: CounterMetricFamily | GaugeMetricFamily
            if name.endswith("_total"):
                made = CounterMetricFamily(name, f"{name} of each process", labels=("worker",))
            else:
                made = GaugeMetricFamily(name, f"{name} of each process", labels=("worker",))
            for number, each in sorted(self._processes.items()):
                if name in each:
                    made.add_metric((str(number),), each[name])
            yield made


def registry(figures: Figures, processes: Mapping[int, Mapping[str, float]]) -> CollectorRegistry:
    """A registry of these figures."""
    made = CollectorRegistry(auto_describe=False)
    made.register(Combined(figures, processes))
    PlatformCollector(registry=made)
    return made
