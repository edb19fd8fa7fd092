"""The supervisor of several processes that serve (``process.workers``): opens the doors, starts them, replaces them.

It opens all listening sockets, TCP and UNIX, and the workers inherit them: what the kernel holds of connections when
a worker ends is served by the others, and a port is never without somebody who listens. (With SO_REUSEPORT each would
have a queue of its own, which goes with it; and a second server, started by mistake, would share our ports.) Workers
are started as programs of their own, never forked from here. One that ends without having been told to is replaced, at
once the first time, then after 1, 2, 4, ... seconds as long as it does not hold out for ``STEADY``. Started as root the
supervisor stays root, as the key that a new worker reads may be root's alone; it reads nothing that comes from the net,
and each worker gives up root as a single process would.

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
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from mailaccess import __version__
from mailaccess.config.sections import Settings
from mailaccess.net.endpoints import ListenError, TcpAddress, UnixAddress, describe, open_socket
from mailaccess.observe.combined import Teller
from mailaccess.observe.counters import WORKERS, WORKERS_ENDED, Counters
from mailaccess.observe.events import Level
from mailaccess.service.brief import Brief, written
from mailaccess.service.channel import Channel, Message
from mailaccess.service.failing import CannotStart
from mailaccess.service.gathering import Gathering
from mailaccess.service.listeners import naming, prepare, wanted
from mailaccess.service.output import STDOUT, event_log, is_nowhere, tell_failures

STEADY: Final = 60.0
"""Seconds that a worker must have lived for its end to be the first one again."""

LONGEST_BACK_OFF: Final = 60.0
"""Seconds between two starts of a worker that ends again and again."""

START_SECONDS: Final = 120.0
"""For the first worker to serve; a machine that has just booted is slow."""

STOP_SECONDS: Final = 60.0
"""For the workers to end: they have finished long before, or hang."""

WATCH_SECONDS: Final = 0.02
"""Between two looks whether a process has ended whose line has; it takes the kernel some milliseconds."""

HANG_SECONDS: Final = 15.0
"""For a worker to end whose line has ended."""

_log = Logger("mailaccess")


class CannotServe(CannotStart):
    """The first worker has ended, and has said why. code: how it ended."""

    def __init__(self, code: int) -> None:
        super().__init__("")
        self.code = code


class Worker:
    """One place among the workers, whoever holds it at the moment."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
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
        self._key = secrets.token_bytes(32)
        self._started = False
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
        ours, theirs = socket.socketpair()
        brief = Brief(
            settings=self.settings,
            number=worker.number,
            count=len(self.workers),
            control=theirs.fileno(),
            listeners=tuple((name, text, opened.fileno()) for name, text, opened in self._listeners),
            key=self._key,
            as_json=self._as_json,
            timed=not self._nowhere,
            first=first,
        )
        root = os.fspath(Path(__file__).parents[2])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        with theirs:
            worker.process = subprocess.Popen(
                [sys.executable, "-m", "mailaccess.service.workerprocess", str(worker.number)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if self._nowhere else None,
                stderr=subprocess.STDOUT if self._nowhere else None,
                pass_fds=(theirs.fileno(), *(opened.fileno() for _, _, opened in self._listeners)),
                env={**os.environ, "PYTHONPATH": path},
            )
        worker.begun = self._reactor.seconds()
        worker.line = ours
        assert worker.process.stdin is not None
        try:
            worker.process.stdin.write(written(brief))
            worker.process.stdin.close()
        except OSError:  # it has ended already; its line tells
            pass

    def _await(self, worker: Worker) -> bytes:
        """Wait until the first worker serves; what it has said. Nobody is served meanwhile. Raises CannotServe."""
        assert worker.line is not None and worker.process is not None
        end = time.monotonic() + START_SECONDS
        said = b""
        while b"\n" not in said:
            readable = select.select([worker.line], [], [], max(0.0, end - time.monotonic()))[0]
            piece = worker.line.recv(65536) if readable else b""
            if not piece:
                if not readable:
                    worker.process.kill()
                self._pass_on(worker)
                code = worker.process.wait()
                worker.line.close()
                raise CannotServe(code if code > 0 else os.EX_SOFTWARE)
            said += piece
        return said

    def _pass_on(self, worker: Worker) -> None:
        """What a worker that could not start has written, where its output comes to us."""
        if worker.process is not None and worker.process.stdout is not None:
            os.write(2, worker.process.stdout.read())

    def _attach(self, worker: Worker) -> None:
        """Listen to the worker."""
        assert worker.line is not None and worker.process is not None
        channel = Channel(lambda message: self._heard(worker, message), lambda: self._left(worker))
        worker.channel = channel
        line, worker.line = worker.line, None
        self._adopt(line, channel)
        output = worker.process.stdout
        if output is not None:
            _Output(self._reactor, output)

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
        self._watch(worker, self._reactor.seconds() + HANG_SECONDS)

    def _watch(self, worker: Worker, kill_at: float) -> None:
        process = worker.process
        assert process is not None
        code = process.poll()
        if code is None:
            if self._reactor.seconds() >= kill_at and not self.stopping:
                process.kill()
            self._reactor.callLater(WATCH_SECONDS, self._watch, worker, kill_at)
            return
        worker.process = None
        if self.stopping:
            if self._ended is not None and not any(each.process for each in self.workers.values()):
                ended, self._ended = self._ended, None
                ended.callback(None)
            return
        self._replace(worker, process.pid, code)

    def _replace(self, worker: Worker, pid: int, code: int) -> None:
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
            status=code if code >= 0 else None,
            signal=_signal_name(-code) if code < 0 else None,
            seconds=round(lived, 3),
            restart_in=wait,
        )
        self._reactor.callLater(wait, self._again, worker)

    def _again(self, worker: Worker) -> None:
        if self.stopping:
            return
        try:
            self._launch(worker)
        except OSError as error:  # no memory, no processes left
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
        if any(worker.process for worker in self.workers.values()):
            self._ended = Deferred()
            killing = self._reactor.callLater(STOP_SECONDS, self._kill)
            ended = self._ended
            self._tell(list(self.workers.values()), {"kind": "stop"})
            await ended
            if killing.active():
                killing.cancel()
        self.log.log("server-stopped", pid=os.getpid())
        self._failures()

    def _kill(self) -> None:
        for worker in self.workers.values():
            if worker.process is not None:
                self.log.log("worker-hangs", Level.ERROR, worker=worker.number, pid=worker.process.pid)
                worker.process.kill()

    def _close(self) -> None:
        """Our doors; the workers close theirs."""
        for _, _, opened in self._listeners:
            if opened.family == socket.AF_UNIX:
                try:
                    os.unlink(opened.getsockname())
                except OSError:
                    pass
            opened.close()
        self._listeners.clear()


class _Output:
    """What a worker writes where a daemon has no standard output: lines for Twisted's log.

    An IReadDescriptor on the pipe.
    """

    def __init__(self, reactor: Any, pipe: Any) -> None:
        self._reactor = reactor
        self._pipe = pipe
        self._rest = b""
        os.set_blocking(pipe.fileno(), False)
        reactor.addReader(self)

    def fileno(self) -> int:
        """Twisted's name."""
        return int(self._pipe.fileno())

    def logPrefix(self) -> str:
        """Twisted's name."""
        return "mailaccess"

    def doRead(self) -> None:
        """Twisted's name."""
        try:
            data = os.read(self._pipe.fileno(), 65536)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            _log.info("{line}", line=line.decode("utf-8", "replace"))
        if not data or len(self._rest) > 2**20:
            self.connectionLost(None)

    def connectionLost(self, reason: Any) -> None:
        """Twisted's name."""
        self._reactor.removeReader(self)
        self._pipe.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def how_many(settings: Settings, cores: Callable[[], int] = lambda: len(os.sched_getaffinity(0))) -> int:
    """Workers that ``process.workers`` asks for; "auto": one for each core that we may use."""
    return cores() if settings.process.workers == "auto" else int(settings.process.workers)
