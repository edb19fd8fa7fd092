"""RETR and TOP: whole messages and their tops out of the store, looked up ahead.

A client that takes messages one after the other gets them looked up, and headers read, in batches that double
(1, 2, 4 ... messages) while it goes on in order. Messages are read when their turn comes; those of more than 2 MiB
come as an open Body and are streamed.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from typing import Final

from mailaccess.model.errors import TemporaryFailure
from mailaccess.pop3.maildrop import Maildrop
from mailaccess.proto.pop3.stuffing import Stuffer, stuffed, stuffed_parts, top
from mailaccess.store.api import Bodies, Body, Fact

READ_AHEAD: Final = 512 * 1024
"""Octets of the messages whose headers are read ahead for one session: a header may be as large as its message."""

BATCH: Final = 64
"""Messages looked up at once, the most that ``Mailbox.bodies`` wants."""

PIECE: Final = 256 * 1024
"""Octets of a large message in memory at once."""

MAX_TOP: Final = 2**20
"""Octets of a large message that TOP looks at."""


class Retrieval:
    """The reading side of one session."""

    def __init__(self, drop: Maildrop) -> None:
        self._drop = drop
        self._order = _Order()
        self._bodies: Bodies | None = None
        self._places: dict[int, int] = {}
        self._headers = _Ahead()

    def close(self) -> None:
        """Let go of what was read ahead."""
        if self._bodies is not None:
            self._bodies.close()
        self._bodies, self._places = None, {}

    def at_hand(self, number: int) -> Sequence[bytes] | None:
        """``message`` where there is nothing to wait for, as parts; None where there may be."""
        place = self._places.get(number)
        if place is None or self._bodies is None:
            return None
        found = self._bodies.present(place)
        if found is None:
            return None
        self._order.last = number
        return stuffed_parts(found)

    async def message(self, number: int) -> AsyncGenerator[bytes, None]:
        """The message, dot-stuffed, with its end, in pieces; nothing at all if it is gone.

        Raises MailError, also in the middle.
        """
        found = await self._body(number)
        if found is None:
            return
        if isinstance(found, bytes):
            for part in stuffed_parts(found):
                yield part
            return
        with closing(found):
            stuffer = Stuffer()
            place = 0
            while place < found.size:
                piece = await found.read(place, PIECE)
                if not piece:  # what has come must not be taken for the whole, and deleted
                    raise TemporaryFailure(detail="the message is shorter than it was")
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
        place = self._places.get(number)
        bodies = self._bodies
        if place is None or bodies is None:
            self.close()
            numbers = self._following(number, self._order.batch(number))
            bodies = await self._drop.mailbox.bodies([self._drop.uids[each - 1] for each in numbers])
            place = 0
            self._bodies, self._places = bodies, {each: index for index, each in enumerate(numbers)}
        self._order.last = number
        found = bodies.present(place)
        return found if found is not None else await bodies.read(place)

    async def _header(self, number: int) -> bytes | None:
        if number not in self._headers.held:
            numbers = self._following(number, self._headers.order.batch(number), READ_AHEAD)
            found = await self._drop.mailbox.facts(
                [self._drop.uids[each - 1] for each in numbers], (Fact.HEADER,)
            )
            headers = [None if each is None else each[0] for each in found]
            self._headers.hold(numbers[1:], headers[1:])
            self._headers.order.last = number
            return headers[0]
        return self._headers.take(number)

    def _following(self, number: int, most: int, room: int | None = None) -> list[int]:
        """``number`` and the messages behind it that are worth asking for with it, of ``room`` octets at most."""
        drop = self._drop
        numbers = [number]
        for each in range(number + 1, min(number + most, len(drop) + 1)):
            if room is not None:
                room -= drop.sizes[each - 1]
                if room < 0:
                    break
            if each not in drop.deleted:
                numbers.append(each)
        return numbers


class _Order:
    """How far a client goes on in order."""

    def __init__(self) -> None:
        self.last = -1
        self._batch = 1

    def batch(self, number: int) -> int:
        """How many messages to ask for from ``number`` on: more each time that the client goes on in order."""
        self._batch = min(self._batch * 2, BATCH) if 0 < number - self.last <= 2 and self.last > 0 else 1
        return self._batch


class _Ahead:
    """What was read ahead; a header leaves when it is asked for."""

    def __init__(self) -> None:
        self.held: dict[int, bytes] = {}
        self.order = _Order()

    def hold(self, numbers: Sequence[int], found: Sequence[bytes | None]) -> None:
        self.held = {
            number: octets for number, octets in zip(numbers, found, strict=True) if octets is not None
        }

    def take(self, number: int) -> bytes:
        self.order.last = number
        return self.held.pop(number)
