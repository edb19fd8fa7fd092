"""Who wants to know that anything happened in an account, and by what it shows (the store's side of NOTIFY, RFC 5465).

A listener is told *that* something may have changed, never what: it looks at ``Account.marks``, the hierarchy, the
subscriptions and ``Account.annotation_marks`` and compares. So nothing is queued, and a hundred changes before the next
look cost one. An account without listeners pays one test for each job.

What shows: every commit of this process (``Vault.stamp``), other processes' commits (the watch on the index's folder),
the account's own folder (subscriptions, new and lost mailboxes), and ``new/`` and ``cur/`` of the mailboxes that the
listeners name, up to ``MAX_WATCHED`` of them, for mail that other programs put there.
"""

import contextlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Final

from mailaccess.model.errors import MailError
from mailaccess.store import loading
from mailaccess.store.background import Cancellable, Watch, Watcher

if TYPE_CHECKING:
    from mailaccess.store.account import MaildirAccount

MAX_WATCHED: Final = 64
"""Mailboxes of one account whose folders the kernel watches for listeners, two watches each: it has 8,192 at least."""

SETTLE_SECONDS: Final = 0.03
"""Between a sign in a folder and the look at it: a rename gives several."""


class Overhearing:
    """Of one account. On the reactor thread only."""

    def __init__(self, account: "MaildirAccount", watcher: Watcher) -> None:
        self._account = account
        self._watcher = watcher
        self._heard: dict[Hearing, Callable[[], None]] = {}
        self._seen: tuple[object, int] | None = None
        self._root: Watch | None = None
        self._folders: dict[str, Watch] = {}
        self._planned: dict[str, Cancellable] = {}

    def __bool__(self) -> bool:
        return bool(self._heard)

    def listen(self, heard: Callable[[], None]) -> "Hearing":
        hearing = Hearing(self)
        if not self._heard:
            self._seen = self.signature()
        self._heard[hearing] = heard
        if self._root is None:
            self._root = self._watcher.watch((self._account.vault.root,), self.stir)
        return hearing

    def end(self, hearing: "Hearing") -> None:
        """Called by ``Hearing``."""
        self._heard.pop(hearing, None)
        self._watch_folders()
        if not self._heard and self._root is not None:
            self._root.close()
            self._root = None

    def signature(self) -> tuple[object, int]:
        """The same as before only while nobody committed anything that this process knows of."""
        vault = self._account.vault
        return vault.stamp, vault.tree_version

    def look(self) -> None:
        """After each job: tell, if it changed anything."""
        now = self.signature()
        if now != self._seen:
            self._seen = now
            self.stir()

    def stir(self) -> None:
        for heard in list(self._heard.values()):
            heard()

    def _watch_folders(self) -> None:
        """Watch what is named now, and no more."""
        wanted = list(dict.fromkeys(name for hearing in self._heard for name in hearing.named))[:MAX_WATCHED]
        for name in self._folders.keys() - set(wanted):
            self._folders.pop(name).close()
        for name in wanted:
            if name not in self._folders:
                folder = self._account.folder_of(name)
                if folder is not None:
                    path = self._account.vault.path
                    paths = (path(folder, 0, b"")[:-1], path(folder, 1, b"")[:-1])
                    self._folders[name] = self._watcher.watch(paths, partial(self._notice, name))

    def name(self, hearing: "Hearing", names: Iterable[str]) -> None:
        """Called by ``Hearing``."""
        named = tuple(names)[:MAX_WATCHED]
        if named != hearing.named:
            hearing.named = named
            self._watch_folders()

    def _notice(self, name: str) -> None:
        if name not in self._planned:
            self._planned[name] = self._account.runner.later(SETTLE_SECONDS, partial(self._take_in, name))

    def _take_in(self, name: str) -> None:
        self._planned.pop(name, None)
        if self._heard:
            self._account.runner.start(self._take_in_quietly(name))

    async def _take_in_quietly(self, name: str) -> None:
        with contextlib.suppress(
            MailError
        ):  # it is in the log, or the mailbox is gone, which shows by itself
            await self._account.run_unasked(loading.status, name)

    def stop(self) -> None:
        """Watch nothing any more: the store closes."""
        for planned in self._planned.values():
            planned.cancel()
        self._planned.clear()
        for watch in [*self._folders.values(), *([self._root] if self._root is not None else [])]:
            watch.close()
        self._folders.clear()
        self._root = None


class Hearing:
    """``api.Hearing``. named: the mailboxes whose folders are watched for it."""

    def __init__(self, owner: Overhearing) -> None:
        self._owner = owner
        self.named: tuple[str, ...] = ()

    def watch(self, names: Iterable[str]) -> None:
        self._owner.name(self, names)

    def close(self) -> None:
        self._owner.end(self)
