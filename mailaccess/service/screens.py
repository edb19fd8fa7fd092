"""Makes what looks at messages before they are taken, from the settings: nothing where they ask for nothing."""

import random
import time
from collections.abc import Awaitable
from ipaddress import ip_network
from typing import Any

from mailaccess.config.sections import Settings
from mailaccess.model.secret import Secret
from mailaccess.net.http import Http, within
from mailaccess.net.lookups import Lookups
from mailaccess.net.threads import Threads
from mailaccess.observe.events import EventLog
from mailaccess.relay.mx import resolver
from mailaccess.screening import keys
from mailaccess.screening.api import Screen, Verdict
from mailaccess.screening.authentication import Authentication, prepare
from mailaccess.screening.callables import THREADS, Callables, find
from mailaccess.screening.chain import Screening
from mailaccess.screening.rspamd import Rspamd
from mailaccess.screening.signing import Signer


class Screens:
    """``of`` a service. Raises BadFunction, OSError (rspamd's password) when made."""

    def __init__(self, settings: Settings, threads: Threads, log: EventLog, reactor: Any) -> None:
        self._log = log
        self._http: Http | None = None
        self._by_service: dict[str, list[Screen]] = {"smtp": [], "submission": [], "lmtp": []}
        if settings.smtp.authentication != "off":
            self._by_service["smtp"].append(_authentication(settings, threads, log, reactor))
        if settings.rspamd.url:
            self._http = Http(reactor)
            self._add(settings.rspamd.services, _rspamd(settings, self._http, log))
        if settings.hooks.python:
            # A pool of their own, never waited for: a function may hang, and nothing else may wait behind it.
            pool = Threads(reactor, THREADS, "hooks")

            async def bounded(waiting: Awaitable[Verdict | None], seconds: float) -> Verdict | None:
                return await within(reactor, waiting, seconds)

            for name in settings.hooks.python:
                screen = Callables(
                    name,
                    find(name, settings.hooks.folder),
                    pool,
                    bounded,
                    log,
                    seconds=settings.hooks.timeout,
                    largest=settings.hooks.message_size,
                )
                self._add(settings.hooks.services, screen)

    def _add(self, services: tuple[str, ...], screen: Screen) -> None:
        for service in services:
            self._by_service[service].append(screen)

    def of(self, service: str) -> Screening | None:
        """What looks at the messages of ``service``; None where nothing does."""
        screens = self._by_service[service]
        return Screening(screens, self._log) if screens else None

    async def close(self) -> None:
        """Let go of connections."""
        if self._http is not None:
            await self._http.close()


def _authentication(settings: Settings, threads: Threads, log: EventLog, reactor: Any) -> Authentication:
    prepare()
    return Authentication(
        Lookups(resolver(reactor, settings.relay.dns), reactor.seconds),
        threads,
        log,
        hostname=settings.hostname,
        enforce=settings.smtp.authentication == "enforce",
        seconds=settings.smtp.authentication_timeout,
        exempt=tuple(map(ip_network, settings.smtp.authentication_exempt)),
        clock=reactor.seconds,
        chance=random.random,
    )


def _rspamd(settings: Settings, http: Http, log: EventLog) -> Rspamd:
    file = settings.rspamd.password_file
    return Rspamd(
        http.post,
        log,
        url=settings.rspamd.url,
        password=None if file is None else Secret(file.read_text("utf-8").partition("\n")[0].strip()),
        seconds=settings.rspamd.timeout,
        largest=settings.rspamd.message_size,
        hostname=settings.hostname,
    )


def make_signer(settings: Settings, threads: Threads) -> Signer | None:
    """None where no domain signs. Raises BadKey, OSError."""
    if not settings.dkim.domains:
        return None
    folder = settings.dkim.folder or settings.state_dir / "dkim"
    found = {
        domain: [keys.load(folder, domain, selector.strip()) for selector in selectors.split(",")]
        for domain, selectors in settings.dkim.domains.items()
    }
    return Signer(found, settings.dkim.headers, threads, time.time)
