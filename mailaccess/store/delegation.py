"""Who indexes an account: its own jobs make rows and structures, and what is little; the process that indexes
(``aside.indexing``) the rest.

That process works on the account's index while its jobs go on here, as another worker would. What it cannot do, or has
no time for after an accident, is done here.

Used on the reactor thread only.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Concatenate, Final, ParamSpec, Protocol, TypeVar

from mailaccess.model.account import AccountLocation
from mailaccess.store import housekeeping
from mailaccess.store.aside.indexing import Answer, asked_of
from mailaccess.store.aside.process import Indexing
from mailaccess.store.background import Background
from mailaccess.store.vault import Vault

P = ParamSpec("P")
T = TypeVar("T")

SECONDS: Final = 0.1
"""That the process works on an account before ``indexer`` decides anew; it stops sooner for nobody."""


class Account(Protocol):
    location: AccountLocation
    vault: Vault
    runner: Background

    def run_unasked(
        self, call: Callable[Concatenate[Vault, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...

    async def take_in(
        self, resized: Sequence[tuple[str, Sequence[tuple[int, int]]]], *, headed: bool
    ) -> None: ...


class Delegation:
    """Of one account."""

    def __init__(self, account: Account, indexing: Indexing) -> None:
        self._account = account
        self._indexing = indexing
        self._handed = False
        self._refused = False

    async def index_some(self) -> int:
        """``indexer.Indexed``."""
        account = self._account
        if self._refused or not self._indexing.helps:
            return await self._here()
        if not self._handed or account.vault.packed:
            left = await account.run_unasked(housekeeping.index_few)
            if left is not None:
                return left
        told = await account.runner.run(self._indexing.ask, tuple(asked_of(account.location, SECONDS)))
        if told is None:  # it ended, or died
            return await self._here()
        answer = Answer._make(told)
        if answer.left < 0:
            self._refused = True
            return await self._here()
        self._handed = answer.left > 0
        await account.take_in(answer.resized, headed=answer.headed)
        return answer.left

    async def _here(self) -> int:
        self._handed = False
        left = await self._account.run_unasked(housekeeping.index_texts)
        self._refused = self._refused and left > 0
        return left
