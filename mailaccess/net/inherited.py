"""Listening sockets that another process has opened and several accept from.

The kernel wakes every process that waits on such a socket; who is quick has the connection, and who is busy leaves it
to the others. So each takes one connection a turn of its reactor: a hundred phones that come at once are shared out.
What is inherited is not ours to remove: a process that ends leaves the file of a UNIX socket alone.
"""

import socket
from typing import Any

from twisted.internet import tcp, unix
from twisted.internet.interfaces import IListeningPort
from twisted.python.failure import Failure


class _TcpPort(tcp.Port):
    def doRead(self) -> None:
        """Twisted's name: connections are waiting."""
        self.numberAccepts = 1
        super().doRead()


class _UnixPort(unix.Port):
    def doRead(self) -> None:
        """Twisted's name: connections are waiting."""
        self.numberAccepts = 1
        super().doRead()

    def connectionLost(self, reason: Failure) -> None:
        """As a TCP port's: the file stays, it is the other processes' too."""
        tcp.Port.connectionLost(self, reason)


def adopt(reactor: Any, descriptor: int, factory: Any) -> IListeningPort:
    """Accept from a listening socket; the descriptor stays the caller's, who may close it."""
    with socket.socket(fileno=descriptor) as known:
        family = known.family
        known.detach()
    port: Any
    if family == socket.AF_UNIX:
        port = _UnixPort._fromListeningDescriptor(reactor, descriptor, factory)
    else:
        port = _TcpPort._fromListeningDescriptor(reactor, descriptor, family, factory)
    port.startListening()
    listening: IListeningPort = port
    return listening
