"""What the relay has under way: coroutines, and what is to begin later. On the reactor thread."""

import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred

from mailaccess.observe.events import EventLog, Level


class Tasks:
    """A coroutine that fails is told to the log, and harms nobody."""

    def __init__(self, reactor: Any, log: EventLog) -> None:
        self._reactor = reactor
        self._log = log
        self._running: set[Deferred[None]] = set()
        self._timers: set[Any] = set()
        self._pauses: dict[Deferred[None], Any] = {}
        self._ending = False

    def __len__(self) -> int:
        """How many run."""
        return len(self._running)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> "Deferred[None]":
        """Run it; the Deferred fires when it has ended, and never fails."""
        task: Deferred[None] = Deferred.fromCoroutine(self._guarded(coroutine))
        if not task.called:
            self._running.add(task)
            task.addBoth(lambda _: self._running.discard(task))
        return task

    async def _guarded(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except Exception:
            self._log.log("internal-error", Level.ERROR, service="relay", error=traceback.format_exc())

    def later(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run ``work()`` then, unless the end has begun."""

        if self._ending:
            return

        def fire() -> None:
            self._timers.discard(timer)
            self.spawn(work())

        timer = self._reactor.callLater(seconds, fire)
        self._timers.add(timer)

    async def pause(self, seconds: float) -> None:
        """Wait so long, or until the end begins."""
        if self._ending:
            return
        waiting: Deferred[None] = Deferred()
        self._pauses[waiting] = self._reactor.callLater(seconds, self._go_on, waiting)
        await waiting

    def _go_on(self, waiting: "Deferred[None]") -> None:
        timer = self._pauses.pop(waiting)
        if timer.active():
            timer.cancel()
        waiting.callback(None)

    async def end(self) -> None:
        """Begin nothing more, and wait for what runs."""
        self._ending = True
        for waiting in tuple(self._pauses):
            self._go_on(waiting)
        for timer in self._timers:
            if timer.active():
                timer.cancel()
        self._timers.clear()
        while self._running:
            await _first(self._running)


async def _first(tasks: "set[Deferred[None]]") -> None:
    """Wait until one of them has ended."""
    waiting: Deferred[None] = Deferred()

    def end(result: Any) -> Any:
        if not waiting.called:
            waiting.callback(None)
        return result

    for task in tuple(tasks):
        task.addBoth(end)
    await waiting
