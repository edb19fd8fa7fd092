"""Has the texts of new messages indexed for SEARCH, in the background of the whole process.

One account after the other, a small batch at a time, mostly by a process beside the server (``delegation``). It takes
processor time that clients may want, and in this process it fights the reactor for the interpreter lock and its job
holds up the account's other jobs; so while clients keep the server busy only one batch a second runs, and when nobody
asked for anything for a moment one follows the other. Nothing waits for it: a search reads what is not indexed yet.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from mailaccess.model.errors import MailError
from mailaccess.store.background import Background

QUIET_SECONDS: Final = 0.5
"""Without a job that somebody waits for: then the machine is ours."""

BUSY_PAUSE: Final = 1.0
"""Seconds between batches while clients are served: one takes a tenth, of a core that is free as a rule."""

BATCHES_IN_TURN: Final = 20
"""Of one account before the next one's, 2 seconds: going from one to the other opens and closes indexes."""

RETRY_SECONDS: Final = 5.0
"""After a failed operation on disk."""


class Indexed(Protocol):
    """An account whose texts are indexed."""

    def index_some(self) -> Awaitable[int]:
        """Index a small batch; how many messages are left. Raises MailError."""
        ...


class Indexer:
    """``clock``: seconds. Used on the reactor thread only."""

    def __init__(self, runner: Background, clock: Callable[[], float]) -> None:
        self._runner = runner
        self._clock = clock
        self._waiting: OrderedDict[Indexed, None] = OrderedDict()
        self._running = False
        self._stopped = False
        self._batches_done = 0
        self._current: Indexed | None = None
        self._busy_at = clock() - QUIET_SECONDS

    def busy(self) -> None:
        """Somebody waits for a job."""
        self._busy_at = self._clock()

    def wants(self, account: Indexed) -> None:
        """``account`` may have texts to index; it is kept alive until they are.

        It is the next one: somebody has just received mail there or opened a mailbox, and may ask about it.
        """
        if self._stopped:
            return
        is_next = account is not self._current and account not in self._waiting
        self._waiting[account] = None
        if is_next:
            self._waiting.move_to_end(account, last=False)
            self._batches_done = 0
        if not self._running:
            self._running = True
            self._runner.later(QUIET_SECONDS, self._go_on)

    def stop(self) -> None:
        """Begin no batch any more: what is not indexed is after the next start."""
        self._stopped = True
        self._waiting.clear()

    def _go_on(self) -> None:
        self._runner.start(self._batches())

    async def _batches(self) -> None:
        """Batches until somebody comes, nothing is left, or the disk refuses."""
        pause = BUSY_PAUSE
        while self._waiting:
            account, _ = self._waiting.popitem(last=False)
            self._current = account
            try:
                more = await account.index_some()
                self._batches_done += 1
                if not more or self._batches_done >= BATCHES_IN_TURN:
                    self._batches_done = 0
                if more and not self._stopped:
                    self._waiting[account] = None
                    self._waiting.move_to_end(account, last=not self._batches_done)
            except MailError:  # it is in the log already
                if self._stopped:
                    break
                self._waiting[account] = None
                pause = RETRY_SECONDS
                break
            finally:
                self._current = None
            if self._clock() - self._busy_at < QUIET_SECONDS:
                break
            await self._runner.pause()
        if self._waiting:
            self._runner.later(pause, self._go_on)
        else:
            self._running = False
