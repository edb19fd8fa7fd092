"""The nursery: a process that has imported everything that serves, and from which workers are forked.

What a worker has from here (modules, their constants: 46 MiB) all workers share, as long as nobody writes to it. The
nursery serves nobody, reads nothing from the net, has no threads and no loop of Twisted's that ran, so that the last
worker begins as clean as the first. It does what the supervisor says in datagrams, one JSON object each, and tells it
how each worker has ended. It ends when the supervisor has.
"""

import gc
import json
import os
import select
import signal
import socket
import sys
from dataclasses import replace
from typing import Any, Final

from mailaccess.net.shares import Shares
from mailaccess.relay.trust import opportunistic
from mailaccess.service.brief import Brief, read
from mailaccess.service.workerprocess import serve

LONGEST: Final = 4096
"""Octets of a datagram."""

IGNORED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""A terminal, or systemd, sends these to everybody; the supervisor tells us when it is time."""


class Nursery:
    """line: to the supervisor.  brief: of each worker, but for what is its own."""

    def __init__(self, line: socket.socket, brief: Brief) -> None:
        self._line = line
        self._brief = brief
        self._shares = Shares(brief.count)
        self._children: dict[int, int] = {}

    def tend(self) -> Brief | None:
        """Returns in each worker, with its brief; here, when the supervisor has gone: None."""
        woken, waking = socket.socketpair()
        waking.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
        for number in IGNORED:
            signal.signal(number, signal.SIG_IGN)
        opportunistic()  # has OpenSSL read what it needs: 2 MiB more to share
        gc.collect()
        gc.freeze()
        with woken, waking:
            while True:
                readable = select.select([self._line, woken], [], [])[0]
                if woken in readable:
                    woken.recv(LONGEST)
                    self._bury()
                if self._line in readable:
                    try:
                        data, descriptors, _, _ = socket.recv_fds(self._line, LONGEST, 1)
                    except ConnectionError:
                        data = b""
                    if not data:
                        return None
                    if (born := self._obey(json.loads(data), descriptors)) is not None:
                        signal.set_wakeup_fd(-1)
                        return born

    def _obey(self, order: dict[str, Any], descriptors: list[int]) -> Brief | None:
        """In a new worker its brief; None in the nursery."""
        match order["kind"]:
            case "start":
                control = descriptors[0]
                number, first = order["worker"], order["first"]
                if self._bear(number):
                    return replace(
                        self._brief, number=number, first=first, control=control, shares=self._shares
                    )
                os.close(control)
            case "kill":
                for pid, number in self._children.items():
                    if number == order["worker"]:
                        os.kill(pid, signal.SIGKILL)
            case "close":
                for _, _, descriptor in self._brief.listeners:
                    os.close(descriptor)
        return None

    def _bear(self, number: int) -> bool:
        """Fork; whether this is the child."""
        try:
            pid = os.fork()
        except OSError as error:  # no memory, no processes left
            self._tell({"kind": "not-started", "worker": number, "error": str(error)})
            return False
        if pid:
            self._children[pid] = number
            self._tell({"kind": "started", "worker": number, "pid": pid})
            return False
        self._line.close()
        for each in (signal.SIGCHLD, *IGNORED):
            signal.signal(each, signal.SIG_DFL)
        return True

    def _bury(self) -> None:
        """Whoever has ended."""
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                number = self._children.pop(pid)
                self._shares.leave(number)
                code = os.waitstatus_to_exitcode(status)
                self._tell({"kind": "ended", "worker": number, "pid": pid, "code": code})

    def _tell(self, report: dict[str, Any]) -> None:
        try:
            self._line.send(json.dumps(report).encode("ascii"))
        except OSError:  # the supervisor has gone: the next look at the line tells
            pass


def main() -> None:
    """Started by the supervisor; argument: the descriptor of the line to it. A child of this goes on as a worker."""
    brief = read(sys.stdin.buffer)
    born = Nursery(socket.socket(fileno=int(sys.argv[1])), brief).tend()
    if born is not None:
        serve(born)


if __name__ == "__main__":
    main()
