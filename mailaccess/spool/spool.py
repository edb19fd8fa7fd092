"""The queue as coroutines: one for a process, used on the reactor thread; files are a ``ThreadRunner``'s work."""

import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final, ParamSpec, TypeVar

from mailaccess.model.errors import disk_failure
from mailaccess.model.work import ThreadRunner
from mailaccess.spool.envelope import Envelope, Recipient
from mailaccess.spool.queue import NotQueued, Queue, Writing
from mailaccess.spool.recent import Recent

P = ParamSpec("P")
T = TypeVar("T")

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
        self._changing: dict[str, int] = {}  # changes under way in threads, by message
        self._leaving: set[str] = set()  # done with, and perhaps still on disk
        self._unremoved: deque[str] = deque()
        self._problems: dict[str, OSError] = {}

    def begin(self) -> "Incoming":
        """Start to take in a message."""
        return Incoming(self, f"{int(self._now() * 1000):011x}{secrets.token_hex(5)}")

    async def read(self, id: str) -> Envelope:
        """Raises NotQueued, BadEnvelope, OSError."""
        known = self.queue.recent(id)
        if known is not None and id not in self._leaving:
            return known
        return await self._in_order(id, self.queue.read, id)

    async def _in_order(self, id: str, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have a thread work on the message, after all that was asked of it before. Raises NotQueued, too."""
        if id in self._leaving:
            raise NotQueued(id)
        self._changing[id] = self._changing.get(id, 0) + 1
        try:
            return await self._threads.run_in_order(("queue", id), call, *args, **kwargs)
        finally:
            left = self._changing.pop(id) - 1
            if left:
                self._changing[id] = left

    async def update(self, id: str, change: Callable[[Envelope], Envelope]) -> Envelope:
        """Change an envelope, after every earlier change of it; ``change`` runs in a thread.

        Raises NotQueued, BadEnvelope, OSError.
        """
        return await self._in_order(id, self._update, id, change)

    def _update(self, id: str, change: Callable[[Envelope], Envelope]) -> Envelope:
        before = self.queue.read(id)
        after = change(before)
        if after != before:
            self.queue.update(after)
        return after

    async def settle(self, id: str, change: Callable[[Envelope], Envelope]) -> Envelope:
        """As ``update``; a message that is finished then is removed, without writing it once more.

        ``change`` may be called twice. What memory has and nobody else is changing is removed together with others.
        """
        before = self.queue.recent(id) if id not in self._changing and id not in self._leaving else None
        after = change(before) if before is not None else None
        if after is not None and after.finished:
            await self._leave(id)
        else:
            after = await self._in_order(id, self._settle, id, change)
        self._bodies.drop(id)  # it was tried; whoever waits for another try waits on disk
        return after

    async def _leave(self, id: str) -> None:
        """Remove a message, with all those that are done with meanwhile: one sync of the folder for all."""
        self._leaving.add(id)
        self._unremoved.append(id)
        try:
            await self._threads.run_in_order("queue removals", self._remove_all, id)
        finally:
            self._leaving.discard(id)

    def _remove_all(self, id: str) -> None:
        """Raises OSError where ``id`` could not be removed, by this call or by an earlier one."""
        ids = [self._unremoved.popleft() for _ in range(len(self._unremoved))]
        try:
            if ids:
                self.queue.remove(*ids)
        except OSError as error:
            self._problems.update(dict.fromkeys(ids, error))
        problem = self._problems.pop(id, None)
        if problem is not None:
            raise problem

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
        await self._in_order(id, self.queue.remove, id)

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
