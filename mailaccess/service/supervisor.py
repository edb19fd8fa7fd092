"""The supervisor of several processes that serve (``process.workers``): opens the doors, starts them, replaces them.

It opens all listening sockets, TCP and UNIX, and the workers inherit them: what the kernel holds of connections when
a worker ends is served by the others, and a port is never without somebody who listens. (With SO_REUSEPORT each would
have a queue of its own, which goes with it; and a second server, started by mistake, would share our ports.) Workers
are forked by the nursery (``service.nursery``), never from here. One that ends without having been told to is
replaced, at once the first time, then after 1, 2, 4, ... seconds as long as it does not hold out for ``STEADY``.
Started as root the supervisor stays root, and so does the nursery, as the key that a new worker reads may be root's
alone; neither reads anything that comes from the net, and each worker gives up root as a single process would.

The first worker is waited for: if it cannot start, nothing has started, and its exit code is ours. All others follow.
Nobody serves mail here: what workers tell each other is passed on, and the figures of all are put together.

Stop: every worker is told, and has ``STOP_SECONDS``. Should the supervisor be killed, the workers see the end of their
lines and stop by themselves.
"""

import os
import secrets
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory

from mailaccess import __version__
from mailaccess.config.sections import Settings
from mailaccess.net.endpoints import ListenError, TcpAddress, UnixAddress, describe, open_socket
from mailaccess.net.passing import Box, make_boxes
from mailaccess.observe.combined import Teller
from mailaccess.observe.counters import WORKERS, WORKERS_ENDED, Counters
from mailaccess.observe.events import Level
from mailaccess.service.brief import Brief
from mailaccess.service.channel import Channel, Message
from mailaccess.service.cores import cores
from mailaccess.service.failing import CannotStart
from mailaccess.service.gathering import Gathering
from mailaccess.service.listeners import naming, prepare, wanted
from mailaccess.service.nursery import Nursery, Report
from mailaccess.service.output import STDOUT, event_log, is_nowhere, tell_failures

STEADY: Final = 60.0
"""Seconds that a worker must have lived for its end to be the first one again."""

LONGEST_BACK_OFF: Final = 60.0
"""Seconds between two starts of a worker that ends again and again."""

START_SECONDS: Final = 120.0
"""For the first worker to serve; a machine that has just booted is slow."""

STOP_SECONDS: Final = 60.0
"""For the workers to end: they have finished long before, or hang."""

HANG_SECONDS: Final = 15.0
"""For a worker to end whose line has ended."""


class CannotServe(CannotStart):
    """The first worker has ended, and has said why. code: how it ended."""

    def __init__(self, code: int) -> None:
        super().__init__("")
        self.code = code


class Worker:
    """One place among the workers, whoever holds it at the moment.

    present: it was started, and has not ended as far as we know.  pid: 0 until the nursery has told.
    ended: the nursery has told that, or is gone itself.  code: how, if that is known.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.present = False
        self.pid = 0
        self.ended = False
        self.code: int | None = None
        self.hanging: Any = None
        self.channel: Channel | None = None
        self.serving = False
        self.begun = 0.0
        self.failures = 0
        self.line: socket.socket | None = None


class Supervisor(Service):
    """settings: the configuration.  count: of workers.  as_json: how the log is written.

    reactor: None is Twisted's.
    """

    name = "mailaccess"

    def __init__(self, settings: Settings, count: int, *, as_json: bool = False, reactor: Any = None) -> None:
        self.settings = settings
        self.stopping = False
        self.counters = Counters()
        self.workers = {number: Worker(number) for number in range(1, count + 1)}
        self._as_json = as_json
        self._reactor = reactor
        self._listeners: list[tuple[str, str, socket.socket]] = []
        self._boxes: list[Box] = []
        self._key = secrets.token_bytes(32)
        self._started = False
        self._nursery: Nursery | None = None
        self._ended: Deferred[None] | None = None

    def privilegedStartService(self) -> None:
        """Open the doors. Raises CannotStart."""
        if self._reactor is None:
            from twisted.internet import reactor

            self._reactor = reactor
        self._nowhere = is_nowhere(STDOUT)
        self.log = event_log(self.counters, as_json=self._as_json)
        self._failures = tell_failures(self.log)
        try:
            for service, text in wanted(self.settings):
                try:
                    address, access = prepare(self.settings, service, text)
                    opened = open_socket(address, access)
                except (ListenError, OSError) as error:
                    raise naming(service, error) from error
                self._listeners.append((service, text, opened))
                if isinstance(address, TcpAddress):
                    host, port = opened.getsockname()[:2]
                    address = TcpAddress(host, port)
                self.log.log("listening", service=service, address=describe(address))
        except (ListenError, OSError) as error:
            self._close()
            raise CannotStart(str(error)) from error
        if self.settings.process.handover and len(self.workers) > 1:
            self._boxes = make_boxes(len(self.workers))
        self.counters.watch(WORKERS, lambda: {(): float(self.serving)})
        self._gathering = Gathering(self.workers, Teller(self.counters), self._reactor)

    def startService(self) -> None:
        """Start the first worker and wait until it serves, then the others. Raises CannotServe."""
        super().startService()
        first = self.workers[1]
        self._launch(first, first=True)
        try:
            rest = self._await(first)
        except CannotServe:
            self._close()
            raise
        assert self._nursery is not None
        self._nursery.attend()
        self._attach(first)
        assert first.channel is not None
        first.channel.dataReceived(rest)
        for number in range(2, len(self.workers) + 1):
            self._launch(self.workers[number])
            self._attach(self.workers[number])
        if hasattr(signal, "SIGHUP"):
            try:
                signal.signal(signal.SIGHUP, self._on_hangup)
            except ValueError:  # not the main thread: embedded in another program
                pass

    def stopService(self) -> "Deferred[None]":
        """Have all workers stop; the Deferred fires when the last has ended."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    @property
    def serving(self) -> int:
        """Workers that serve."""
        return sum(worker.serving for worker in self.workers.values())

    def where(self, service: str) -> list[str]:
        """The addresses on which ``service`` (a name of ``[listen]``) really listens."""
        found = [opened.getsockname() for name, _, opened in self._listeners if name == service]
        return [
            describe(UnixAddress(each) if isinstance(each, str) else TcpAddress(*each[:2])) for each in found
        ]

    # A worker's life.

    def _launch(self, worker: Worker, *, first: bool = False) -> None:
        """Raises OSError."""
        nursery = self._nursery or self._found_nursery(attend=not first)
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                nursery.start(worker.number, theirs, first=first)
            except OSError:
                ours.close()
                raise
        worker.present, worker.ended, worker.pid = True, False, 0
        worker.begun = self._reactor.seconds()
        worker.line = ours

    def _found_nursery(self, *, attend: bool) -> Nursery:
        brief = Brief(
            settings=self.settings,
            count=len(self.workers),
            listeners=tuple((name, text, opened.fileno()) for name, text, opened in self._listeners),
            key=self._key,
            as_json=self._as_json,
            timed=not self._nowhere,
            boxes=tuple((reading.fileno(), writing.fileno()) for reading, writing in self._boxes),
        )
        nursery = self._nursery = Nursery(brief, self._reactor, self._reported, self._nursery_lost)
        if attend:
            nursery.attend()
        return nursery

    def _await(self, worker: Worker) -> bytes:
        """Wait until the first worker serves; what it has said. Nobody is served meanwhile. Raises CannotServe."""
        assert worker.line is not None and self._nursery is not None
        end = time.monotonic() + START_SECONDS
        said = b""
        while b"\n" not in said:
            readable = select.select([worker.line], [], [], max(0.0, end - time.monotonic()))[0]
            piece = worker.line.recv(65536) if readable else b""
            if not piece:
                if not readable:
                    self._nursery.kill(worker.number)
                code = self._nursery.code(worker.number, HANG_SECONDS)
                worker.line.close()
                self._nursery.end()
                self._pass_on(self._nursery)
                raise CannotServe(code if code > 0 else os.EX_SOFTWARE)
            said += piece
        return said

    def _pass_on(self, nursery: Nursery) -> None:
        """What a worker that could not start has written, where its output comes to us."""
        if nursery.process.stdout is not None:
            os.write(2, nursery.process.stdout.read())

    def _attach(self, worker: Worker) -> None:
        """Listen to the worker."""
        assert worker.line is not None
        channel = Channel(lambda message: self._heard(worker, message), lambda: self._left(worker))
        worker.channel = channel
        line, worker.line = worker.line, None
        self._adopt(line, channel)

    def _adopt(self, line: socket.socket, protocol: Any) -> None:
        factory = Factory.forProtocol(lambda: protocol)
        factory.noisy = False
        with line:
            line.setblocking(False)
            self._reactor.adoptStreamConnection(line.fileno(), socket.AF_UNIX, factory)

    def _heard(self, worker: Worker, message: Message) -> None:
        match message["kind"]:
            case "serving":
                self._serves(worker)
            case "figures":
                self._gathering.answered(worker, message)
            case "gather":
                self._gathering.ask(worker, int(message["id"]))
            case "counts" | "login" | "sent" | "accounts" | "queued" | "announced":
                passed = {**message, "from": worker.number}
                to = message.get("to")
                self._tell([self.workers[to]] if to in self.workers else self._others(worker), passed)

    def _serves(self, worker: Worker) -> None:
        worker.serving = True
        self._tell(self._others(worker), {"kind": "joined", "worker": worker.number})
        for each in self._others(worker):
            if each.serving:
                self._tell([worker], {"kind": "present", "worker": each.number})
        if not self._started and self.serving == len(self.workers):
            self._started = True
            self.log.log(
                "server-started",
                version=__version__,
                pid=os.getpid(),
                hostname=self.settings.hostname,
                workers=len(self.workers),
            )

    def _others(self, worker: Worker) -> list[Worker]:
        return [each for each in self.workers.values() if each is not worker]

    def _tell(self, workers: Sequence[Worker], message: Message) -> None:
        for worker in workers:
            if worker.channel is not None:
                worker.channel.send(message)

    def _left(self, worker: Worker) -> None:
        """Its line has ended, and so has it, or it will."""
        worker.channel = None
        worker.serving = False
        self._gathering.left(worker)
        self._tell(self._others(worker), {"kind": "gone", "worker": worker.number})
        if worker.ended:
            self._over(worker)
        else:
            worker.hanging = self._reactor.callLater(HANG_SECONDS, self._hangs, worker)

    def _hangs(self, worker: Worker) -> None:
        if not self.stopping and self._nursery is not None:
            self._nursery.kill(worker.number)

    def _reported(self, report: Report) -> None:
        """By the nursery."""
        worker = self.workers[report["worker"]]
        match report["kind"]:
            case "started":
                worker.pid = report["pid"]
            case "not-started":
                self.log.log("worker-not-started", Level.ERROR, worker=worker.number, error=report["error"])
                self._has_ended(worker, os.EX_OSERR)
            case "ended":
                self._has_ended(worker, report["code"])

    def _has_ended(self, worker: Worker, code: int | None) -> None:
        worker.ended, worker.code = True, code
        if worker.channel is None:  # else its line tells any moment
            self._over(worker)

    def _nursery_lost(self) -> None:
        """Somebody has killed it. Its workers serve on; of their ends only their lines will tell."""
        self._nursery = None
        if not self.stopping:
            self.log.log("nursery-lost", Level.ERROR)
        for worker in self.workers.values():
            if worker.present and not worker.ended:
                self._has_ended(worker, None)

    def _over(self, worker: Worker) -> None:
        """Both its line and the process have ended."""
        worker.present = False
        if worker.hanging is not None and worker.hanging.active():
            worker.hanging.cancel()
        if not self.stopping:
            self._replace(worker, worker.pid, worker.code)
        elif self._ended is not None and not any(each.present for each in self.workers.values()):
            ended, self._ended = self._ended, None
            ended.callback(None)

    def _replace(self, worker: Worker, pid: int, code: int | None) -> None:
        lived = self._reactor.seconds() - worker.begun
        if lived >= STEADY:
            worker.failures = 0
        wait = min(LONGEST_BACK_OFF, 2.0 ** (worker.failures - 1)) if worker.failures else 0.0
        worker.failures = min(worker.failures + 1, 16)
        self.counters.add(WORKERS_ENDED)
        self.log.log(
            "worker-ended",
            Level.ERROR,
            worker=worker.number,
            pid=pid,
            status=code if code is not None and code >= 0 else None,
            signal=_signal_name(-code) if code is not None and code < 0 else None,
            seconds=round(lived, 3),
            restart_in=wait,
        )
        self._reactor.callLater(wait, self._again, worker)

    def _again(self, worker: Worker) -> None:
        if self.stopping:
            return
        try:
            self._launch(worker)
        except OSError as error:  # no memory, no processes left, for the nursery
            self.log.log("worker-not-started", Level.ERROR, worker=worker.number, error=str(error))
            worker.failures = min(worker.failures + 1, 16)
            self._reactor.callLater(min(LONGEST_BACK_OFF, 2.0**worker.failures), self._again, worker)
            return
        self._attach(worker)

    # All of them.

    def _on_hangup(self, number: int, frame: object) -> None:
        self._reactor.callFromThread(self._tell, list(self.workers.values()), {"kind": "reload"})

    async def _stop(self) -> None:
        self.stopping = True
        self._close()
        if self._nursery is not None:
            self._nursery.close_doors()
        if any(worker.present for worker in self.workers.values()):
            self._ended = Deferred()
            killing = self._reactor.callLater(STOP_SECONDS, self._kill)
            ended = self._ended
            self._tell(list(self.workers.values()), {"kind": "stop"})
            await ended
            if killing.active():
                killing.cancel()
        if self._nursery is not None:
            self._nursery.end()
        self.log.log("server-stopped", pid=os.getpid())
        self._failures()

    def _kill(self) -> None:
        for worker in self.workers.values():
            if worker.present:
                self.log.log("worker-hangs", Level.ERROR, worker=worker.number, pid=worker.pid)
                if self._nursery is not None:
                    self._nursery.kill(worker.number)

    def _close(self) -> None:
        """Our doors and boxes; the workers close theirs."""
        for _, _, opened in self._listeners:
            if opened.family == socket.AF_UNIX:
                try:
                    os.unlink(opened.getsockname())
                except OSError:
                    pass
            opened.close()
        self._listeners.clear()
        for box in self._boxes:
            for end in box:
                end.close()
        self._boxes.clear()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def how_many(settings: Settings, cores: Callable[[], int] = cores) -> int:
    """Workers that ``process.workers`` asks for; "auto": one for each core that we may use."""
    return cores() if settings.process.workers == "auto" else int(settings.process.workers)
