"""One account's mailboxes (``api.Account``): calls become serial jobs, what they did becomes columns and changes.

Deltas are posted by jobs in the order of their commits and taken from the queue on the reactor thread by
whoever comes first after a job: so columns are current, and listeners told, before the call that caused it
returns, and nothing is lost if the caller was cancelled.
"""

import contextlib
import os
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Concatenate, Final, ParamSpec, TypeVar

from mailaccess.model import names
from mailaccess.model.account import AccountLocation, QuotaLimit
from mailaccess.model.errors import (
    MailboxGone,
    MailError,
    NoSuchMailbox,
)
from mailaccess.model.rights import Acl
from mailaccess.model.secret import Secret
from mailaccess.store import (
    accesskeys,
    acl,
    changing,
    housekeeping,
    intake,
    layout,
    loading,
    metadata,
    subscribing,
    tree,
    treechanges,
    uploading,
)
from mailaccess.store.api import (
    AnnotationMark,
    Appended,
    Hearing,
    Listener,
    Mailbox,
    Mailboxes,
    MailboxInfo,
    Mark,
    NewMessage,
    Quota,
    Status,
)
from mailaccess.store.arriving import Arrivals
from mailaccess.store.background import Cancellable
from mailaccess.store.changes import Delta, OpenMailbox
from mailaccess.store.delegation import Delegation
from mailaccess.store.folder import is_doubtful
from mailaccess.store.index import mailboxes as rows
from mailaccess.store.index.picked import Picked
from mailaccess.store.locking import AccountLock, lock
from mailaccess.store.mailbox import MailboxHandle
from mailaccess.store.noticing import Noticing
from mailaccess.store.overhearing import Overhearing
from mailaccess.store.overview import Overview
from mailaccess.store.surroundings import Surroundings, limit_of
from mailaccess.store.vault import NeedsThread, Vault

P = ParamSpec("P")
T = TypeVar("T")

SETTLE_SECONDS: Final = 0.05
"""Between a change and the file operations it owes: changes that follow at once are done together."""


class MaildirAccount:
    def __init__(self, surroundings: Surroundings, location: AccountLocation) -> None:
        settings = surroundings.settings
        self.location = location
        self.runner = surroundings.runner
        self.clock = surroundings.clock
        self.memory = surroundings.memory
        self._surroundings = surroundings
        self._limit = limit_of(location, settings)
        self.vault = Vault(
            location, surroundings.make_files(location), surroundings.log, surroundings.clock, self._post,
            loading.Lifecycle(), {} if location.shared else settings.autocreate, surroundings.unique_names,
            self._limit,
        )  # fmt: skip
        self._acls = acl.AclBook(self, None if location.shared else surroundings.shares)
        self.vault.aside = surroundings.aside
        self.vault.picked = Picked(surroundings.picked_room)
        self.key = ("store", os.fspath(location.maildir))
        self._deltas: list[Delta] = []  # mostly empty: a deque takes 760 octets
        self._found: tuple[str, int] | None = None
        self._telling = False
        self._open: dict[str, OpenMailbox] = {}
        self._named: dict[str, OpenMailbox] = {}
        self._opening = 0
        self.asked = 0
        self.ended = False
        self.parked = 0.0
        self._working = False
        self._work_due: Cancellable | None = None
        self._noticing = Noticing(self, surroundings.watcher)
        self._overhearing = Overhearing(self, surroundings.watcher)
        self._overview = Overview(
            self, self._noticing, self._overhearing, surroundings.watcher, surroundings.status_watches
        )
        self._arrivals = Arrivals(self, surroundings)
        self._delegation = Delegation(self, surroundings.indexing)

    # Jobs

    def _post(self, delta: Delta) -> None:
        self._deltas.append(delta)

    async def run(self, call: Callable[Concatenate[Vault, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``call(vault, …)`` in the account's order; then columns and listeners are up to date."""
        self._surroundings.indexer.busy()
        self._surroundings.used(self)
        self.asked += 1
        self.ended = False
        return await self._run(call, *args, **kwargs)

    async def run_small(
        self, call: Callable[Concatenate[Vault, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``run`` for a job that is small as a rule (``vault`` says what that means): done at once, here, where
        nothing of the account waits or runs and the job stays small; else it is queued as any other.
        """
        if not self._telling and self.runner.is_idle(self.key):
            self._surroundings.indexer.busy()
            self._surroundings.used(self)
            try:
                return self.vault.job_at_once(call, *args, **kwargs)
            except NeedsThread:
                pass
            finally:
                self._take_deltas()
                self._plan_work()
        return await self.run(call, *args, **kwargs)

    async def look(self, call: Callable[Concatenate[Vault, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """``run_small`` for what is asked of messages and never changes: what others committed need not be known."""
        if self.runner.is_idle(self.key):
            self.busy()
            try:
                return self.vault.look(call, *args, **kwargs)
            except NeedsThread:
                pass
        return await self.run(call, *args, **kwargs)

    def busy(self) -> None:
        """Somebody waits for something that needs no job."""
        self._surroundings.indexer.busy()
        self._surroundings.used(self)

    async def run_unasked(
        self, call: Callable[Concatenate[Vault, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """``run`` for what nobody waits for."""
        self._surroundings.used(self, asked=False)
        return await self._run(call, *args, **kwargs)

    async def _run(self, call: Callable[Concatenate[Vault, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self.runner.run_in_order(self.key, self.vault.job, call, *args, **kwargs)
        finally:
            self._take_deltas()
            self._plan_work()

    def _take_deltas(self) -> None:
        """In their order, each told to all before the next: so whom a listener wakes runs no job at once."""
        while self._deltas:
            delta = self._deltas.pop(0)
            state = self._open.get(delta.mailbox_id)
            if state is not None:
                before, self._telling = self._telling, True
                try:
                    state.apply(delta)
                finally:
                    self._telling = before
                if state.gone:
                    self._drop(state)
                elif not state.in_use:
                    self._surroundings.idle(self, state)
        if self._overhearing:
            self._overhearing.look()

    def _plan_work(self) -> None:
        if (self.vault.owing or self.vault.checkpoint_due) and not self._working and self._work_due is None:
            self._work_due = self.runner.later(SETTLE_SECONDS, self.start_work)

    def start_work(self) -> None:
        """Begin working off what is owed, unless that is under way."""
        self._work_due = None
        if not self._working:
            self._working = True
            self.runner.start(self._work())

    async def _work(self) -> None:
        try:
            again = await housekeeping.work(self)
        finally:
            self._working = False
        self._surroundings.indexer.wants(self)
        if again is not None and self._work_due is None:
            self._work_due = self.runner.later(again, self.start_work)
        else:
            self._plan_work()

    def index_some(self) -> Awaitable[int]:
        """``indexer.Indexed``."""
        return self._delegation.index_some()

    async def take_in(
        self, resized: Sequence[tuple[str, Sequence[tuple[int, int]]]], *, headed: bool
    ) -> None:
        """What the process that indexes has made of the account, as ``aside.indexing.Answer`` tells it."""
        if resized:
            await self.run_unasked(loading.resize, resized)
        if headed and self.vault.picked:
            await self.runner.run_in_order(self.key, self.vault.picked.clear)

    # The tree

    async def mailboxes(self) -> Mailboxes:
        return await self._overview.mailboxes()

    async def subscriptions(self) -> frozenset[str]:
        return frozenset(await self.run(subscribing.subscribed))

    async def set_subscribed(self, name: str, subscribed: bool) -> None:
        await self.run(subscribing.set_subscribed, name, subscribed)
        self._overhearing.stir()

    async def create(self, name: str, special_use: frozenset[str] = frozenset()) -> MailboxInfo:
        try:
            info, inherited = await self.run(acl.create, name, special_use)
        except BaseException:
            self._acls.forget()
            raise
        self._acls.created(name, inherited)
        return info

    async def delete(self, name: str) -> None:
        try:
            folder = await self.run(treechanges.delete, name)
        finally:
            self._acls.forget()
        await self.runner.run(layout.remove_folder, self.vault, folder)

    async def rename(self, old: str, new: str) -> None:
        if old != names.INBOX:
            try:
                await self.run(treechanges.rename, old, new)
            finally:
                self._acls.forget()
            return
        await self.create(new)
        await self.run(metadata.copy_from_inbox, new)
        await self.run(changing.move_inbox, new)

    async def status(self, name: str) -> Status:
        return await self._overview.status(name)

    async def statuses(self, names: Sequence[str]) -> dict[str, Status]:
        return await self._overview.statuses(names)

    async def require(self, name: str) -> None:
        found = name, self.vault.tree_version
        if self._found != found:  # what another process has done to it since then, the work itself finds
            await self.run_small(tree.find, name)
            self._found = found

    # Mailboxes

    async def open_mailbox(self, name: str, listener: Listener) -> MailboxHandle:
        state = self._in_memory(name)
        if state is None:
            state = await self._load(name)
        handle = MailboxHandle(self, state)
        state.attach(handle, listener)
        self._surroundings.opened(self, state)
        self._noticing.begin(state)
        if state.doubtful:
            self._noticing.doubt(state)
        return handle

    def _in_memory(self, name: str) -> OpenMailbox | None:
        """The mailbox, if it is in memory and certainly as on disk: then opening it needs no job."""
        state = self._named.get(name)
        if (
            state is None
            or state.gone
            or state.name != name
            or self._open.get(state.mailbox_id) is not state
            or not self._noticing.is_fresh(state)
            or self.vault.uids_stamp(state.folder) != state.uids_stamp
        ):
            return None
        return state

    async def _load(self, name: str) -> OpenMailbox:
        self._opening += 1
        try:
            for state in self._open.values():
                if state.name == name:  # what shows from here on has to be looked at again
                    self._noticing.looking(state)
            loaded = await self.run_small(loading.load, name, frozenset(self._open))
            found = self._open.get(loaded.mailbox_id)
            if found is None:
                found = self._install(loaded)
        finally:
            self._opening -= 1
        found.folder, found.uids_stamp, found.doubtful = loaded.folder, loaded.uids_stamp, loaded.doubtful
        self._named[name] = found
        return found

    def _install(self, loaded: loading.Loaded) -> OpenMailbox:
        if loaded.columns is None:
            raise MailboxGone
        state = OpenMailbox(
            loaded.name, loaded.mailbox_id, loaded.uidvalidity, loaded.columns, loaded.keywords
        )
        state.uidnext = loaded.uidnext
        state.highest_modseq = loaded.highest_modseq
        state.first_recent = loaded.first_recent
        self._open[loaded.mailbox_id] = state
        return state

    def closed(self, handle: Mailbox, state: OpenMailbox) -> None:
        state.detach(handle)
        if not state.in_use:
            # The watch stays as long as the columns do: the kernel takes 13 ms to begin one for 100,000 files.
            if self._open.get(state.mailbox_id) is state:
                self._surroundings.idle(self, state)

    def forget(self, state: OpenMailbox) -> bool:
        """Drop a mailbox that nobody has open from memory; False where that cannot be now."""
        if state.in_use or self._opening:
            return False
        self._drop(state)
        return True

    def _drop(self, state: OpenMailbox) -> None:
        self._open.pop(state.mailbox_id, None)
        self._named.pop(state.name, None)
        self.vault.loaded.pop(state.mailbox_id, None)
        self._noticing.end(state.mailbox_id)

    @property
    def in_use(self) -> bool:
        return bool(self._overhearing or self._opening) or any(state.in_use for state in self._open.values())

    # Noticing others

    async def refresh_quietly(self, state: OpenMailbox, thorough: bool) -> None:
        with contextlib.suppress(
            MailError
        ):  # it is in the log, or the mailbox is gone and its listeners know
            await self.refresh(state, thorough=thorough)

    async def catch_up_quietly(self) -> None:
        with contextlib.suppress(MailError):  # it is in the log
            await self.run_unasked(_nothing)

    async def refresh(self, state: OpenMailbox, *, thorough: bool = False) -> None:
        if not thorough and self._noticing.is_fresh(state):
            return
        self._noticing.looking(state)
        try:
            box = await self.run_small(intake.check, state.name, thorough=thorough)
        except NoSuchMailbox:
            raise MailboxGone from None
        state.folder, state.uids_stamp, state.doubtful = box.folder, box.uids_stamp, is_doubtful(box)
        if state.doubtful:
            self._noticing.doubt(state)

    # Messages in

    def upload(self, limit: int) -> uploading.MessageUpload:
        return self._arrivals.upload(limit)

    async def append(self, name: str, messages: Sequence[NewMessage]) -> Appended:
        return await self._arrivals.append(name, messages)

    async def hold(self) -> None:
        self._surroundings.indexer.busy()
        self.asked += 1
        self._surroundings.used(self)
        await self.runner.hold(self.key)

    def release(self) -> None:
        self.runner.release(self.key)
        self._take_deltas()
        self._plan_work()

    # Quota

    async def check_quota(self, octets: int, messages: int = 1) -> None:
        if self._limit != QuotaLimit():
            await self.run_small(Vault.require_room, octets, messages)

    async def quota(self) -> Quota:
        storage, messages, mailboxes = await self.run_small(_used)
        return Quota(storage, messages, self._limit, mailboxes)

    # Annotations

    async def metadata(self, mailbox: str | None) -> Mapping[str, bytes]:
        return await self.run(metadata.entries, mailbox)

    async def access_key(self, mailbox_id: str, *, make: bool) -> Secret | None:
        return await self.run(accesskeys.key, mailbox_id, make=make)

    async def reset_access_keys(self, mailbox_id: str | None) -> None:
        await self.run(accesskeys.reset, mailbox_id)

    async def set_metadata(self, mailbox: str | None, values: Mapping[str, bytes | None]) -> None:
        await self.run(metadata.change, mailbox, values)

    # Who listens to all of it

    def overhear(self, heard: Callable[[], None]) -> Hearing:
        self._noticing.index_is_fresh()  # from here on the index is watched
        return self._overhearing.listen(heard)

    async def marks(self) -> Mapping[str, Mark]:
        return await self._overview.marks()

    def folder_of(self, name: str) -> bytes | None:
        return self._overview.folder_of(name)

    async def annotation_marks(
        self, mailboxes: Sequence[str | None], known: Mapping[str | None, AnnotationMark]
    ) -> Mapping[str | None, AnnotationMark]:
        return await self.run_unasked(metadata.marks, mailboxes, known)

    # Rights

    async def acls(self, max_age: float = 0) -> Mapping[str, Acl]:
        return await self._acls.current(max_age)

    def forget_rights(self) -> None:
        """Another process has changed a list."""
        self._acls.forget()

    async def change_acl(self, mailbox: str, rewrite: Callable[[Acl], Acl]) -> Acl:
        return await self._acls.change(mailbox, rewrite)

    # Locks

    async def lock(self, purpose: str) -> "AccountLock":
        return await self.run(lock, purpose)

    # The end

    async def park(self) -> bool:
        """``surroundings.Closable``."""
        vault = self.vault
        if vault.is_open and not vault.owing and not self._working and self.runner.is_idle(self.key):
            with contextlib.suppress(sqlite3.Error):
                await self.runner.run_in_order(self.key, vault.park)
            self._take_deltas()
        if vault.is_open:
            return False
        if not self.in_use:
            self._noticing.end_index()
            self._overview.rest()
        return True

    async def shut(self) -> None:
        """Finish what is owed and close the index; the account opens again with the next job."""
        if self._work_due is not None:
            self._work_due.cancel()
        self._work_due = None
        self._noticing.stop()
        self._overhearing.stop()
        self._overview.rest()
        self._noticing.end_index()
        if self.vault.is_open:
            await self.run(loading.finish_and_close)
        self.ended = True


def _nothing(vault: Vault) -> None:
    """Opening the index, or taking in what others committed, is all."""


def _used(vault: Vault) -> tuple[int, int, int]:
    return *rows.used(vault.connection), rows.count(vault.connection)
