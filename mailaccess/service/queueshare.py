"""The queue of outgoing mail among workers: one owns it and sends, the others put messages in and say so.

Ownership is the lock in the queue's folder, which the kernel gives up with its owner: no worker is appointed, and
none has to live. What is put in while nobody owns the queue is found by the next owner, who reads all of it; a
notice that got lost, by the owner's look for what is new.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level
from mailaccess.relay.runner import QueueInUse, Relay
from mailaccess.spool.envelope import Envelope
from mailaccess.spool.spool import Spool

TRY_SECONDS: Final = 1.0
"""Between two tries to become the owner: one system call."""

PATIENCE: Final = 10.0
"""Twice what a relay gives its attempts when it stops."""

SWEEP_SECONDS: Final = 30.0
"""Between the owner's looks for messages of which it was not told."""

SWEPT: Final = 3600
"""Seconds back to which such a look goes: a message's id is as old as its transaction."""


class QueueShare:
    """One worker's. tell: of a message that another owner shall take up.  now: seconds since the epoch."""

    def __init__(
        self,
        relay: Relay,
        spool: Spool,
        threads: ThreadRunner,
        log: EventLog,
        reactor: Any,
        *,
        tell: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._relay = relay
        self._spool = spool
        self._threads = threads
        self._log = log
        self._now = now
        self._tell = tell
        self._owns = False
        self._loading = True
        self._stopped = False
        self._heard: list[str] = []
        self._trying = LoopingCall(self._try)
        self._sweeping = LoopingCall(self._sweep)
        self._trying.clock = self._sweeping.clock = reactor

    def attend(self, *, first: bool) -> None:
        """Before a connection can put anything in; blocks for a moment. Raises OSError.

        first: no other worker runs yet, so that the queue must be to be had: raises QueueInUse where it belongs to
        another server, after ``PATIENCE`` seconds, for one that was killed may leave workers that are still ending.
        """
        self._spool.queue.attend()
        self._spool.wake = self._put_in
        end = time.monotonic() + (PATIENCE if first else 0)
        while True:
            try:
                self._relay.own()
            except QueueInUse:
                if not first:
                    return
                if time.monotonic() >= end:
                    raise
                time.sleep(TRY_SECONDS / 10)
            else:
                self._owned()
                return

    def start(self) -> None:
        """Send, or wait for the chance to."""
        if self._owns:
            self._begin()
        else:
            self._trying.start(TRY_SECONDS, now=False)

    def stop(self) -> None:
        """Try and look no more; the relay is the caller's to stop."""
        self._stopped = True
        for loop in (self._trying, self._sweeping):
            if loop.running:
                loop.stop()

    def hear(self, ids: list[str]) -> None:
        """Another worker has put these in."""
        if not self._owns:
            return
        if self._loading:
            self._heard += ids
        else:
            Deferred.fromCoroutine(self._relay.hear(ids))

    def _put_in(self, envelope: Envelope) -> None:
        """While we are not the relay: once it has started, it is told itself."""
        if self._owns:
            self._heard.append(envelope.id)
        else:
            self._tell(envelope.id)

    def _owned(self) -> None:
        self._owns = True
        self._log.log("queue-owned")

    def _try(self) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._take())

    async def _take(self) -> None:
        try:
            await self._threads.run(self._relay.own)
        except QueueInUse:
            return
        except OSError as error:
            self._log.log("queue-problem", Level.ERROR, error=str(error))
            return
        if self._stopped:
            self._spool.queue.unlock()
            return
        self._owned()
        self._trying.stop()
        self._begin()

    def _begin(self) -> None:
        Deferred.fromCoroutine(self._load())

    async def _load(self) -> None:
        await self._relay.start()
        heard, self._heard = self._heard, []
        self._loading = False
        await self._relay.hear(heard)
        if not self._stopped:
            self._sweeping.start(SWEEP_SECONDS, now=False)

    async def _look(self) -> None:
        since = f"{max(0, int((self._now() - SWEPT) * 1000)):011x}"
        ids = await self._threads.run(self._spool.queue.ids)
        await self._relay.hear([id for id in ids if id >= since])

    def _sweep(self) -> "Deferred[None]":
        looking = Deferred.fromCoroutine(self._look())
        looking.addErrback(
            lambda failure: self._log.log("queue-problem", Level.ERROR, error=str(failure.value))
        )
        return looking
