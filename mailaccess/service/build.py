"""Makes the engines from the settings and hands them to the conversations: the one place that knows all."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from twisted.internet import task
from twisted.internet.protocol import Protocol

from mailaccess.auth.accounts import within
from mailaccess.auth.api import Authenticator
from mailaccess.auth.making import make_authenticator, unclaimed
from mailaccess.auth.throttle import Throttle
from mailaccess.authsocket import house as auth_house
from mailaccess.authsocket.protocol import AuthProtocol
from mailaccess.authsocket.session import Conversation, Logins, Lookups
from mailaccess.config import clients
from mailaccess.config.clients import ClientProfile
from mailaccess.config.sections import Imap, Settings
from mailaccess.delivery.local import LocalDelivery
from mailaccess.delivery.recipients import Recipients
from mailaccess.imap import house as imap_house
from mailaccess.imap import protocol as imap_protocol
from mailaccess.net.coarse import CoarseClock
from mailaccess.net.endpoints import Door
from mailaccess.net.limits import ConnectionLimits, Place
from mailaccess.net.served import is_local
from mailaccess.net.threads import Threads
from mailaccess.net.tls import ServerTls
from mailaccess.observe.events import EventLog
from mailaccess.pop3 import house as pop3_house
from mailaccess.pop3 import protocol as pop3_protocol
from mailaccess.relay.runner import Relay
from mailaccess.service.capped import SendingCaps, make_caps
from mailaccess.service.outgoing import make_relay, make_rewriting, make_spool
from mailaccess.service.screens import Screens, make_signer
from mailaccess.smtp import house as smtp_house
from mailaccess.smtp import protocol as smtp_protocol
from mailaccess.smtp.inbound import Inbound
from mailaccess.smtp.lmtp import Lmtp
from mailaccess.smtp.policy import Policy
from mailaccess.smtp.submission import Submission
from mailaccess.spool.spool import Spool
from mailaccess.store.api import Store
from mailaccess.store.engine import MaildirStore
from mailaccess.store.public import SHARES_FILE, public_locations
from mailaccess.store.watch import InotifyWatcher
from mailaccess.store.worker import Worker

ADDRESSES_KEPT = 4_096
"""Of which it is known whether they are trusted: asked several times for each connection."""


@dataclass(frozen=True, slots=True)
class Entrance:
    """One kind of listener. ``over_tls``: TLS from the first octet."""

    door: Door
    over_tls: bool = False


Entrances = dict[str, Entrance]


@dataclass(slots=True)
class Built:
    """What the service runs and closes. ``entrances``: by their names in ``[listen]``."""

    threads: Threads
    limits: ConnectionLimits
    tls: ServerTls | None
    entrances: Entrances
    store: Store
    worker: Worker
    watcher: InotifyWatcher
    screens: Screens
    imap: imap_house.House
    relay: Relay | None = None
    caps: SendingCaps | None = None
    spool: Spool | None = None
    throttle: Throttle | None = None

    @property
    def pending(self) -> int:
        """Blocking calls that wait or run."""
        return self.threads.pending

    async def close(self) -> None:
        """Finish what the engines owe; the connections have ended."""
        if self.relay is not None:
            await self.relay.stop()
        await self.screens.close()
        if self.caps is not None:
            await self.caps.save()
        await self.threads.idle()
        await self.store.close()
        self.watcher.stop()
        self.worker.stop()
        self.threads.stop()


@dataclass(frozen=True, slots=True)
class _Common:
    """What the conversations are made of.

    trusted: whether passwords from this address need no TLS.
    """

    settings: Settings
    reactor: Any
    log: EventLog
    threads: Threads
    limits: ConnectionLimits
    tls: ServerTls | None
    authenticator: Authenticator
    store: Store
    trusted: Callable[[str], bool]


def build(settings: Settings, reactor: Any, log: EventLog, *, workers: int = 1, key: bytes = b"") -> Built:
    """All engines and entrances. Raises TlsError, BadKey, BadFunction, OSError (the smarthost's password).

    workers: processes that do this, each of which has its part of what cannot be shared.  key: of what they share of
    failed logins.
    """
    tls = None
    if settings.tls.certificate is not None and settings.tls.key is not None:
        tls = ServerTls(settings.tls.certificate, settings.tls.key, settings.tls.minimum)
    limits = ConnectionLimits(
        settings.limits.connections,
        settings.limits.connections_per_address,
        settings.limits.connections_per_user,
        -(-settings.limits.unauthenticated // workers),
    )
    # Two pools: a login's hash never waits behind a slow disk, nor the disk behind a hundred logins.
    threads = Threads(reactor, settings.process.threads)
    worker = Worker(reactor, settings.process.threads)
    watcher = InotifyWatcher(reactor)
    store = MaildirStore(
        settings.store,
        worker,
        watcher,
        log,
        time.time,
        shares=settings.state_dir / SHARES_FILE,
        processes=-(-settings.process.helpers // workers),
    )
    networks = tuple(ipaddress.ip_network(text, strict=False) for text in settings.auth.trusted_networks)
    authenticator = make_authenticator(
        settings,
        threads,
        log,
        clock=reactor.seconds,
        sleep=lambda seconds: task.deferLater(reactor, seconds),
        key=key,
    )
    common = _Common(
        settings,
        reactor,
        log,
        threads,
        limits,
        tls,
        authenticator,
        store,
        lru_cache(ADDRESSES_KEPT)(lambda address: is_local(address) or within(address, networks)),
    )
    mail_in, relay, screens, caps, spool = _smtp(common)
    imap = _imap_house(common)
    entrances = {**_imap(common, imap), **_pop3(common), **mail_in, **_auth(common)}
    return Built(
        threads,
        limits,
        tls,
        entrances,
        store,
        worker,
        watcher,
        screens,
        imap,
        relay,
        caps,
        spool,
        authenticator.throttle,
    )


def _imap_house(common: _Common) -> imap_house.House:
    settings = common.settings
    return imap_house.House(
        common.authenticator,
        common.store,
        settings.imap,
        common.threads,
        common.log,
        message_size=settings.store.message_size,
        tls_required=settings.tls.required,
        is_trusted=common.trusted,
        profiles=client_profiles(settings.imap),
        sharing=settings.sharing,
        public=public_locations(settings),
        default_domain=settings.domains[0] if settings.domains else "",
    )


def _imap(common: _Common, house: imap_house.House) -> Entrances:
    clock = CoarseClock(common.reactor)

    def plain(place: Place) -> Protocol:
        return imap_protocol.ImapProtocol(house, clock, place, tls=common.tls)

    def encrypted(place: Place) -> Protocol:
        return imap_protocol.ImapProtocol(house, clock, place, encrypted=True)

    return {
        "imap": Entrance(Door(plain, common.limits, imap_protocol.FULL)),
        "imaps": Entrance(Door(encrypted, common.limits), over_tls=True),
    }


def client_profiles(settings: Imap) -> tuple[ClientProfile, ...]:
    """The administrator's profiles of mail programs, then those that come with the server.

    Raises ConfigError.
    """
    own = () if settings.clients is None else clients.read(settings.clients)
    return own + clients.shipped()


def _pop3(common: _Common) -> Entrances:
    settings = common.settings
    house = pop3_house.House(
        common.authenticator,
        common.store,
        settings.pop3,
        common.threads,
        common.log,
        hostname=settings.hostname,
        tls_required=settings.tls.required,
        is_trusted=common.trusted,
    )

    def plain(place: Place) -> Protocol:
        return pop3_protocol.Pop3Protocol(house, place, tls=common.tls, reactor=common.reactor)

    def encrypted(place: Place) -> Protocol:
        return pop3_protocol.Pop3Protocol(house, place, reactor=common.reactor)

    return {
        "pop3": Entrance(Door(plain, common.limits, pop3_protocol.FULL)),
        "pop3s": Entrance(Door(encrypted, common.limits), over_tls=True),
    }


def _auth(common: _Common) -> Entrances:
    house = auth_house.House(common.authenticator, common.log)

    def door(converse: Callable[[auth_house.House, auth_house.Wire], Conversation]) -> Entrance:
        def made(place: Place) -> Protocol:
            return AuthProtocol(house, converse, place, common.reactor)

        return Entrance(Door(made, common.limits))

    return {"auth": door(Logins), "auth_userdb": door(Lookups)}


def _smtp(
    common: _Common,
) -> tuple[Entrances, Relay | None, Screens, SendingCaps | None, Spool | None]:
    settings = common.settings
    spool = make_spool(settings, common.threads)
    recipients = Recipients(
        common.authenticator,
        settings.smtp,
        settings.domains,
        common.threads,
        common.log,
        relays=spool is not None,
        unclaimed=partial(unclaimed, settings),
    )
    rewriting = recipients.rewriting = make_rewriting(settings, recipients)
    delivery = LocalDelivery(
        common.store,
        common.threads,
        common.log,
        limit=settings.store.message_size,
        spool=settings.state_dir / "spool",
        detail_mailbox=settings.smtp.detail_mailbox,
        queue=spool,
        forwarded_sender=rewriting.sender if rewriting is not None else None,
    )
    relay = None
    if spool is not None:
        relay = make_relay(settings, spool, recipients, delivery, common.threads, common.log, common.reactor)
    house = smtp_house.House(
        common.authenticator,
        recipients,
        delivery,
        settings.smtp,
        common.log,
        hostname=settings.hostname,
        message_size=settings.store.message_size,
        tls_required=settings.tls.required,
        is_trusted=common.trusted,
    )

    def door(policy: Policy, *, over_tls: bool = False, per_address: int = 0) -> Entrance:
        def made(place: Place) -> Protocol:
            tls = None if over_tls else common.tls
            return smtp_protocol.SmtpProtocol(house, policy, place, tls=tls, reactor=common.reactor)

        full = b"" if over_tls else smtp_protocol.FULL
        return Entrance(Door(made, common.limits, full, per_address=per_address, name="smtp"), over_tls)

    screens = Screens(settings, common.threads, common.log, common.reactor)
    signer = make_signer(settings, common.threads)
    submission = Submission(house, screening=screens.of("submission"), signer=signer)
    caps = make_caps(settings, recipients, delivery, common.threads, common.log)
    submission.caps = caps.caps if caps is not None else None
    entrances = {
        "smtp": door(
            Inbound(house, screening=screens.of("smtp")), per_address=settings.smtp.connections_per_address
        ),
        "submission": door(submission),
        "submissions": door(submission, over_tls=True),
        "lmtp": door(Lmtp(house, screening=screens.of("lmtp"))),
    }
    return entrances, relay, screens, caps, spool
