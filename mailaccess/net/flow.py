"""Writing that waits for a slow reader.

A ``Flow`` belongs to one connection. It registers as the transport's push producer, so the transport
says when more than its buffer's worth (64 KiB) is unsent and when that has gone. A coroutine that has
much to say calls ``send``, or ``write`` and then ``await drain()``: it goes on only while the client
reads, so a 100 MB message costs a piece or two of memory, not 100 MB.

Always holds: once the connection is lost or closed by us, everybody who waits or comes to wait gets
``ConnectionResetError`` (the built-in, so that plain Python above need not know of Twisted).
"""

from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from mailaccess.net import directly

PIECE: Final = 64 * 1024
"""Octets handed to the transport at once: 0.9 GB/s of TLS per core, and one huge write halves it."""

PATIENCE: Final = 30.0
"""Seconds after ``close`` for the rest to be read before the connection is cut: a dead peer holds nothing."""


@implementer(IPushProducer)
class Flow:
    """The writing side of one connection; used on the reactor thread only.

    transport: a Twisted transport that takes a streaming producer (TCP, TLS, UNIX socket).
    clock: what offers ``callLater``; None: ``close`` waits without a limit (tests on in-memory transports).
    """

    __slots__ = ("_clock", "_cut", "_lost", "_paused", "_transport", "_waiting")

    def __init__(self, transport: Any, clock: Any = None) -> None:
        self._transport = transport
        self._clock = clock
        self._paused = False
        self._lost = False
        self._waiting: list[Deferred[None]] = []
        self._cut: Any = None
        transport.registerProducer(self, True)

    @property
    def paused(self) -> bool:
        """Whether more than the transport's buffer is unsent."""
        return self._paused

    @property
    def lost(self) -> bool:
        """Whether nothing can be written any more."""
        return self._lost

    def write(self, data: bytes) -> None:
        """Hand ``data`` to the transport in pieces; nothing waits, and after the end nothing happens.

        For answers whose size is bounded; longer ones go through ``send``.
        """
        self.write_all([data])

    def write_all(self, parts: list[bytes]) -> None:
        """Write parts as one; their octets together are bounded, as those of ``write``."""
        if self._lost:
            return
        rest = directly.send(self._transport, parts)
        if not rest:
            return
        if directly.is_plain(self._transport):
            self._transport.writeSequence(rest)
            return
        data = rest[0] if len(rest) == 1 else b"".join(rest)
        for start in range(0, len(data), PIECE):
            self._transport.write(data[start : start + PIECE] if len(data) > PIECE else data)

    async def send(self, data: bytes) -> None:
        """Write ``data`` in pieces, each when the client has read enough of those before.

        Raises ConnectionResetError.
        """
        if len(data) <= PIECE:
            self.write(data)
            await self.drain()
            return
        for start in range(0, len(data), PIECE):
            self.write(data[start : start + PIECE])
            await self.drain()

    async def drain(self) -> None:
        """Wait until the transport has room. Raises ConnectionResetError."""
        if self._lost:
            raise ConnectionResetError("the connection is closed")
        if self._paused:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def close(self) -> None:
        """Close once everything written has been read, at the latest after ``PATIENCE``."""
        if self._lost:
            return
        self._end()
        # A TLS transport waits for its producer to go before it closes.
        self._transport.unregisterProducer()
        if self._clock is not None:
            self._cut = self._clock.callLater(PATIENCE, self._transport.abortConnection)
        self._transport.loseConnection()

    def abort(self) -> None:
        """Close at once; what is unsent is dropped."""
        self._end()
        self._transport.abortConnection()

    def connection_lost(self) -> None:
        """To be called from the protocol's ``connectionLost``: wakes everybody who waits."""
        if self._cut is not None:
            if self._cut.active():
                self._cut.cancel()
            self._cut = None
        self._end()

    def _end(self) -> None:
        self._lost = True
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.called:
                each.errback(ConnectionResetError("the connection is closed"))

    # Called by the transport; the spelling is Twisted's.

    def pauseProducing(self) -> None:
        """The transport's buffer is full."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The transport's buffer is empty."""
        self._paused = False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.called:
                each.callback(None)

    def stopProducing(self) -> None:
        """The transport lost its connection."""
        self._end()
