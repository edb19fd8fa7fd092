"""Answers gathered as octets and written once for each input, or once for each slice of a long answer."""

from typing import Final

from mailaccess.imap.deflate import Deflate
from mailaccess.imap.languages import spoken
from mailaccess.imap.wire import Wire
from mailaccess.proto.imap.render import render, status
from mailaccess.proto.imap.responses import Response, Status, Tagged

PIECE: Final = 128 * 1024
"""Octets gathered before a long answer is written: fewer, larger system calls gain little more."""


class Replies:
    """The way out of one connection.

    What is given is kept until ``flush``, which the connection calls when it has no more input to work on
    or has to wait. A handler with much to say awaits ``room`` now and then: it flushes past ``PIECE`` octets,
    and waits while the client reads slowly, so that memory stays bounded.
    """

    __slots__ = ("_pieces", "_size", "_wire", "deflate", "language", "last_drained", "utf8")

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._pieces: list[bytes] = []
        self._size = 0
        self.last_drained = wire.now()  # when the client last made room: it is alive
        self.deflate: Deflate | None = None  # COMPRESS is on
        self.utf8 = False  # UTF8=ACCEPT or IMAP4rev2 is on
        self.language: str | None = None  # of the texts; None is English, as written

    @property
    def gathered(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._pieces)

    def send(self, response: Response) -> None:
        """One response. For a bounded number of them; else ``await room()`` in between."""
        if self.language is not None:
            response = spoken(response, self.language)
        self.octets(render(response, utf8=self.utf8))

    def complete(self, tag: bytes, answer: Status) -> None:
        """The tagged status that ends a command."""
        if self.language is not None:
            self.send(Tagged(tag, answer))
        else:
            self.octets(status(tag, answer))

    def octets(self, data: bytes) -> None:
        """What has been rendered already."""
        self._pieces.append(data)
        self._size += len(data)

    @property
    def is_piece(self) -> bool:
        """Whether ``room`` has something to do: a coroutine for each of 10,000 messages is not for nothing."""
        return self._size >= PIECE

    async def room(self) -> None:
        """Write what has become a piece, and wait until the client can take more.

        Raises ConnectionResetError when the client has gone.
        """
        if self._size >= PIECE:
            self.flush()
            if self._wire.full:
                await self._wire.drain()
                self.last_drained = self._wire.now()

    def flush(self) -> None:
        """Write everything."""
        pieces = self._pieces
        if pieces:
            self._pieces = []
            self._size = 0
            if self.deflate is not None:
                self._wire.write(self.deflate.pack(b"".join(pieces)))
            elif len(pieces) == 1:
                self._wire.write(pieces[0])
            else:
                self._wire.write_all(pieces)
