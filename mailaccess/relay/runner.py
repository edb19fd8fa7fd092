"""The motor: takes due messages to their destinations, writes down what became of them, reports to senders.

A worker is a coroutine with one conversation. It takes a job, makes the attempt, settles it, and goes on with the
next message for the same destination on the same connection while there is one. A round of a message ends with
its last destination; then whoever still waits gets the next time. What was settled is on disk before the next
step, so a kill -9 can repeat the delivery that was under way (SMTP cannot tell, RFC 1047) but loses nothing. While the
disk takes nothing, nothing is sent: whoever has a message would get it again.

What is told to senders is ``review``'s affair.
"""

import errno
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from twisted.internet.defer import Deferred

from mailaccess.config.sections import Relay as Settings
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level
from mailaccess.proto.smtp.address import domain_key
from mailaccess.relay import outcomes
from mailaccess.relay.attempt import deliver
from mailaccess.relay.dialer import Approach, Dialer, Open
from mailaccess.relay.operator import Operator
from mailaccess.relay.review import REPORT_RETRY, Report, Reviewer
from mailaccess.relay.routes import Route, Routes
from mailaccess.relay.tasks import Tasks
from mailaccess.relay.verdict import Unreachable, Verdict
from mailaccess.spool.envelope import DELIVERED, FAILED, WAITING, BadEnvelope, Envelope, Recipient
from mailaccess.spool.queue import NotQueued
from mailaccess.spool.schedule import Job, Schedule
from mailaccess.spool.spool import Spool

LOOK_FOR_REQUESTS: Final = 1.0
"""Seconds between looks for what ``mailadm queue`` asks."""

READ_AT_ONCE: Final = 200
"""Envelopes read in a thread at a time when the queue is taken up."""

GRACE: Final = 5.0
"""Seconds that attempts under way have when the server stops."""

WRITE_AGAIN: Final = 30.0
"""Seconds until what became of a message is written down again, where the disk did not take it."""

NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""With these no message's fate can be written down: nothing more is sent until one can."""

MESSAGES_A_CONNECTION: Final = 100
"""Then a new one is opened: other hosts of the destination have their share."""


@dataclass(frozen=True, slots=True)
class _Result:
    """What one try found out. secure: whether by TLS; None: nobody was spoken to."""

    envelope: Envelope
    recipients: list[Recipient]
    verdicts: list[Verdict]
    secure: bool | None = None


class QueueInUse(Exception):
    """Another process owns the queue's folder."""


class Relay:
    """One for a process, used on the reactor thread.

    routes, dialer: where mail goes, and how it gets there.  report: where bounces go.
    now: seconds since the epoch.
    """

    def __init__(
        self,
        spool: Spool,
        settings: Settings,
        threads: ThreadRunner,
        log: EventLog,
        reactor: Any,
        *,
        routes: Routes,
        dialer: Dialer,
        hostname: str,
        report: Report,
        now: Callable[[], float],
    ) -> None:
        self._spool = spool
        self._settings = settings
        self._threads = threads
        self._log = log
        self._reactor = reactor
        self._now = now
        self._routes = routes
        self._dialer = dialer
        self.schedule = _schedule(settings)
        self._tasks = Tasks(reactor, log)
        self._reviewer = Reviewer(
            spool,
            self.schedule,
            settings,
            log,
            hostname=hostname,
            report=report,
            now=now,
            later=lambda id: self._tasks.later(REPORT_RETRY, lambda: self._review(id)),
        )
        self.operator = Operator(
            spool,
            self.schedule,
            threads,
            log,
            now=now,
            pump=self._pump,
            take_up=self._take_up,
            is_busy=lambda id: id in self._busy,
        )
        self._busy: dict[str, int] = {}  # messages with jobs that run
        self._open: set[Open] = set()
        self._alarm: Any = None
        self._stopping = True
        self._found: list[str] = []
        self._finished: set[str] = set()
        self._unwritten = 0  # messages whose fate waits for room on the disk

    # Start and stop.

    async def start(self) -> None:
        """Take up what waits; what comes meanwhile waits its turn too. ``own`` was called before."""
        self._stopping = False  # never before: what is acknowledged without us is found by the next start
        self._spool.wake = self.added
        found = self._spool.queue.envelopes(self._found)
        count = 0
        while batch := await self._threads.run(_some, found):
            if self._stopping:
                return
            count += len(batch)
            for envelope in batch:
                self._take_up(envelope)
            self._pump()
        if count:
            self._log.log("queue-loaded", messages=count)
        self._tasks.later(LOOK_FOR_REQUESTS, self._look_for_requests)

    async def hear(self, ids: Iterable[str]) -> None:
        """Take up messages that another process has put into the queue; those known are passed over."""
        strange = [id for id in ids if not self._knows(id)]
        if strange and not self._stopping:
            for envelope in await self._threads.run(lambda: list(self._spool.queue.envelopes(strange))):
                if not self._stopping and not self._knows(envelope.id):
                    self._take_up(envelope)
            self._pump()

    def _knows(self, id: str) -> bool:
        return id in self.schedule or id in self._busy or id in self._finished

    def own(self) -> None:
        """Take the queue before anything may be put into it; blocks for a moment. Raises QueueInUse, OSError."""
        if not self._spool.queue.lock():
            raise QueueInUse(f"another process has the queue in {self._spool.queue.folder}")
        self._found = self._spool.queue.clean()

    async def stop(self) -> None:
        """No new attempts; those under way have ``GRACE`` seconds."""
        self._stopping = True
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()
        cut = self._reactor.callLater(GRACE, self._cut)
        await self._tasks.end()
        if cut.active():
            cut.cancel()
        self._spool.queue.unlock()

    def _cut(self) -> None:
        for each in tuple(self._open):
            each.connection.abort("This server is stopping")

    @property
    def waiting(self) -> int:
        """Messages in the queue that are not held."""
        return len(self.schedule)

    # What comes in.

    def added(self, envelope: Envelope) -> None:
        """A new message is on disk."""
        if not self._stopping:
            self._take_up(envelope)
            self._pump()

    def _take_up(self, envelope: Envelope) -> None:
        waiting = envelope.waiting
        if not waiting:
            self._tasks.spawn(self._review(envelope.id))
        elif not envelope.held:
            self.schedule.add(
                envelope.id,
                due=envelope.due,
                created=envelope.created,
                owner=envelope.owner,
                destinations=self._destinations(envelope),
                told=int(self._reviewer.warns and all(each.warned for each in waiting)),
            )

    def _route(self, envelope: Envelope, recipient: Recipient) -> Route:
        sender = envelope.sender.rpartition("@")[2]
        return self._routes.of(domain_key(recipient.domain), domain_key(sender) if sender else "")

    def _destinations(self, envelope: Envelope) -> list[str]:
        return list(dict.fromkeys(self._route(envelope, each).destination for each in envelope.waiting))

    # The motor.

    def _pump(self) -> None:
        """Start what may start, and set the alarm for what may later."""
        if self._stopping or self._unwritten:
            return
        now = self._now()
        while (job := self.schedule.take(now)) is not None:
            self._busy[job.id] = self._busy.get(job.id, 0) + 1
            self._tasks.spawn(self._work(job))
        for id in self.schedule.aged(now):
            if id not in self._busy:  # else the round's end looks at its age
                self._tasks.spawn(self._review(id))
        when = self.schedule.next_time(now)
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()
        self._alarm = None
        if when is not None:
            self._alarm = self._reactor.callLater(min(3600.0, max(0.05, when - now)), self._pump)

    async def _work(self, job: Job) -> None:
        """A worker: this job, then others for the same destination while the connection is good.

        What became of a message is written down while the next one is on its way, one behind at most.
        """
        conversation: Open | None = None
        writing: Deferred[None] | None = None
        following: Job | None = job
        try:
            while following is not None:
                job, result = following, None
                try:
                    conversation, result = await self._attempt(job, conversation)
                finally:
                    self.schedule.freed(job)
                    if writing is not None:
                        await writing
                    writing = self._tasks.spawn(self._conclude(job, result))
                following = None
                if conversation is not None and not self._stopping and not self._unwritten:
                    connection = conversation.connection
                    if connection.usable and connection.sent < MESSAGES_A_CONNECTION:
                        following = self.schedule.take(self._now(), job.destination)
                if following is not None:
                    self._busy[following.id] = self._busy.get(following.id, 0) + 1
        finally:
            if conversation is not None:
                self._close(conversation)
            self._pump()
            if writing is not None:
                await writing
                self._pump()  # only now is it known when the last message is tried again

    async def _conclude(self, job: Job, result: _Result | None) -> None:
        try:
            if result is not None:
                await self._settle(result)
        finally:
            await self._ended(job)

    async def _attempt(self, job: Job, conversation: Open | None) -> tuple[Open | None, _Result | None]:
        """One try; the conversation to go on with, and what is to be written down."""
        try:
            envelope = await self._spool.read(job.id)
        except (NotQueued, BadEnvelope):
            return conversation, None
        recipients = [
            each for each in envelope.waiting if self._route(envelope, each).destination == job.destination
        ]
        if not recipients or envelope.held:
            return conversation, None
        approach: Approach | None = None
        verdicts: list[Verdict] = []
        while True:
            if conversation is None:
                approach = approach or self._dialer.approach(self._route(envelope, recipients[0]))
                try:
                    conversation = await self._open_next(job, approach)
                except Unreachable as problem:
                    if not verdicts and problem.verdict.state == WAITING:
                        self.schedule.unreachable(job.destination, self._now())
                    return None, _Result(
                        envelope, recipients, verdicts or [problem.verdict] * len(recipients)
                    )
            try:
                outcome = await deliver(conversation, envelope, recipients, lambda: self._spool.body(job.id))
            except Exception as error:
                self._close(conversation, "The message could not be read")
                if isinstance(error, NotQueued):  # deleted while it was sent
                    return None, None
                raise
            verdicts = outcome.verdicts
            if not outcome.turned_away or self._stopping:
                break
            self._close(conversation)  # another host may take it, or the same one on a new connection
            conversation = None
        return conversation, _Result(envelope, recipients, verdicts, conversation.connection.secure)

    async def _open_next(self, job: Job, approach: Approach) -> Open:
        """A conversation with a host that was not tried yet. Raises Unreachable."""
        conversation = await approach.next()
        self._open.add(conversation)
        self.schedule.reached(job.destination)
        self._pump()  # more of its line may be on their way now
        return conversation

    def _close(self, conversation: Open, why: str = "") -> None:
        """Say goodbye; with ``why``, break off."""
        self._open.discard(conversation)
        if why:
            conversation.connection.abort(why)
        else:
            conversation.connection.quit()

    async def _settle(self, result: _Result) -> None:
        """Write the verdicts down, and log them."""
        now = self._now()
        envelope, recipients, verdicts = result.envelope, result.recipients, result.verdicts
        by_address = {each.address: verdict for each, verdict in zip(recipients, verdicts, strict=True)}

        def change(current: Envelope) -> Envelope:
            return current.with_recipients(
                lambda each: outcomes.after(each, by_address.get(each.address), now, current)
            )

        try:
            if (await self._written(envelope.id, change)).finished:
                self._finished.add(envelope.id)
        except NotQueued:  # deleted meanwhile
            self._finished.add(envelope.id)
        for address, verdict in by_address.items():
            self._tell(envelope, address, verdict, result.secure)
        if any(verdict.state == FAILED for verdict in verdicts):
            await self._review(envelope.id)  # the sender hears of it now, whoever else still waits

    async def _written(self, id: str, change: Callable[[Envelope], Envelope]) -> Envelope:
        """``Spool.settle``, tried until the disk takes it.

        Raises NotQueued, BadEnvelope; OSError when we are stopping.
        """
        waits = False
        try:
            while True:
                try:
                    return await self._spool.settle(id, change)
                except OSError as error:
                    self._log.log("queue-problem", Level.ERROR, queue_id=id, error=str(error))
                    if self._stopping:
                        raise
                    if not waits and error.errno in NO_ROOM:
                        waits = True
                        self._unwritten += 1
                await self._tasks.pause(WRITE_AGAIN)
        finally:
            self._unwritten -= waits
            if waits:
                self._pump()

    def _tell(self, envelope: Envelope, address: str, verdict: Verdict, secure: bool | None) -> None:
        event = {DELIVERED: "relayed", WAITING: "deferred", FAILED: "relay-failed"}[verdict.state]
        self._log.log(
            event,
            Level.INFO,
            queue_id=envelope.id,
            sender=envelope.sender,
            recipient=address,
            host=verdict.host or None,
            tls=secure,
            status=verdict.status,
            reply=verdict.text,
            seconds=round(self._now() - envelope.created, 3),
        )

    async def _ended(self, job: Job) -> None:
        """A job has ended; with a message's last one its round has."""
        left = self._busy.get(job.id, 1) - 1
        if left:
            self._busy[job.id] = left
        else:
            self._busy.pop(job.id, None)
        self.schedule.done(job, freed=True)
        if job.id in self._busy or self.schedule.in_line(job.id):
            return
        if job.id in self._finished:
            self._finished.discard(job.id)
            self.schedule.remove(job.id)
        else:
            await self._round_over(job.id)

    async def _round_over(self, id: str) -> None:
        now = self._now()
        first, longest = self._settings.retry_first, self._settings.retry_longest
        try:
            envelope = await self._written(
                id, lambda current: outcomes.next_round(current, now, first, longest)
            )
        except (NotQueued, BadEnvelope) as error:
            if isinstance(error, BadEnvelope):
                self._log.log("queue-problem", Level.ERROR, queue_id=id, error=str(error))
            self.schedule.remove(id)
            return
        if not envelope.waiting or envelope.held:
            self.schedule.remove(id)
        elif id in self.schedule:
            self.schedule.again(id, envelope.due, self._destinations(envelope))
        else:  # held and released while it was tried
            self._take_up(envelope)
        if not envelope.finished:
            await self._review(id)

    async def _review(self, id: str) -> None:
        await self._reviewer.review(id)

    async def _look_for_requests(self) -> None:
        try:
            await self.operator.look()
        finally:
            self._tasks.later(LOOK_FOR_REQUESTS, self._look_for_requests)


def _schedule(settings: Settings) -> Schedule:
    return Schedule(
        per_destination=settings.connections_per_destination,
        total=settings.connections,
        ages=[float(age) for age in (settings.delay_notice, settings.lifetime) if age],
        first_retry=settings.retry_first,
        longest_retry=settings.retry_longest,
    )


def _some(found: Iterable[Envelope]) -> list[Envelope]:
    return list(islice(found, READ_AT_ONCE))
