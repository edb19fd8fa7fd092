"""What the parts of the engine ask of one another across files: the account of its store, handles of their account."""

from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from mailaccess.config import sections
from mailaccess.model.account import AccountLocation, QuotaLimit
from mailaccess.observe.events import EventLog
from mailaccess.store.api import Mailbox
from mailaccess.store.aside.process import Aside, Indexing
from mailaccess.store.background import Background, Watcher
from mailaccess.store.changes import OpenMailbox
from mailaccess.store.index.picked import Room
from mailaccess.store.indexer import Indexer
from mailaccess.store.maildir.deliver import UniqueNames
from mailaccess.store.maildir.files import Files
from mailaccess.store.memory import Memory
from mailaccess.store.shares import Shares
from mailaccess.store.statuswatch import Watches
from mailaccess.store.vault import Vault

P = ParamSpec("P")
T = TypeVar("T")


def limit_of(location: AccountLocation, settings: sections.Store) -> QuotaLimit:
    """The account's own limits, and the configured ones where it has none; a shared account has its own alone."""
    own = location.quota
    if location.shared:
        return own
    return QuotaLimit(
        own.storage if own.storage is not None else settings.quota_storage or None,
        own.messages if own.messages is not None else settings.quota_messages or None,
        own.mailboxes if own.mailboxes is not None else settings.quota_mailboxes or None,
    )


class Engine(Protocol):
    """What a handle and the housekeeping ask of their account."""

    vault: Vault
    runner: Background
    clock: Callable[[], float]
    memory: Memory
    asked: int
    """How many jobs somebody waited for, up to now."""
    ended: bool
    """Whether it was shut, and nobody has asked for anything since."""

    def run(
        self, call: Callable[Concatenate[Vault, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...

    def busy(self) -> None:
        """Somebody waits for something that needs no job."""
        ...

    def run_small(
        self, call: Callable[Concatenate[Vault, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """``run`` for what is small as a rule: at once where that can be."""
        ...

    def look(
        self, call: Callable[Concatenate[Vault, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """``run_small`` for what is asked of messages and never changes."""
        ...

    def run_unasked(
        self, call: Callable[Concatenate[Vault, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """``run`` for what nobody waits for."""
        ...

    def refresh(self, state: OpenMailbox) -> Awaitable[None]: ...

    def closed(self, handle: Mailbox, state: OpenMailbox) -> None: ...


class Closable(Protocol):
    """What the store asks of its accounts."""

    location: AccountLocation
    vault: Vault
    parked: float
    """When its index was closed last, for lack of use; in seconds."""

    @property
    def key(self) -> tuple[str, str]: ...

    @property
    def in_use(self) -> bool: ...

    def park(self) -> Awaitable[bool]:
        """Close the index for now, if nothing is under way; says whether it is closed."""
        ...

    def forget(self, state: OpenMailbox) -> bool: ...

    def shut(self) -> Awaitable[None]: ...


class Surroundings(Protocol):
    """What an account asks of its store."""

    settings: sections.Store
    runner: Background
    watcher: Watcher
    log: EventLog
    clock: Callable[[], float]
    unique_names: UniqueNames
    indexer: Indexer
    memory: Memory
    shares: Shares
    aside: Aside
    indexing: Indexing
    picked_room: Room
    status_watches: Watches

    def make_files(self, location: AccountLocation) -> Files: ...

    def used(self, account: Closable, *, asked: bool = True) -> None:
        """A job of this account is about to run. asked: somebody waits for it."""
        ...

    def opened(self, account: Closable, state: OpenMailbox) -> None:
        """A session has the mailbox open."""
        ...

    def idle(self, account: Closable, state: OpenMailbox) -> None:
        """Nobody has the mailbox open any more: its columns may go."""
        ...
