"""What ``mailadm queue`` asks of a running relay: looked for in the queue's folder, done, and answered."""

from collections.abc import Callable

from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level
from mailaccess.spool import requests
from mailaccess.spool.envelope import BadEnvelope, Envelope
from mailaccess.spool.queue import NotQueued
from mailaccess.spool.schedule import Schedule
from mailaccess.spool.spool import Spool


class Operator:
    """pump: start what may start.  take_up: plan a message.  is_busy: whether it is being tried."""

    def __init__(
        self,
        spool: Spool,
        schedule: Schedule,
        threads: ThreadRunner,
        log: EventLog,
        *,
        now: Callable[[], float],
        pump: Callable[[], None],
        take_up: Callable[[Envelope], None],
        is_busy: Callable[[str], bool],
    ) -> None:
        self._spool = spool
        self._schedule = schedule
        self._threads = threads
        self._log = log
        self._now = now
        self._pump = pump
        self._take_up = take_up
        self._is_busy = is_busy

    async def look(self) -> None:
        """Do what was asked since the last time."""
        try:
            for path, request in await self._threads.run(requests.pending, self._spool.queue.folder):
                done = await self.carry_out(request)
                self._log.log(f"queue-{request.action}", messages=len(done))
                await self._threads.run(requests.answer, path, done)
        except OSError as error:
            self._log.log("queue-problem", Level.ERROR, error=str(error))

    async def carry_out(self, request: requests.Request) -> list[str]:
        """Do what an operator asks; the ids it was done to."""
        now = self._now()
        if request.action == "flush" and not request.ids:
            everything = await self._all()
            self._schedule.hurry(now)
            self._pump()
            return list(everything)
        done = []
        for id in request.ids or await self._all():
            try:
                await self._one(id, request.action, now)
            except (NotQueued, BadEnvelope):
                continue
            done.append(id)
        self._pump()
        return done

    async def _all(self) -> tuple[str, ...]:
        return tuple(await self._threads.run(self._spool.queue.ids))

    async def _one(self, id: str, action: str, now: float) -> None:
        if action == "delete":
            await self._spool.read(id)
            await self._spool.remove(id)
            self._schedule.remove(id)
            return
        envelope = await self._spool.update(id, lambda current: requests.changed(current, action, now))
        if action == "hold":
            self._schedule.remove(id)
        elif action == "flush":
            self._schedule.hurry(now, id)
        elif not self._is_busy(id):
            self._take_up(envelope)
