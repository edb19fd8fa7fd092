"""Ties the relay to its house: the queue's folder, what is ourselves, and where reports go."""

import ipaddress
import os
import pwd
import time
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

from mailaccess.config.sections import Settings
from mailaccess.delivery.api import Destination, Drop, Envelope, ForeignRecipient, Onward, UnknownRecipient
from mailaccess.delivery.local import LocalDelivery
from mailaccess.delivery.recipients import Recipients
from mailaccess.delivery.srs import Rewriting
from mailaccess.model.secret import Secret
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level
from mailaccess.proto.smtp.address import BadAddress
from mailaccess.proto.smtp.address import parse as parse_address
from mailaccess.relay.dialer import make_dialer
from mailaccess.relay.mtasts import FOLDER as STS_FOLDER
from mailaccess.relay.mtasts import PolicyFiles
from mailaccess.relay.routes import Routes, read_logins, split
from mailaccess.relay.runner import Relay
from mailaccess.relay.trust import trusted
from mailaccess.spool.queue import FOLDER, Queue
from mailaccess.spool.spool import Spool

SRS_SECRET: Final = "srs.secret"
"""The file in ``state_dir``: if it is lost, bounces of what was forwarded before are refused."""


def make_spool(settings: Settings, threads: ThreadRunner) -> Spool | None:
    """The queue of outgoing mail; None where there is no relay."""
    if not settings.relay.enabled:
        return None
    return Spool(Queue(settings.state_dir / FOLDER, sync=settings.store.fsync), threads)


def make_relay(
    settings: Settings,
    spool: Spool,
    recipients: Recipients,
    delivery: LocalDelivery,
    threads: ThreadRunner,
    log: EventLog,
    reactor: Any,
) -> Relay:
    """Raises OSError (the files of passwords and certificates, or what stands in them)."""
    own = _own(settings)
    logins = trust = None
    try:
        if settings.relay.logins_file is not None:
            logins = read_logins(settings.relay.logins_file)
        if settings.relay.ca_file is not None:
            trust = trusted(settings.relay.ca_file)
    except ValueError as error:
        raise OSError(str(error)) from None
    file = settings.relay.password_file
    password = Secret(file.read_text("utf-8").partition("\n")[0].strip()) if file is not None else None
    dialer = make_dialer(
        settings.relay,
        threads,
        log,
        reactor,
        hostname=settings.hostname,
        is_own=lambda name: name in own,
        now=time.time,
        trust=trust,
        policies=PolicyFiles(settings.state_dir / STS_FOLDER) if settings.relay.mta_sts else None,
    )
    return Relay(
        spool,
        settings.relay,
        threads,
        log,
        reactor,
        routes=Routes(settings.relay, password, logins),
        dialer=dialer,
        hostname=settings.hostname,
        report=Reports(recipients, delivery, log).deliver,
        now=time.time,
    )


def make_rewriting(settings: Settings, recipients: Recipients) -> Rewriting | None:
    """Rewrites forwarded senders, with the secret in ``state_dir``; None where nothing is forwarded.

    Raises OSError.
    """
    if not (settings.relay.enabled and settings.relay.srs and settings.domains):
        return None
    return Rewriting(
        secrets(settings.state_dir / SRS_SECRET, settings.process.user),
        settings.domains[0],
        recipients.is_local,
        time.time,
    )


def secrets(path: Path, user: str = "") -> tuple[bytes, ...]:
    """The file's lines, the first of which makes new hashes; a new file where there is none. Raises OSError.

    user: whose the new file is, where we are still root.
    """
    with suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{token_hex(32)}\n")
            if user and os.geteuid() == 0:
                entry = pwd.getpwnam(user)
                os.chown(file.fileno(), entry.pw_uid, entry.pw_gid)
    found = tuple(line.strip() for line in path.read_bytes().splitlines() if line.strip())
    if not found:
        raise OSError(f"{path} holds no secret; remove it, and a new one is made")
    return found


def _own(settings: Settings) -> frozenset[str]:
    """Our name, and the addresses on which we take mail on the port to which others' mail is sent."""
    own = {settings.hostname.lower()}
    for text in settings.listen.smtp:
        host, port = split(text)
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            continue
        if port == settings.relay.port and not address.is_unspecified:
            own.add(str(address))
    return frozenset(own)


class Reports:
    """Delivers bounces and notices: to our accounts at once, to others by the queue."""

    def __init__(self, recipients: Recipients, delivery: LocalDelivery, log: EventLog) -> None:
        self._recipients = recipients
        self._delivery = delivery
        self._log = log

    async def deliver(self, sender: str, octets: bytes) -> None:
        """Raises MailError where it must be tried again; whom nobody knows is told nothing, and that is logged."""
        targets: tuple[Destination, ...]
        try:
            address = parse_address(sender)
            if self._recipients.is_local(address):
                targets = await self._recipients.resolve(address)
            else:
                targets = (Onward(address),)
        except (BadAddress, UnknownRecipient, ForeignRecipient) as error:
            self._log.log("report-dropped", Level.WARNING, recipient=sender, error=str(error))
            return
        drops = [Drop(target, sender) for target in targets]
        delivery = self._delivery.begin(drops, Envelope("", "relay", smtputf8=not sender.isascii()))
        try:
            await delivery.write(octets)
            outcomes = await delivery.finish()
        finally:
            await delivery.abort()
        for outcome in outcomes:
            if outcome.error is not None:
                delivery.not_told(outcomes)
                raise outcome.error
