"""``MaildirStore``: the accounts that this process has open, and the memory they may use.

An account's index is opened with its first job and closed when ``open_accounts`` others were used since, or nobody
used it for a moment (``openings``): also while sessions have mailboxes open, as 10,000 phones in IDLE do. They see
what happens all the same, since every writer leaves traces that the kernel tells of, and the next job opens the index
again.
What lingers in memory (``lingering``, ``memory``) is looked at each minute, as long as there is any.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from mailaccess.config import sections
from mailaccess.model.account import AccountLocation
from mailaccess.model.errors import MailError
from mailaccess.model.rights import Who
from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog
from mailaccess.store.account import MaildirAccount
from mailaccess.store.aside import work
from mailaccess.store.aside.process import Aside, Indexing
from mailaccess.store.background import NoWatcher, Watcher, complete
from mailaccess.store.changes import OpenMailbox
from mailaccess.store.index.picked import Room
from mailaccess.store.indexer import Indexer
from mailaccess.store.lingering import MAILBOXES_AT_REST, Lingering
from mailaccess.store.maildir.deliver import UniqueNames
from mailaccess.store.maildir.files import Files
from mailaccess.store.memory import Memory
from mailaccess.store.openings import Openings
from mailaccess.store.shares import Shares
from mailaccess.store.statuswatch import Watches
from mailaccess.store.surroundings import Closable
from mailaccess.store.vault import Vault

QUIET_SECONDS: Final = 60.0
"""Between two looks at what lingers. Past answers go when nobody asked for one meanwhile, also while the background
works; most mailboxes when no account had a job.
"""


class MaildirStore:
    """``api.Store``. Made on the reactor thread; one for the process.

    runner: ``worker.Worker`` in the server; an ``InlineRunner`` runs everything at once (tests, tools).
    watcher: ``watch.InotifyWatcher``, or None: then every opening and refresh looks.  clock: seconds since the epoch.
    shares: the file of ``shares.Shares``.
    processes: beside this one, for work that is plain Python (``aside``); if any, another one indexes.
    """

    def __init__(
        self,
        settings: sections.Store,
        runner: ThreadRunner,
        watcher: Watcher | None,
        log: EventLog,
        clock: Callable[[], float],
        shares: Path | None = None,
        processes: int = 0,
    ) -> None:
        self.settings = settings
        self.aside = Aside(processes, work.VERSIONS)
        self.indexing = Indexing(processes > 0, work.VERSIONS)
        self.picked_room = Room()
        self.status_watches = Watches()
        self.runner = complete(runner)
        self.watcher = watcher or NoWatcher()
        self.log = log
        self.clock = clock
        self.unique_names = UniqueNames(clock)
        self.indexer = Indexer(self.runner, clock)
        self.memory = Memory()
        self.shares = Shares(shares, self.runner, log, clock)
        self._accounts: WeakValueDictionary[str, MaildirAccount] = WeakValueDictionary()
        self._openings = Openings(self.runner, clock, settings.open_accounts)
        self._uses = 0
        self._closed = False
        self._lingering = Lingering(clock)
        self._looking = False

    async def open(self, location: AccountLocation) -> MaildirAccount:
        key = os.fspath(location.maildir)
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = MaildirAccount(self, location)
        if not account.vault.opened_before:
            await account.run(_nothing)
        return account

    async def sharers(self, who: Who) -> Sequence[str]:
        return await self.shares.owners(who.identifiers())

    def forget_rights(self, owner: str) -> None:
        self.shares.forget()
        for account in list(self._accounts.values()):
            if account.location.name == owner:
                account.forget_rights()

    async def close(self) -> None:
        self._closed = True
        self.indexer.stop()
        await self.runner.run(self.indexing.stop)
        for account in list(self._accounts.values()):
            try:
                await account.shut()
            except MailError:  # it is in the log; the others are to be closed all the same
                continue
        self._openings.clear()
        self._lingering.clear()
        await self.runner.run_in_order(("shares",), self.shares.close)
        await self.runner.run(self.aside.stop)

    # What accounts ask of it (``surroundings.Surroundings``)

    def make_files(self, location: AccountLocation) -> Files:
        return Files(location.uid, location.gid, sync=self.settings.fsync)

    def used(self, account: Closable, *, asked: bool = True) -> None:
        self._uses += 1
        self._openings.used(account, asked=asked)
        if not self._looking:
            self._look_later()

    def _look_later(self) -> None:
        """Look at what lingers in a minute; no timer runs while there is nothing to look at."""
        if self._looking or self._closed or not (self._lingering or self.memory.octets):
            return
        self._looking = True
        uses, asked = self._uses, self.memory.asked
        self.runner.later(QUIET_SECONDS, lambda: self._look(uses, asked))

    def _look(self, uses: int, asked: int) -> None:
        self._looking = False
        if self._closed:
            return
        if asked == self.memory.asked:
            self.memory.clear()
        self._lingering.age()
        if uses == self._uses:
            self._lingering.rest()
        if uses != self._uses or self.memory.octets or len(self._lingering) > MAILBOXES_AT_REST:
            self._look_later()

    def opened(self, account: Closable, state: OpenMailbox) -> None:
        self._lingering.take(account, state)

    def idle(self, account: Closable, state: OpenMailbox) -> None:
        self._lingering.keep(account, state)
        self._look_later()


def _nothing(vault: Vault) -> None:
    """Opening the index is all."""
