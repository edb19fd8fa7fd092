"""Ties the caps on what accounts send to their house: their file, the log, and the notice to postmaster."""

import time
from datetime import UTC, datetime
from email.utils import format_datetime, make_msgid
from typing import Final

from twisted.internet.defer import Deferred

from mailaccess.config.sections import Settings
from mailaccess.delivery.caps import FILE, Cap, Caps, read, wanted, write
from mailaccess.delivery.local import LocalDelivery
from mailaccess.delivery.recipients import Recipients
from mailaccess.model.errors import MailError
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level
from mailaccess.service.outgoing import Reports

SAVE_EVERY: Final = 60.0
"""Seconds: what a kill -9 forgets at most."""


class SendingCaps:
    """Used on the reactor thread."""

    def __init__(
        self,
        settings: Settings,
        caps: tuple[Cap, ...],
        recipients: Recipients,
        delivery: LocalDelivery,
        threads: ThreadRunner,
        log: EventLog,
    ) -> None:
        self._settings = settings
        self._reports = Reports(recipients, delivery, log)
        self._threads = threads
        self._log = log
        self._path = settings.state_dir / FILE
        self.caps = Caps(caps, settings.sending.exempt, time.time, self._reached)
        try:
            self.caps.restore(read(self._path))
        except (OSError, ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            log.log("sending-counts-lost", Level.WARNING, path=str(self._path), error=str(error))

    def save(self) -> "Deferred[None]":
        """Write the counts down, if there is anything new."""
        return Deferred.fromCoroutine(self._save())

    async def _save(self) -> None:
        if not self.caps.changed:
            return
        try:
            await self._threads.run_in_order(("sending", ""), write, self._path, self.caps.snapshot())
        except OSError as error:
            self.caps.changed = True
            self._log.log("sending-counts-lost", Level.WARNING, path=str(self._path), error=str(error))

    def _reached(self, name: str, cap: Cap) -> None:
        self._log.log("sending-capped", Level.WARNING, user=name, cap=str(cap))
        if self._settings.sending.notify:
            Deferred.fromCoroutine(self._tell(name, cap))

    async def _tell(self, name: str, cap: Cap) -> None:
        postmaster = f"postmaster@{self._settings.domains[0]}"
        try:
            await self._reports.deliver(postmaster, notice(self._settings.hostname, postmaster, name, cap))
        except MailError as error:
            self._log.log("sending-notice-failed", Level.ERROR, user=name, error=error.detail or str(error))


def notice(hostname: str, postmaster: str, name: str, cap: Cap) -> bytes:
    """The mail to postmaster. name: an account's, so printable."""
    lines = (
        f"From: Mail server {hostname} <{postmaster}>",
        f"To: <{postmaster}>",
        f"Date: {format_datetime(datetime.now(UTC))}",
        f"Message-ID: {make_msgid(domain=hostname)}",
        f"Subject: Sending capped: {name}".encode("ascii", "replace").decode("ascii"),
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        f"The account {name} has sent as much to other domains as it may: {cap}.",
        "What it submits beyond that is refused for now (4xx); its mail program tries again, or tells the user.",
        "",
        "If this is not its user's doing, the password is known to somebody else: set another one",
        f"(mailadm user passwd {name}), and look at what waits (mailadm queue list).",
        "If it is, raise the caps in [sending], or name the account in sending.exempt.",
        "",
        "This is told once a day for an account.",
        "",
    )
    return "\r\n".join(lines).encode("utf-8")


def make_caps(
    settings: Settings, recipients: Recipients, delivery: LocalDelivery, threads: ThreadRunner, log: EventLog
) -> SendingCaps | None:
    """None where there is no cap, or nothing goes out."""
    caps = wanted(settings.sending)
    if not caps or not settings.relay.enabled or not settings.domains:
        return None
    return SendingCaps(settings, caps, recipients, delivery, threads, log)
