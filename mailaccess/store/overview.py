"""What an account tells of all its mailboxes: the hierarchy, STATUS, marks; out of memory while nothing has changed.

Used on the reactor thread only.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from mailaccess.store import loading, tree
from mailaccess.store.api import Mailboxes, Mark, Status
from mailaccess.store.noticing import Noticing
from mailaccess.store.overhearing import Overhearing
from mailaccess.store.surroundings import Engine

FEW_STATUSES: Final = 8
"""Mailboxes asked for in one small job."""

STATUSES_KEPT: Final = 10_000
"""Mailboxes whose last STATUS is remembered: all that an account may have."""


FEW_MARKS: Final = 100
"""Mailboxes whose marks are read on the reactor thread: 0.3 ms."""


class Overview:
    def __init__(self, account: Engine, noticing: Noticing, overhearing: Overhearing) -> None:
        self._account = account
        self._noticing = noticing
        self._overhearing = overhearing
        self._listing: tree.Listing | None = None
        self._marks: tuple[tuple[object, int], tuple[dict[str, bytes], dict[str, Mark]]] | None = None
        self._kept: dict[str, loading.Looked] = {}

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

    async def status(self, name: str) -> Status:
        known = self._known(name) if self._noticing.index_is_fresh() else None
        return known or self._keep(name, await self._account.run_small(loading.status, name))

    async def statuses(self, names: Sequence[str]) -> dict[str, Status]:
        fresh = self._noticing.index_is_fresh()
        found = {name: known for name in names if fresh and (known := self._known(name)) is not None}
        asked = [name for name in names if name not in found]
        run = self._account.run_small if len(asked) <= FEW_STATUSES else self._account.run
        looked = await run(loading.statuses, asked) if asked else {}
        return found | {name: self._keep(name, each) for name, each in looked.items()}

    def _known(self, name: str) -> Status | None:
        """What was told last, if nothing has changed since."""
        looked, vault = self._kept.get(name), self._account.vault
        if looked is None or looked.stamp != vault.stamp:
            return None
        return looked.status if loading.signs(vault, looked.folder) == looked.signs else None

    def _keep(self, name: str, looked: loading.Looked) -> Status:
        if len(self._kept) >= STATUSES_KEPT:
            self._kept.clear()
        self._kept[name] = looked
        return looked.status

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
