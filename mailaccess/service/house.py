"""The running service: opens the doors, watches over certificate and loop, closes in order.

Start: engines are built, then listeners opened (ports below 1024 need root), then root is given up.
Everything is made here and not earlier, since ``twistd`` may have forked before.

Stop: no new connections; those present are told (IMAP ``* BYE``) and have ``GRACE`` seconds to read it;
then the engines finish what they owe, and the threads end. What was acknowledged is on disk anyway: a
kill -9 loses nothing that this order saves, it only lets the next start do the work.
"""

import os
import signal
import time
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet import defer, task
from twisted.internet.defer import Deferred

from mailaccess import __version__
from mailaccess.config.sections import Settings
from mailaccess.net.endpoints import ListenError, bound, describe, listen, over_tls
from mailaccess.net.inherited import adopt
from mailaccess.net.proxied import Proxied
from mailaccess.net.tls import TlsError
from mailaccess.net.turning import leave, measure
from mailaccess.observe.counters import (
    CERTIFICATE,
    CONNECTIONS,
    DROPPED,
    INFO,
    LOOP_DELAY,
    OPEN,
    QUEUED,
    REFUSED,
    STARTED,
    STRANGERS,
    THREAD_CALLS,
    Counters,
    registry,
)
from mailaccess.observe.events import Level
from mailaccess.observe.turns import TurnMeter
from mailaccess.relay.runner import QueueInUse
from mailaccess.screening.callables import BadFunction
from mailaccess.screening.keys import BadKey
from mailaccess.service.build import Built, build
from mailaccess.service.capped import SAVE_EVERY
from mailaccess.service.company import Company
from mailaccess.service.failing import CannotStart
from mailaccess.service.givingback import LOOK_SECONDS, GivingBack, trimmer
from mailaccess.service.listeners import NoSuchUser, become, make_state_dir, naming, prepare
from mailaccess.service.output import event_log, tell_failures
from mailaccess.service.queueshare import QueueShare

GRACE: Final = 2.0
"""Seconds in which clients may read the last words; TLS ones must answer, and some never do."""

CERTIFICATE_CHECK: Final = 30.0
"""Seconds between looks at the certificate's files."""

MOVABLE: Final = ("imap", "pop3")
"""The services whose connections one worker may give to another: over TLS they stay where they are."""

LOOP_WINDOW: Final = 10
"""Seconds over which the loop's worst delay is told."""


class House(Service):
    """The whole server as one Twisted service.

    settings: the configuration.  as_json: how the log is written.  reactor: None is Twisted's.
    company: of a worker among others.
    """

    name = "mailaccess"

    def __init__(
        self,
        settings: Settings,
        *,
        as_json: bool = False,
        reactor: Any = None,
        company: Company | None = None,
    ) -> None:
        self.settings = settings
        self._company = company
        self._queue: QueueShare | None = None
        self.stopping = False
        self.ports: dict[str, list[Any]] = {}
        self.counters = Counters()
        self.built: Built | None = None
        self._as_json = as_json
        self._reactor = reactor
        self._loops: list[task.LoopingCall] = []
        self._delays: list[float] = []
        self._tls_trouble = ""

    def privilegedStartService(self) -> None:
        """Build, listen, and become the configured user. Raises CannotStart."""
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        company = self._company
        if company is None:
            self.log = event_log(self.counters, as_json=self._as_json)
        else:
            brief = company.brief
            self.log = event_log(self.counters, as_json=self._as_json, worker=brief.number, timed=brief.timed)
        self._failures = tell_failures(self.log)
        try:
            make_state_dir(self.settings)
            if company is None:
                self.built = build(self.settings, self._reactor, self.log)
            else:
                self.built = build(
                    self.settings, self._reactor, self.log, workers=company.brief.count, key=company.brief.key
                )
            self._open()
            become(self.settings)
            self._take_queue()
        except (ListenError, TlsError, BadKey, BadFunction, NoSuchUser, QueueInUse, OSError) as error:
            raise CannotStart(str(error)) from error
        self._watch()
        if company is not None:
            assert self.built.throttle is not None
            caps = self.built.caps.caps if self.built.caps is not None else None
            company.share(self.built.limits, self.built.throttle, caps, self.counters)
            company.reload = self._asked_to_reload
            company.lost = self._alone
            company.announced = self.built.imap.heard
            self.built.imap.board.pass_on = company.tell_announcement
            if company.handover is not None:
                doors = {name: self.built.entrances[name].door for name in MOVABLE}
                company.handover.begin(doors, self.built.limits, self.log, self.counters)
            company.connect()

    def startService(self) -> None:
        """From now on connections are served."""
        super().startService()
        self._every(CERTIFICATE_CHECK, self._look_at_certificate)
        if self.built is not None and self.built.caps is not None:
            self._every(SAVE_EVERY, self.built.caps.save)
        if self._queue is not None:
            self._queue.start()
        elif self.built is not None and self.built.relay is not None:
            Deferred.fromCoroutine(self.built.relay.start())
        self._expected = self._reactor.seconds() + 1
        self._every(1, self._measure_loop)
        giving = GivingBack(self.built.threads.run, trimmer()) if self.built is not None else None
        if giving is not None:
            self._every(LOOK_SECONDS, giving.look)
        meter = TurnMeter(self.log, self.settings.process.reactor_late, time.perf_counter)
        if measure(self._reactor, meter):
            self.counters.turns = meter.turns
        if hasattr(signal, "SIGHUP"):
            try:
                signal.signal(signal.SIGHUP, self._on_hangup)
            except ValueError:  # not the main thread: embedded in another program
                pass
        if self._company is None:
            self.log.log(
                "server-started", version=__version__, pid=os.getpid(), hostname=self.settings.hostname
            )
        else:
            self.log.log("worker-started", pid=os.getpid())
            self._company.serving()

    def stopService(self) -> "Deferred[None]":
        """Close in order; the Deferred fires when everything is on disk."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    def where(self, service: str) -> list[str]:
        """The addresses on which ``service`` (a name of ``[listen]``) really listens."""
        return [describe(bound(port)) for port in self.ports.get(service, ())]

    # Start.

    def _open(self) -> None:
        assert self.built is not None
        for name, entrance in self.built.entrances.items():
            for text in getattr(self.settings.listen, name):  # without a certificate, none is over TLS
                factory = over_tls(entrance.door, self.built.tls) if entrance.over_tls else entrance.door
                if name in self.settings.proxy.services:
                    networks = tuple(map(ip_network, self.settings.proxy.networks))
                    factory = Proxied(factory, networks, name, self.log, self._reactor)
                self._listen(name, text, factory)
        if self.settings.listen.http:
            from mailaccess.service.metrics import Alone, Together, few, site  # here, for it takes 3 MB

            company = self._company
            figures = Alone(registry(self.counters)) if company is None else Together(company.gather)
            pages = site(self.settings, figures, lambda: self.stopping)
            for text in self.settings.listen.http:
                self._listen("http", text, few(pages))

    def _listen(self, name: str, text: str, factory: Any) -> None:
        if (company := self._company) is not None:
            for service, written, descriptor in company.brief.listeners:
                if (service, written) == (name, text):
                    port = adopt(self._reactor, descriptor, factory, company.is_our_turn)
                    self.ports.setdefault(name, []).append(port)
                    os.close(descriptor)
            return
        try:
            address, access = prepare(self.settings, name, text)
            port = listen(self._reactor, address, factory, access)
        except (ListenError, OSError) as error:
            raise naming(name, error) from error
        self.ports.setdefault(name, []).append(port)
        self.log.log("listening", service=name, address=describe(bound(port)))

    def _take_queue(self) -> None:
        """The queue is ours before a connection can put anything into it, and as the user we have become."""
        built = self.built
        assert built is not None
        if built.relay is None or built.spool is None:
            return
        if self._company is None:
            built.relay.own()
            return
        self._queue = QueueShare(
            built.relay,
            built.spool,
            built.threads,
            self.log,
            self._reactor,
            tell=self._company.tell_queued,
            now=time.time,
        )
        self._company.queued = self._queue.hear
        self._queue.attend(first=self._company.brief.first)

    def _watch(self) -> None:
        built = self.built
        assert built is not None
        watch = self.counters.watch
        watch(INFO, lambda: {(__version__,): 1.0})
        begun = time.time()
        watch(STARTED, lambda: {(): begun})
        watch(CONNECTIONS, lambda: {(n,): float(e.door.accepted) for n, e in built.entrances.items()})
        watch(OPEN, lambda: {(n,): float(len(e.door.inside)) for n, e in built.entrances.items()})
        watch(STRANGERS, lambda: {(): float(built.limits.strangers)})
        watch(REFUSED, lambda: {(n,): float(count) for n, count in built.limits.refused.items()})
        watch(DROPPED, lambda: {(): float(built.limits.dropped)})
        watch(THREAD_CALLS, lambda: {(): float(built.pending)})
        watch(LOOP_DELAY, lambda: {(): max(self._delays, default=0.0)})
        if (relay := built.relay) is not None:
            watch(QUEUED, lambda: {(): float(relay.waiting)})
        if (tls := built.tls) is not None:
            watch(CERTIFICATE, lambda: {(): tls.not_after.timestamp()})

    # While running.

    def _every(self, seconds: float, call: Callable[[], object]) -> None:
        loop = task.LoopingCall(call)
        loop.clock = self._reactor
        loop.start(seconds, now=False)
        self._loops.append(loop)

    def _measure_loop(self) -> None:
        now = self._reactor.seconds()
        self._delays.append(max(0.0, now - self._expected))
        del self._delays[:-LOOP_WINDOW]
        self._expected = now + 1

    def _on_hangup(self, number: int, frame: object) -> None:
        self._reactor.callFromThread(self._asked_to_reload)

    def _alone(self) -> None:
        if not self.stopping:
            self.log.log("supervisor-lost", Level.ERROR)

    def _asked_to_reload(self) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._reload_certificate(asked=True))

    def _look_at_certificate(self) -> "Deferred[None]":
        return Deferred.fromCoroutine(self._reload_certificate(asked=False))

    async def _reload_certificate(self, *, asked: bool) -> None:
        """asked: somebody waits for a word of it in the log, whatever there is to say."""
        built = self.built
        if built is None or self.stopping:
            return
        if built.tls is None:
            if asked:
                self.log.log("tls-unchanged")
            return
        try:
            if await built.threads.run(built.tls.reload):
                self.log.log("tls-reloaded", not_after=built.tls.not_after.isoformat())
            elif asked:
                self.log.log("tls-unchanged", not_after=built.tls.not_after.isoformat())
        except TlsError as error:
            if asked or str(error) != self._tls_trouble:  # told once, not at every look
                self.log.log("tls-reload-failed", Level.ERROR, error=str(error))
            self._tls_trouble = str(error)
        else:
            self._tls_trouble = ""

    # Stop.

    async def _stop(self) -> None:
        self.stopping = True
        if self._company is not None:
            self._company.leave()
        handover = self._company.handover if self._company is not None else None
        if handover is not None:
            handover.stop()
        for loop in self._loops:
            if loop.running:
                loop.stop()
        self._loops.clear()
        leave(self._reactor)
        if self._queue is not None:
            self._queue.stop()
        listening = [port for ports in self.ports.values() for port in ports]
        await defer.DeferredList([defer.maybeDeferred(port.stopListening) for port in listening])
        self.ports.clear()
        if self.built is not None:
            await self._empty(self.built)
            if handover is not None:
                handover.close()
            await self.built.close()
            self.built = None
            self.log.log("server-stopped" if self._company is None else "worker-stopped", pid=os.getpid())
            self._failures()

    async def _empty(self, built: Built) -> None:
        """Say the last words to everybody, wait until they have gone, then cut who has not."""
        doors = [entrance.door for entrance in built.entrances.values()]
        for door in doors:
            present: list[Any] = list(door.inside)
            for protocol in present:
                stop = getattr(protocol, "stop", None)
                if stop is not None:
                    stop()
                elif protocol.transport is not None:
                    protocol.transport.loseConnection()
        end = self._reactor.seconds() + GRACE
        while any(door.inside for door in doors) and self._reactor.seconds() < end:
            await task.deferLater(self._reactor, 0.05)
        for door in doors:
            present = list(door.inside)
            for protocol in present:
                if protocol.transport is not None:
                    protocol.transport.abortConnection()
