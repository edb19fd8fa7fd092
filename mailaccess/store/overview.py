"""What an account tells of all its mailboxes: the hierarchy, STATUS, marks; out of memory while nothing has changed.

STATUS of a mailbox that was told before costs three ``stat`` calls, which show whether another program wrote to it.
Who asks again soon has the mailbox's folders watched: then the kernel tells, and as long as it is silent there is
nothing to call. And who asks for one mailbox after the other, as mail programs do that know no LIST-STATUS, has
those that follow looked at in the same job, more and more of them.

Used on the reactor thread only.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from mailaccess.model.errors import MailError
from mailaccess.store import loading, tree
from mailaccess.store.api import Mailboxes, Mark, Status
from mailaccess.store.background import Watcher
from mailaccess.store.noticing import Noticing
from mailaccess.store.overhearing import Overhearing
from mailaccess.store.statuswatch import Kept, Watches
from mailaccess.store.surroundings import Engine

FEW_STATUSES: Final = 8
"""Mailboxes asked for in one small job."""

STATUSES_KEPT: Final = 10_000
"""Mailboxes whose last STATUS is remembered: all that an account may have."""

FEW_MARKS: Final = 100
"""Mailboxes whose marks are read on the reactor thread: 0.3 ms."""

SOON: Final = 30.0
"""Seconds: a mailbox asked for again within them is worth watching, at three times the cost of three looks."""

NEVER: Final = float("-inf")

AHEAD: Final = 16
"""Mailboxes looked at beside the one that was asked for: 10 ms if each is seen for the first time."""

ROW_SECONDS: Final = 1.0
"""Between two questions that are taken for parts of one survey."""


class Overview:
    def __init__(
        self,
        account: Engine,
        noticing: Noticing,
        overhearing: Overhearing,
        watcher: Watcher,
        watches: Watches,
    ) -> None:
        self._account = account
        self._noticing = noticing
        self._overhearing = overhearing
        self._watcher = watcher
        self._watches = watches
        self._kept: dict[str, Kept] = {}
        self._row = 0
        self._row_at = 0.0
        self._row_name = ""
        self._ahead_to: str | None = ""  # None: all were looked at
        self._listing: tree.Listing | None = None
        self._marks: tuple[tuple[object, int], tuple[dict[str, bytes], dict[str, Mark]]] | None = None

    async def mailboxes(self) -> Mailboxes:
        known, vault = self._listing, self._account.vault
        if (
            known is None
            or known.version != vault.tree_version
            or not self._noticing.index_is_fresh()
            or vault.files.mtime(vault.root) != known.root_mtime
        ):
            known = self._listing = await self._account.run(tree.listing)
        return known.infos

    # STATUS

    async def status(self, name: str) -> Status:
        fresh = self._noticing.index_is_fresh()
        return (self._known(name) if fresh else None) or await self._look(name, fresh)

    async def _look(self, name: str, fresh: bool) -> Status:
        """Ask for it; for others too, where it is one of many and what is known of them will do."""
        now = self._account.clock()
        if now - self._row_at >= ROW_SECONDS:
            self._row = 0
        elif name != self._row_name:
            self._row += 1
        self._row_at, self._row_name = now, name
        try:
            if self._row < 2:
                self._ahead_to = ""
            if self._row < 2 or not fresh or self._ahead_to is None:
                return self._keep(name, await self._account.run_small(loading.status, name))
            more = min(1 << self._row, AHEAD)
            looked, self._ahead_to = await self._account.run(
                loading.statuses_from, name, self._ahead_to, more
            )
        except MailError:
            gone = self._kept.pop(name, None)
            if gone is not None:
                self._watches.end(gone)
            raise
        self._row_at = self._account.clock()
        for other, each in looked.items():
            self._keep(other, each, asked=other == name)
        return looked[name].status

    async def statuses(self, names: Sequence[str]) -> dict[str, Status]:
        fresh = self._noticing.index_is_fresh()
        found = {name: known for name in names if fresh and (known := self._known(name)) is not None}
        asked = [name for name in names if name not in found]
        run = self._account.run_small if len(asked) <= FEW_STATUSES else self._account.run
        looked = await run(loading.statuses, asked) if asked else {}
        return found | {name: self._keep(name, each) for name, each in looked.items()}

    def _known(self, name: str) -> Status | None:
        """What was told last, if nothing has changed since."""
        kept = self._kept.get(name)
        if kept is None:
            return None
        looked, vault = kept.looked, self._account.vault
        if looked.state != vault.state_of(looked.status.mailbox_id):
            return None
        if kept.quiet:
            return looked.status
        if kept.watch is None:
            now = self._account.clock()
            if now - kept.at < SOON:
                self._watch(kept, looked.folder)
            kept.at = now
        kept.quiet = kept.watch is not None and kept.watch.complete
        if loading.signs(vault, looked.folder) == looked.signs:
            return looked.status
        kept.quiet = False
        return None

    def _watch(self, kept: Kept, folder: bytes) -> None:
        path = self._account.vault.folder(folder)
        kept.watch = self._watcher.watch((path, path + b"/new", path + b"/cur"), kept.stir)
        self._watches.add(kept)

    def _keep(self, name: str, looked: loading.Looked, *, asked: bool = True) -> Status:
        """asked: somebody waits for it; else whoever asks for it next does so for the first time."""
        kept = self._kept.get(name)
        if kept is not None and kept.looked.folder == looked.folder:
            kept.looked, kept.quiet = looked, False
        else:
            if len(self._kept) >= STATUSES_KEPT:
                self.rest()
                self._kept.clear()
            if kept is not None:
                self._watches.end(kept)
            self._kept[name] = Kept(looked, self._account.clock() if asked else NEVER)
        return looked.status

    def rest(self) -> None:
        """Watch nothing any more for now."""
        for kept in self._kept.values():
            if kept.watch is not None:
                self._watches.end(kept)

    # Marks

    async def marks(self) -> Mapping[str, Mark]:
        known = self._marks
        if known is None or not self._noticing.index_is_fresh() or known[0] != self._overhearing.signature():
            before = self._overhearing.signature()  # a job that ends meanwhile shows as another one
            await self._account.run_small(tree.sync)
            run = (
                self._account.run_small
                if known is not None and len(known[1][0]) <= FEW_MARKS
                else self._account.run
            )
            known = self._marks = before, await run(loading.marks)
        return known[1][1]

    def folder_of(self, name: str) -> bytes | None:
        """The folder of a mailbox, as of the last ``marks``."""
        return None if self._marks is None else self._marks[1][0].get(name)
