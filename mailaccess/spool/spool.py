"""The queue as coroutines: one for a process, used on the reactor thread; files are a ``ThreadRunner``'s work."""

import secrets
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

from mailaccess.model.errors import disk_failure
from mailaccess.model.work import ThreadRunner
from mailaccess.spool.envelope import Envelope, Recipient
from mailaccess.spool.queue import Queue, Writing
from mailaccess.spool.recent import Recent

GATHERED: Final = 128 * 1024
"""Octets of a message held before they are written: most messages need one call to a thread."""

PIECE: Final = 64 * 1024
"""Octets of a body read at once."""


BODIES: Final = 2000
BODY_OCTETS: Final = 16 * 2**20
"""Bodies kept in memory for their first try, and their octets together."""


class Spool:
    """wake: told of each new message when it is on disk.  now: seconds since the epoch."""

    def __init__(self, queue: Queue, threads: ThreadRunner, now: Callable[[], float] = time.time) -> None:
        self.queue = queue
        self._threads = threads
        self._now = now
        self.wake: Callable[[Envelope], None] = lambda envelope: None
        self._bodies: Recent[bytes] = Recent(BODIES, BODY_OCTETS)

    def begin(self) -> "Incoming":
        """Start to take in a message."""
        return Incoming(self, f"{int(self._now() * 1000):011x}{secrets.token_hex(5)}")

    async def read(self, id: str) -> Envelope:
        """Raises NotQueued, BadEnvelope, OSError."""
        known = self.queue.recent(id)
        if known is not None:
            return known
        return await self._threads.run_in_order(("queue", id), self.queue.read, id)

    async def update(self, id: str, change: Callable[[Envelope], Envelope]) -> Envelope:
        """Change an envelope, after every earlier change of it; ``change`` runs in a thread.

        Raises NotQueued, BadEnvelope, OSError.
        """
        return await self._threads.run_in_order(("queue", id), self._update, id, change)

    def _update(self, id: str, change: Callable[[Envelope], Envelope]) -> Envelope:
        before = self.queue.read(id)
        after = change(before)
        if after != before:
            self.queue.update(after)
        return after

    async def settle(self, id: str, change: Callable[[Envelope], Envelope]) -> Envelope:
        """As ``update``; a message that is finished then is removed, without writing it once more."""
        after = await self._threads.run_in_order(("queue", id), self._settle, id, change)
        self._bodies.drop(id)  # it was tried; whoever waits for another try waits on disk
        return after

    def _settle(self, id: str, change: Callable[[Envelope], Envelope]) -> Envelope:
        before = self.queue.read(id)
        after = change(before)
        if after.finished:
            self.queue.remove(id)
        elif after != before:
            self.queue.update(after)
        return after

    async def remove(self, id: str) -> None:
        self._bodies.drop(id)
        await self._threads.run_in_order(("queue", id), self.queue.remove, id)

    async def body(self, id: str) -> AsyncIterator[bytes]:
        """The message's octets. Raises NotQueued, OSError."""
        kept = self._bodies.get(id)
        if kept is not None:
            yield kept
            return
        place = 0
        while True:
            piece = await self._threads.run(self.queue.read_body, id, place, PIECE)
            place += len(piece)
            if piece:
                yield piece
            if len(piece) < PIECE:
                return

    async def head(self, id: str, most: int) -> bytes:
        """The first octets of the message. Raises NotQueued, OSError."""
        return await self._threads.run(self.queue.read_body, id, 0, most)


class Incoming:
    """A message on its way in. ``write`` its octets, then ``commit``; or ``discard`` at any time."""

    def __init__(self, spool: Spool, id: str) -> None:
        self.id = id
        self._spool = spool
        self._writing: Writing = spool.queue.begin(id)
        self._parts: list[bytes] = []
        self._held = 0

    async def write(self, data: bytes) -> None:
        """Raises TemporaryFailure (disk full)."""
        self._parts.append(data)
        self._held += len(data)
        if self._held > GATHERED:
            parts, self._parts, self._held = self._parts, [], 0
            try:
                await self._spool._threads.run(self._writing.write, b"".join(parts))
            except OSError as error:
                raise disk_failure(error, f"queue: {error}") from error

    async def commit(
        self,
        sender: str,
        recipients: tuple[Recipient, ...],
        *,
        owner: str = "",
        smtputf8: bool = False,
        ret: str = "",
        envid: str = "",
    ) -> Envelope:
        """Queue it: it would survive kill -9 when this returns. Raises TemporaryFailure."""
        now = self._spool._now()
        envelope = Envelope(
            id=self.id,
            sender=sender,
            recipients=recipients,
            created=now,
            due=now,
            owner=owner or sender,
            smtputf8=smtputf8,
            ret=ret,
            envid=envid,
        )
        try:
            whole = await self._spool._threads.run(self._commit, b"".join(self._parts), envelope)
        except OSError as error:
            raise disk_failure(error, f"queue: {error}") from error
        self._parts.clear()
        if self._spool.queue.locked and (octets := self._writing.whole) is not None:
            self._spool._bodies.put(self.id, octets)
        self._spool.wake(whole)
        return whole

    def _commit(self, rest: bytes, envelope: Envelope) -> Envelope:
        self._writing.write(rest)
        return self._writing.commit(envelope)

    async def discard(self) -> None:
        self._parts.clear()
        await self._spool._threads.run(self._writing.discard)
