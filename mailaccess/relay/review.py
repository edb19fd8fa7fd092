"""Age and reports: gives up what is too old, and tells senders what they are to be told.

A report is made after the failure is written down and before it counts as reported: a kill between may repeat
a report, never swallow it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from secrets import token_hex
from typing import Final

from mailaccess.config.sections import Relay as Settings
from mailaccess.model.errors import MailError
from mailaccess.observe.events import EventLog, Level
from mailaccess.relay import dsn, outcomes
from mailaccess.spool.envelope import WAITING, BadEnvelope, Envelope, Recipient
from mailaccess.spool.queue import NotQueued
from mailaccess.spool.schedule import Schedule
from mailaccess.spool.spool import Spool

REPORT_RETRY: Final = 300.0
"""Seconds until a report that could not be delivered is tried again."""

Report = Callable[[str, bytes], Awaitable[None]]
"""Delivers a report to a sender's address; raises MailError if that must be tried again."""


class Reviewer:
    """Looks at messages whose age or failures call for it.

    report: where bounces go.  now: seconds since the epoch.  later: has a message reviewed once more.
    """

    def __init__(
        self,
        spool: Spool,
        schedule: Schedule,
        settings: Settings,
        log: EventLog,
        *,
        hostname: str,
        report: Report,
        now: Callable[[], float],
        later: Callable[[str], None],
    ) -> None:
        self._spool = spool
        self._schedule = schedule
        self._settings = settings
        self._log = log
        self._hostname = hostname
        self._report = report
        self._now = now
        self._later = later
        self._reviewing: dict[str, bool] = {}  # by message: whether to look once more

    @property
    def warns(self) -> bool:
        """Whether senders hear of delays at all."""
        return self._settings.delay_notice > 0

    async def review(self, id: str) -> None:
        """Give up what is too old, and tell the sender what is to be told; once at a time."""
        if id in self._reviewing:
            self._reviewing[id] = True
            return
        again = True
        while again:
            self._reviewing[id] = False
            try:
                await self._look_at(id)
            except NotQueued:  # deleted while the report was made
                self._schedule.remove(id)
            except OSError as error:  # the disk is full, or failing: what is to be told is told later
                self._log.log("queue-problem", Level.ERROR, queue_id=id, error=str(error))
                self._later(id)
            finally:
                again = self._reviewing.pop(id)

    async def _look_at(self, id: str) -> None:
        now = self._now()
        try:
            envelope = await self._spool.settle(id, self._expired(now))
        except (NotQueued, BadEnvelope):
            self._schedule.remove(id)
            return
        if not envelope.waiting:
            self._schedule.remove(id)
        if envelope.finished:
            return
        if self.warns and now - envelope.created >= self._settings.delay_notice:
            await self._warn(envelope)
        pending = dsn.due(envelope)
        for action, recipients in pending.items():
            if not await self._send_report(envelope, action, recipients):
                self._later(id)
                return
        await self._mark(id, lambda each: replace(each, reported=each.reported or each.state != WAITING))

    def _expired(self, now: float) -> Callable[[Envelope], Envelope]:
        def change(current: Envelope) -> Envelope:
            if now - current.created < self._settings.lifetime or current.held:
                return current
            return current.with_recipients(
                lambda each: outcomes.give_up(each, now) if each.state == WAITING else each
            )

        return change

    async def _warn(self, envelope: Envelope) -> None:
        late = [each for each in envelope.waiting if not each.warned]
        wanted = [each for each in late if dsn.wanted(each, dsn.DELAY)]
        if wanted and envelope.sender and not await self._send_report(envelope, dsn.DELAY, wanted):
            return
        if late:
            await self._mark(
                envelope.id, lambda each: replace(each, warned=each.warned or each.state == WAITING)
            )

    async def _mark(self, id: str, change: Callable[[Recipient], Recipient]) -> None:
        try:
            await self._spool.settle(id, lambda current: current.with_recipients(change))
        except NotQueued:
            pass

    async def _send_report(self, envelope: Envelope, action: str, recipients: list[Recipient]) -> bool:
        """Whether the sender was told, or cannot be."""
        most = dsn.MAX_FULL + 1 if envelope.ret == "FULL" and action == dsn.FAILURE else dsn.MAX_HEADER
        octets = dsn.report(
            envelope,
            action,
            recipients,
            await self._spool.head(envelope.id, most),
            hostname=self._hostname,
            now=self._now(),
            message_id=f"{token_hex(8)}.{envelope.id}",
            until=envelope.created + self._settings.lifetime,
        )
        problem = ""
        try:
            await self._report(envelope.sender, octets)
        except MailError as error:
            problem = error.detail or str(error)
        self._log.log(
            {dsn.FAILURE: "bounced", dsn.DELAY: "delay-told"}.get(action, "delivery-told"),
            Level.WARNING if problem else Level.INFO,
            queue_id=envelope.id,
            sender=envelope.sender,
            recipients=len(recipients),
            error=problem or None,
        )
        return not problem
