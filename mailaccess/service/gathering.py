"""The figures of all workers, put together for the one that is asked for them over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from mailaccess.observe.combined import Figures, Teller, add, told, understood
from mailaccess.service.channel import Channel, Message

WAIT_SECONDS: Final = 2.0
"""For the slowest worker; what it told last stands for it then."""


class Place(Protocol):
    """A worker, as far as it matters here."""

    number: int
    channel: Channel | None
    serving: bool


@dataclass(slots=True)
class _Asked:
    asker: Place
    id: int
    missing: set[int] = field(default_factory=set)


class Gathering:
    """workers: by number.  own: the figures of the supervisor itself."""

    def __init__(self, workers: Mapping[int, Place], own: Teller, reactor: Any) -> None:
        self._workers = workers
        self._own = own
        self._reactor = reactor
        self._last: dict[int, Figures] = {}
        self._departed = Figures()
        self._asked: dict[int, _Asked] = {}
        self._count = 0

    def ask(self, asker: Place, id: int) -> None:
        """Ask all workers, and answer ``asker`` when they have, or ``WAIT_SECONDS`` have passed."""
        self._count += 1
        number = self._count
        asked = self._asked[number] = _Asked(asker, id)
        for worker in self._workers.values():
            if worker.serving and worker.channel is not None:
                asked.missing.add(worker.number)
                worker.channel.send({"kind": "figures?", "id": number})
        self._reactor.callLater(WAIT_SECONDS, self._answer, number)

    def answered(self, worker: Place, message: Message) -> None:
        """A worker tells its figures. Raises ValueError, TypeError, KeyError."""
        self._last[worker.number] = understood(message)
        self._got(worker.number, int(message["id"]))

    def left(self, worker: Place) -> None:
        """A worker has ended: what it counted stays."""
        last = self._last.pop(worker.number, None)
        if last is not None:
            add(self._departed, last, gauges=False)
        for id in list(self._asked):
            self._got(worker.number, id)

    def _got(self, number: int, id: int) -> None:
        asked = self._asked.get(id)
        if asked is not None:
            asked.missing.discard(number)
            if not asked.missing:
                self._answer(id)

    def _answer(self, number: int) -> None:
        asked = self._asked.pop(number, None)
        if asked is None or asked.asker.channel is None:
            return
        own = self._own.figures()
        sums = Figures()
        for each in (self._departed, own, *self._last.values()):
            add(sums, each)
        processes = {0: own.process, **{number: each.process for number, each in self._last.items()}}
        asked.asker.channel.send(
            {
                "kind": "gathered",
                "id": asked.id,
                "sums": told(sums),
                "processes": processes,
                "serving": sum(worker.serving for worker in self._workers.values()),
                "wanted": len(self._workers),
            }
        )
