"""Datagrams with descriptors between the processes of one server, and connections that go with them.

Each process has a socket pair of its own, made before any of them (``make_boxes``) and inherited by all: it alone reads
from one end, everybody writes into the other. So nobody else can put anything in, no file has to be found or guarded,
and a process that takes another's place reads what that one has left unread.

What a process is offered it may take or not, and who offers it may want it back: a ``Token`` goes with it, and whoever
takes the token first has it, however late either of them is.
"""

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from twisted.internet import tcp, unix
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

LONGEST: Final = 128 * 1024
"""Octets of a datagram; the kernel holds some 200 KiB for each box."""

MOST_DESCRIPTORS: Final = 2
"""With one datagram."""

AT_ONCE: Final = 16
"""Datagrams read before everybody else gets a turn: 2 to 4 ms of connections taken over."""

Box = tuple[socket.socket, socket.socket]
"""Where its owner reads, and where the others write."""

_CLOSED_ON_EXEC: Final = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def make_boxes(count: int) -> list[Box]:
    """A box for each process."""
    boxes = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(count)]
    for box in boxes:
        for end in box:
            end.setblocking(False)
    return boxes


class Mail:
    """One process's end of all boxes.

    descriptors: of each box, in order.  place: which one is ours.  heard: told each datagram with its descriptors,
    which it closes.
    """

    def __init__(
        self,
        reactor: Any,
        descriptors: Sequence[tuple[int, int]],
        place: int,
        heard: Callable[[bytes, list[int]], None],
    ) -> None:
        self._reactor = reactor
        self._heard = heard
        self._writing: list[socket.socket | None] = []
        for number, (reading, writing) in enumerate(descriptors):
            if number == place:
                self._reading = socket.socket(fileno=reading)
                os.close(writing)
                self._writing.append(None)
            else:
                os.close(reading)
                self._writing.append(socket.socket(fileno=writing))
        reactor.addReader(self)

    def send(self, place: int, data: bytes, descriptors: Sequence[int] = ()) -> bool:
        """Whether the box of process ``place`` had room for it."""
        box = self._writing[place]
        assert box is not None
        try:
            if descriptors:
                socket.send_fds(box, [data], list(descriptors))
            else:
                box.send(data)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Hear nothing more, and say nothing."""
        self._reactor.removeReader(self)
        for each in (self._reading, *self._writing):
            if each is not None:
                each.close()

    # IReadDescriptor.

    def fileno(self) -> int:
        """Twisted's name."""
        return self._reading.fileno()

    def logPrefix(self) -> str:
        """Twisted's name."""
        return "mailaccess"

    def doRead(self) -> None:
        """Twisted's name."""
        for _ in range(AT_ONCE):
            if self._reading.fileno() < 0:
                return
            try:
                data, descriptors, _, _ = socket.recv_fds(
                    self._reading, LONGEST, MOST_DESCRIPTORS, _CLOSED_ON_EXEC
                )
            except OSError:  # nothing more
                return
            self._heard(data, descriptors)

    def connectionLost(self, reason: Any) -> None:
        """Twisted's name."""
        self.close()


class Token:
    """Something that only one process can take, whoever holds this: a pipe with one octet in it."""

    __slots__ = ("descriptor",)

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def new(cls) -> "Token":
        """Raises OSError: no descriptors left."""
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.write(writing, b"!")
        os.close(writing)
        return cls(reading)

    def take(self) -> bool:
        """Whether we are the first; to be asked once."""
        try:
            return bool(os.read(self.descriptor, 1))
        except OSError:
            return False
        finally:
            os.close(self.descriptor)


def may_go(transport: Any) -> bool:
    """Whether another process can serve this connection: it is plain, whole, and nothing waits to be sent."""
    return (
        type(transport) in (tcp.Server, unix.Server)
        and not transport.TLS
        and bool(transport.connected)
        and not (transport.disconnecting or transport.dataBuffer or transport._tempDataBuffer)
    )


def let_go(transport: Any) -> None:
    """Forget a connection that another process serves now: all is as if it had ended, but for the client."""
    if transport.connected:
        transport._shouldShutdown = False
        transport.connectionLost(Failure(ConnectionDone("another process serves it")))


def adopt(reactor: Any, descriptor: int, make: Callable[[], Protocol]) -> None:
    """Serve a connection; the descriptor stays the caller's, who closes it. make: its protocol.

    Raises OSError where the client has gone.
    """
    with socket.socket(fileno=descriptor) as known:
        try:
            known.getpeername()
            reactor.adoptStreamConnection(descriptor, known.family, _Once(make))
        finally:
            known.detach()


class _Once(Factory):
    noisy = False

    def __init__(self, make: Callable[[], Protocol]) -> None:
        self._make = make

    def buildProtocol(self, addr: Any) -> Protocol:
        """Twisted's question."""
        return self._make()


def close_all(descriptors: Sequence[int]) -> None:
    """Of a datagram that is of no use."""
    for each in descriptors:
        with suppress(OSError):
            os.close(each)
