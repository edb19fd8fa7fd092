"""Metrics: their names, units and labels in one table, and cheap counting.

Counting costs a dictionary's addition (no lock, no label object); everything is used on the reactor
thread. prometheus_client's registry asks ``Counters`` only when somebody reads the metrics.
What others count themselves (connections, threads, the certificate's end) is read at that moment
through ``watch``.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from mailaccess.observe.events import Level, Value
from mailaccess.observe.turns import Turns

Labels = tuple[str, ...]

LABEL_SETS: Final = 2000
"""Combinations of labels of one metric: labels are ours, never a peer's text, so this is never reached."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What one metric means. ``name`` is without prefix and, for counters, without ``_total``.

    over: what makes one gauge of those of several processes: sum, max or min.
    """

    name: str
    help: str
    labels: Labels = ()
    gauge: bool = False
    over: str = "sum"


CONNECTIONS: Final = Kind("connections", "Connections accepted", ("service",))
REFUSED: Final = Kind("connections_refused", "Connections refused for a limit", ("limit",))
DROPPED: Final = Kind("connections_dropped", "Connections dropped for newer ones before they logged in")
MOVED: Final = Kind(
    "connections_offered",
    "Connections offered to the worker that serves their account: moved, kept",
    ("service", "outcome"),
)
OPEN: Final = Kind("connections_open", "Connections present", ("service",), gauge=True)
STRANGERS: Final = Kind(
    "connections_unauthenticated", "Connections present that have not logged in", gauge=True
)
LOGINS: Final = Kind("logins", "Logins by outcome: ok, failed", ("service", "outcome"))
DELIVERED: Final = Kind("deliveries", "Messages put into mailboxes")
RELAYED: Final = Kind(
    "relay_recipients", "Outcomes of attempts to send: relayed, deferred, failed", ("outcome",)
)
QUEUED: Final = Kind("queue_messages", "Messages that wait to go out, without those held", gauge=True)
EVENTS: Final = Kind("events", "Events logged", ("event", "level"))
LOG_LOST: Final = Kind("log_lines_lost", "Log lines that could not be written")
THREAD_CALLS: Final = Kind("thread_calls_pending", "Blocking calls that wait or run", gauge=True)
LOOP_DELAY: Final = Kind(
    "loop_delay_seconds",
    "The longest the reactor was late during the last 10 seconds",
    gauge=True,
    over="max",
)
CERTIFICATE: Final = Kind(
    "certificate_not_after_seconds",
    "When the TLS certificate ends, in seconds since 1970",
    gauge=True,
    over="min",
)
STARTED: Final = Kind(
    "start_time_seconds", "When the service started, in seconds since 1970", gauge=True, over="min"
)
TURNS: Final = Kind(
    "reactor_lag_seconds", "How long turns of the reactor took: the time in which nobody else is answered"
)
INFO: Final = Kind("info", "1, with the version as label", ("version",), gauge=True, over="max")
WORKERS: Final = Kind("workers", "Processes that serve connections", gauge=True)
WORKERS_ENDED: Final = Kind("workers_ended", "Processes that served and ended without having been told to")

KINDS: Final = (
    CONNECTIONS,
    REFUSED,
    DROPPED,
    MOVED,
    OPEN,
    STRANGERS,
    LOGINS,
    DELIVERED,
    RELAYED,
    QUEUED,
    EVENTS,
    LOG_LOST,
    THREAD_CALLS,
    LOOP_DELAY,
    CERTIFICATE,
    STARTED,
    INFO,
    WORKERS,
    WORKERS_ENDED,
)


_OUTCOMES: Final = {"relayed": "relayed", "deferred": "deferred", "relay-failed": "failed"}


class Counters:
    """The counts of one process; a collector for prometheus_client.

    turns: the lengths of the reactor's turns, where they are measured.
    """

    def __init__(self) -> None:
        self._counts: dict[Kind, dict[Labels, float]] = {
            kind: defaultdict(float) for kind in KINDS if not kind.gauge
        }
        for kind in KINDS:
            if not kind.gauge and not kind.labels:
                self._counts[kind][()] = 0.0
        self.turns: Turns | None = None
        self._watched: dict[Kind, list[Callable[[], Mapping[Labels, float]]]] = {}
        self._logins = self._counts[LOGINS]
        self._events = self._counts[EVENTS]
        self._delivered = self._counts[DELIVERED]
        self._relayed = self._counts[RELAYED]

    def add(self, kind: Kind, labels: Labels = (), amount: float = 1) -> None:
        """Count ``amount`` more."""
        counts = self._counts[kind]
        if labels in counts or len(counts) < LABEL_SETS:
            counts[labels] += amount

    def value(self, kind: Kind, labels: Labels = ()) -> float:
        """What stands there now; 0 where nothing was counted."""
        return self.current(kind).get(labels, 0.0)

    def watch(self, kind: Kind, read: Callable[[], Mapping[Labels, float]]) -> None:
        """Have ``read`` asked for values whenever the metrics are read."""
        self._watched.setdefault(kind, []).append(read)

    def current(self, kind: Kind) -> dict[Labels, float]:
        """All values of one metric by their labels."""
        values = dict(self._counts.get(kind, {}))
        for read in self._watched.get(kind, ()):
            for labels, value in read().items():
                values[labels] = values.get(labels, 0.0) + value
        return values

    def seen(self, event: str, level: Level, fields: dict[str, Value]) -> None:
        """Count an event of the log; what every room logs needs no counting of its own."""
        key = (event, level.value)
        if key in self._events or len(self._events) < LABEL_SETS:
            self._events[key] += 1
        if event == "delivered":
            self._delivered[()] += 1
        elif event in _OUTCOMES:
            self._relayed[(_OUTCOMES[event],)] += 1
        elif event.endswith("login") or event == "login-failed":
            service = str(fields.get("service") or event.partition("-")[0])
            self._logins[(service, "failed" if event == "login-failed" else "ok")] += 1

    def collect(self) -> Iterable[Metric]:
        """Everything, for prometheus_client."""
        for kind in KINDS:
            yield family(kind, self.current(kind))
        if self.turns is not None:
            yield lag(self.turns.cumulative(), self.turns.total)


def family(kind: Kind, values: Mapping[Labels, float]) -> Metric:
    """One metric for prometheus_client."""
    name = f"mailaccess_{kind.name}"
    made: CounterMetricFamily | GaugeMetricFamily
    if kind.gauge:
        made = GaugeMetricFamily(name, kind.help, labels=kind.labels)
    else:
        made = CounterMetricFamily(name, kind.help, labels=kind.labels)
    for labels, value in sorted(values.items()):
        made.add_metric(labels, value)
    return made


def lag(cumulative: Sequence[tuple[str, float]], total: float) -> Metric:
    """The histogram of the reactor's turns for prometheus_client."""
    made = HistogramMetricFamily(f"mailaccess_{TURNS.name}", TURNS.help)
    made.add_metric((), cumulative, total)
    return made


def registry(counters: Counters) -> CollectorRegistry:
    """A registry of these counters and of the process's own figures (memory, descriptors, CPU)."""
    made = CollectorRegistry(auto_describe=False)
    made.register(counters)
    ProcessCollector(registry=made)
    PlatformCollector(registry=made)
    return made


def exposition(made: CollectorRegistry) -> bytes:
    """The metrics as Prometheus reads them (text format 0.0.4)."""
    return generate_latest(made)
