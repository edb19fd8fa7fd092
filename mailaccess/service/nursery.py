"""The supervisor's side of the nursery: starts it, has it start workers, hears how they end.

It is a program of its own and not a child forked here, as ``twistd`` has a reactor, a log and handlers of signals
already. Should it end by itself (somebody kills it), its workers go on serving, and another one starts those to come;
how the old ones end is not known then.
"""

import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from twisted.logger import Logger

from mailaccess.service.brief import Brief, written

Report = dict[str, Any]

LONGEST: Final = 4096
"""Octets of a datagram."""

_log = Logger("mailaccess")


class Nursery:
    """brief: for all workers.  heard: told each report of the nursery, once ``attend`` was called.

    lost: told when it has ended by itself.  reactor: Twisted's.
    """

    def __init__(
        self,
        brief: Brief,
        reactor: Any,
        heard: Callable[[Report], None],
        lost: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._heard = heard
        self._lost = lost
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        root = os.fspath(Path(__file__).parents[2])
        path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mailaccess.service.nurseryprocess", str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=None if brief.timed else subprocess.PIPE,
                stderr=None if brief.timed else subprocess.STDOUT,
                pass_fds=(theirs.fileno(), *brief.descriptors),
                env={**os.environ, "PYTHONPATH": path},
            )
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(written(brief))
            self.process.stdin.close()
        except OSError:  # it has ended already; its line tells
            pass

    def start(self, worker: int, control: socket.socket, *, first: bool) -> None:
        """Have a worker started, whose line to the supervisor is ``control``. Raises OSError where it is gone."""
        order = {"kind": "start", "worker": worker, "first": first}
        socket.send_fds(self._line, [json.dumps(order).encode("ascii")], [control.fileno()])

    def kill(self, worker: int) -> None:
        """End a worker that hangs."""
        self._order({"kind": "kill", "worker": worker})

    def close_doors(self) -> None:
        """Nobody is started any more."""
        self._order({"kind": "close"})

    def _order(self, order: dict[str, Any]) -> None:
        try:
            self._line.send(json.dumps(order).encode("ascii"))
        except OSError:
            pass

    def code(self, worker: int, seconds: float) -> int:
        """Wait until a worker has ended: how. Its own way to end, where the nursery has ended instead."""
        while select.select([self._line], [], [], seconds)[0]:
            report = self._read()
            if report is None:
                return self.process.wait()
            if report["kind"] in ("ended", "not-started") and report["worker"] == worker:
                return int(report.get("code", os.EX_OSERR))
        return os.EX_SOFTWARE

    def attend(self) -> None:
        """Hear from now on."""
        self._line.setblocking(False)
        self._reactor.addReader(self)
        if self.process.stdout is not None:
            _Output(self._reactor, self.process.stdout)

    def end(self) -> None:
        """It ends at once; so nothing is heard any more."""
        self._reactor.removeReader(self)
        self._line.close()
        self.process.wait()

    def _read(self) -> Report | None:
        try:
            data = self._line.recv(LONGEST)
        except ConnectionError:
            return None
        report: Report | None = json.loads(data) if data else None
        return report

    # IReadDescriptor.

    def fileno(self) -> int:
        """Twisted's name."""
        return self._line.fileno()

    def logPrefix(self) -> str:
        """Twisted's name."""
        return "mailaccess"

    def doRead(self) -> None:
        """Twisted's name."""
        try:
            report = self._read()
        except BlockingIOError:
            return
        if report is None:
            self.end()
            self._lost()
        else:
            self._heard(report)

    def connectionLost(self, reason: Any) -> None:
        """Twisted's name."""
        self.end()


class _Output:
    """What workers write where a daemon has no standard output: lines for Twisted's log.

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
