"""Listening sockets that another process has opened and several accept from.

The kernel wakes every process that waits on such a socket. Each takes one connection a turn of its reactor, and only
when it is its turn (``net.shares``). Otherwise it looks away for a moment, and in the end takes what is still there,
as the process whose turn it is may be busy, or hang.

What is inherited is not ours to remove: a process that ends leaves the file of a UNIX socket alone.
"""

import select
import socket
from collections.abc import Callable
from typing import Any, Final

from twisted.internet import tcp, unix
from twisted.internet.interfaces import IListeningPort
from twisted.python.failure import Failure

PAUSE: Final = 0.002
"""Seconds between two looks, as a turn of a busy reactor takes."""

LOOKS: Final = 5
"""After which another's connection is taken: a client hardly notices."""


class _InTurn(tcp.Port):
    """A port of several processes. is_our_turn: asked when somebody comes."""

    is_our_turn: Callable[[], bool]

    def doRead(self) -> None:
        """Twisted's name: connections are waiting."""
        if self.is_our_turn():
            self._take()
        else:
            self.stopReading()
            self.reactor.callLater(PAUSE, self._look_again, LOOKS - 1)

    def _look_again(self, looks: int) -> None:
        if self.disconnecting or not self.connected:
            return
        if self._somebody_waits():
            if looks and not self.is_our_turn():
                self.reactor.callLater(PAUSE, self._look_again, looks - 1)
                return
            self._take()
        self.startReading()

    def _somebody_waits(self) -> bool:
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def _take(self) -> None:
        self.numberAccepts = 1
        super().doRead()


class _TcpPort(_InTurn):
    pass


class _UnixPort(_InTurn, unix.Port):
    def connectionLost(self, reason: Failure) -> None:
        """As a TCP port's: the file stays, it is the other processes' too."""
        tcp.Port.connectionLost(self, reason)


def adopt(
    reactor: Any, descriptor: int, factory: Any, is_our_turn: Callable[[], bool] = lambda: True
) -> IListeningPort:
    """Accept from a listening socket; the descriptor stays the caller's, who may close it.

    is_our_turn: whether the next connection is this process's; another's is taken later, if still there.
    """
    with socket.socket(fileno=descriptor) as known:
        family = known.family
        known.detach()
    port: Any
    if family == socket.AF_UNIX:
        port = _UnixPort._fromListeningDescriptor(reactor, descriptor, factory)
    else:
        port = _TcpPort._fromListeningDescriptor(reactor, descriptor, family, factory)
    port.is_our_turn = is_our_turn
    port.startListening()
    listening: IListeningPort = port
    return listening
