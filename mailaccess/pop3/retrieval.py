"""RETR and TOP: whole messages and their tops out of the store, read ahead.

A hop to the store's thread costs more than reading a small message, so a client that takes messages one
after the other gets them read in batches that double (1, 2, 4 ... messages) while it goes on in order, at
most READ_AHEAD octets. Messages of more than 1 MiB come as an open Body and are streamed.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from typing import Final

from mailaccess.pop3.maildrop import Maildrop
from mailaccess.proto.pop3.stuffing import Stuffer, stuffed, top
from mailaccess.store.api import Body, Fact

READ_AHEAD: Final = 512 * 1024
"""Octets read ahead for one session, besides the message asked for."""

BATCH: Final = 64
"""Messages read at once, the most that ``Mailbox.read`` wants."""

PIECE: Final = 256 * 1024
"""Octets of a large message in memory at once."""

MAX_TOP: Final = 2**20
"""Octets of a large message that TOP looks at."""


class Retrieval:
    """The reading side of one session."""

    def __init__(self, drop: Maildrop) -> None:
        self._drop = drop
        self._bodies = _Ahead()
        self._headers = _Ahead()

    async def message(self, number: int) -> AsyncGenerator[bytes, None]:
        """The message, dot-stuffed, with its end, in pieces; nothing at all if it is gone."""
        found = await self._body(number)
        if found is None:
            return
        if isinstance(found, bytes):
            yield stuffed(found)
            return
        with closing(found):
            stuffer = Stuffer()
            place = 0
            while place < found.size:
                piece = await found.read(place, PIECE)
                if not piece:  # the file is shorter than the index says
                    break
                place += len(piece)
                yield stuffer.piece(piece)
            yield stuffer.end()

    async def top(self, number: int, lines: int) -> bytes | None:
        """The header and ``lines`` lines of the body, dot-stuffed, with the end; None if it is gone."""
        if lines == 0:
            header = await self._header(number)
            return None if header is None else stuffed(top(header, 0)[0])
        found = await self._body(number)
        if found is None:
            return None
        if isinstance(found, bytes):
            return stuffed(top(found, lines)[0])
        with closing(found):
            seen = b""
            while len(seen) < min(found.size, MAX_TOP):
                piece = await found.read(len(seen), PIECE)
                if not piece:
                    break
                seen += piece
                upper, whole = top(seen, lines)
                if whole:
                    return stuffed(upper)
            return stuffed(top(seen, lines)[0])

    async def _body(self, number: int) -> "bytes | Body | None":
        if number not in self._bodies.held:
            numbers = self._following(number, self._bodies.batch(number))
            found = await self._drop.mailbox.read([self._drop.uids[each - 1] for each in numbers])
            first = found[0]
            self._bodies.hold(numbers[1:], [each if isinstance(each, bytes) else None for each in found[1:]])
            for each in found[1:]:
                if each is not None and not isinstance(each, bytes):
                    each.close()  # larger than the index said: it is read when it is asked for
            self._bodies.last = number
            return first
        return self._bodies.take(number)

    async def _header(self, number: int) -> bytes | None:
        if number not in self._headers.held:
            numbers = self._following(number, self._headers.batch(number))
            found = await self._drop.mailbox.facts(
                [self._drop.uids[each - 1] for each in numbers], (Fact.HEADER,)
            )
            headers = [None if each is None else each[0] for each in found]
            self._headers.hold(numbers[1:], headers[1:])
            self._headers.last = number
            return headers[0]
        return self._headers.take(number)

    def _following(self, number: int, most: int) -> list[int]:
        """``number`` and the messages behind it that are worth reading with it."""
        drop = self._drop
        numbers = [number]
        room = READ_AHEAD
        for each in range(number + 1, min(number + most, len(drop) + 1)):
            size = drop.sizes[each - 1]
            if size > room:
                break
            if each not in drop.deleted:
                room -= size
                numbers.append(each)
        return numbers


class _Ahead:
    """What was read ahead; a message leaves when it is asked for."""

    def __init__(self) -> None:
        self.held: dict[int, bytes] = {}
        self.last = -1
        self._batch = 1

    def batch(self, number: int) -> int:
        """How many messages to read from ``number`` on: more each time that the client goes on in order."""
        self._batch = min(self._batch * 2, BATCH) if 0 < number - self.last <= 2 and self.last > 0 else 1
        return self._batch

    def hold(self, numbers: Sequence[int], found: Sequence[bytes | None]) -> None:
        self.held = {
            number: octets for number, octets in zip(numbers, found, strict=True) if octets is not None
        }

    def take(self, number: int) -> bytes:
        self.last = number
        return self.held.pop(number)
