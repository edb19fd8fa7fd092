"""How an account notices what others do to it: watches, what they told, and when it is looked at.

Two things are watched. The folder of the index: any commit of any process shows there, our own too, so that a
sign costs one look at the index's change counter, and only another's commit costs a job. And ``new/`` and ``cur/``
of each mailbox in memory, where our own renames show as well. As long as the kernel tells nothing, what is in
memory is as good as the disk: ``is_fresh`` costs one read of the kernel's queue.

A sign precedes its commit by some microseconds (the log is written before its pages count), so for a moment after
it the index is not trusted without a look, and sessions that wait in IDLE are told by a look behind it.

Used on the reactor thread only.
"""

from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final, Protocol

from mailaccess.store.background import Background, Cancellable, Watch, Watcher
from mailaccess.store.changes import OpenMailbox
from mailaccess.store.vault import Vault

NOTICE_SECONDS: Final = 0.03
"""Between a sign of another's change and the look at it: a rename gives several signs."""

DOUBT_SECONDS: Final = 2.0
"""How long a folder has been quiet before it is listed because our own changes might hide another's."""

LARGE: Final = 20_000
"""Messages from which on that listing waits ten times as long: it takes 2 µs a message."""


class Noticed(Protocol):
    """The account. vault, runner, clock: as its jobs use them; key: of its queue."""

    vault: Vault
    runner: Background
    clock: Callable[[], float]

    @property
    def key(self) -> Hashable: ...

    @property
    def in_use(self) -> bool: ...

    def refresh_quietly(self, state: OpenMailbox, thorough: bool) -> Coroutine[Any, Any, None]: ...

    def catch_up_quietly(self) -> Coroutine[Any, Any, None]:
        """Take in what other processes committed."""
        ...


class Noticing:
    def __init__(self, account: Noticed, watcher: Watcher) -> None:
        self._account = account
        self._watcher = watcher
        self._watches: dict[str, Watch] = {}
        self._stale: set[str] = set()
        self._index_watch: Watch | None = None
        self._index_stale = True
        self._index_told = 0.0
        self._planned: dict[tuple[str, bool], Cancellable] = {}

    # Watching

    def begin(self, state: OpenMailbox) -> None:
        """Watch a mailbox's folders, unless they are."""
        if state.mailbox_id not in self._watches:
            vault = self._account.vault
            paths = (vault.path(state.folder, 0, b"")[:-1], vault.path(state.folder, 1, b"")[:-1])
            self._watches[state.mailbox_id] = self._watcher.watch(paths, lambda: self._notice(state))

    def end(self, mailbox_id: str) -> None:
        """The mailbox has left memory."""
        self._stale.discard(mailbox_id)
        watch = self._watches.pop(mailbox_id, None)
        if watch is not None:
            watch.close()
        if not self._watches and not self._account.in_use:
            self.end_index()

    def end_index(self) -> None:
        """Watch the index no longer; the next ``index_is_fresh`` begins anew, with a look."""
        watch, self._index_watch = self._index_watch, None
        if watch is not None:
            watch.close()

    def stop(self) -> None:
        """Plan nothing any more."""
        for planned in self._planned.values():
            planned.cancel()
        self._planned.clear()

    # Freshness

    def is_fresh(self, state: OpenMailbox) -> bool:
        """Whether the mailbox in memory is as on disk, as far as the kernel can tell."""
        watch = self._watches.get(state.mailbox_id)
        if watch is None or not watch.complete:
            return False
        return self.index_is_fresh() and state.mailbox_id not in self._stale

    def looking(self, state: OpenMailbox) -> None:
        """A job is about to look at the mailbox's folders."""
        self._stale.discard(state.mailbox_id)

    def index_is_fresh(self) -> bool:
        """Whether no other process has committed anything that this one has not taken in."""
        account = self._account
        watch = self._index_watch
        if watch is None:
            self._index_stale = True
            path = bytes(account.vault.location.index)
            watch = self._index_watch = self._watcher.watch((path,), self._notice_index)
        if not watch.complete:
            return False
        self._watcher.catch_up()
        if not self._index_stale:
            return True
        if not account.runner.is_idle(account.key) or not account.vault.is_current():
            return False
        if account.clock() - self._index_told > NOTICE_SECONDS:
            self._index_stale = False
        return True

    # Signs

    def _notice_index(self) -> None:
        self._index_stale = True
        self._index_told = self._account.clock()
        key = ("", False)
        if key not in self._planned and self._account.in_use:
            self._planned[key] = self._account.runner.later(NOTICE_SECONDS, self._look_at_index)

    def _look_at_index(self) -> None:
        self._planned.pop(("", False), None)
        account = self._account
        if account.in_use and not (account.runner.is_idle(account.key) and account.vault.is_current()):
            account.runner.start(account.catch_up_quietly())

    def _notice(self, state: OpenMailbox) -> None:
        self._stale.add(state.mailbox_id)
        self._plan(state, NOTICE_SECONDS, thorough=False)

    def doubt(self, state: OpenMailbox) -> None:
        """Have the mailbox's folders listed once they have been quiet for a while."""
        self._plan(state, DOUBT_SECONDS if len(state.columns) < LARGE else 10 * DOUBT_SECONDS, thorough=True)

    def _plan(self, state: OpenMailbox, seconds: float, *, thorough: bool) -> None:
        key = (state.mailbox_id, thorough)
        if key not in self._planned and state.in_use:
            self._planned[key] = self._account.runner.later(seconds, lambda: self._look(state, thorough))

    def _look(self, state: OpenMailbox, thorough: bool) -> None:
        self._planned.pop((state.mailbox_id, thorough), None)
        if state.in_use and not state.gone:
            self._account.runner.start(self._account.refresh_quietly(state, thorough))
