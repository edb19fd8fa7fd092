"""An open mailbox: one handle for each session (``api.Mailbox``), over the ``OpenMailbox`` that all share.

Each call is one serial job of the account, done at once where it is small (``vault`` says what that means). What
it did reaches columns and listeners before the call returns.
"""

import contextlib
import sqlite3
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Final, ParamSpec, TypeVar

from mailaccess.model.collation import Collation
from mailaccess.model.criteria import Criterion
from mailaccess.model.errors import MailboxGone, MailError
from mailaccess.model.flags import Flag, FlagSet
from mailaccess.model.sequence import EMPTY, UidSet
from mailaccess.store import changing, keytexts, loading, ordering, reading, search, single, unpacking
from mailaccess.store.api import (
    Body,
    Columns,
    Copied,
    Expunged,
    Fact,
    FlagFilter,
    FlagOperation,
    FlagsStored,
    SortCriterion,
    ThreadAlgorithm,
    ThreadTree,
)
from mailaccess.store.bodies import Bodies
from mailaccess.store.changes import OpenMailbox
from mailaccess.store.changing import EVERYTHING
from mailaccess.store.index.rows import Read
from mailaccess.store.keytexts import KeyTexts
from mailaccess.store.readahead import Located, ReadAhead
from mailaccess.store.surroundings import Engine
from mailaccess.store.values import UNDATED
from mailaccess.store.vault import Vault

P = ParamSpec("P")
T = TypeVar("T")

FEW: Final = 32
"""Messages with which a job is small: some 5 to 20 µs each."""

FEW_CHANGED: Final = 128
"""Messages whose flags are changed at once: 1 to 2 ms where no two stand together. Rows not made yet take a thread."""

MOST_GONE: Final = 1_000
"""Texts of expunged messages kept besides as many as the mailbox has."""

LASTING: Final = frozenset(Fact) - {
    Fact.STRUCTURE,
    Fact.HEADER,
    Fact.EMAIL_ID,
    Fact.THREAD_ID,
    Fact.SAVE_DATE,
}
"""Facts kept in memory: those that never change and are asked for in lists."""

FEW_LOOKED_UP: Final = 64
"""Messages of which one row is read each."""


class MailboxHandle:
    def __init__(self, account: Engine, state: OpenMailbox) -> None:
        self._account = account
        self._state = state
        self.mailbox_id = state.mailbox_id
        self.uidvalidity = state.uidvalidity
        self._ahead = ReadAhead()

    @property
    def name(self) -> str:
        return self._state.name

    @property
    def columns(self) -> Columns:
        return self._state.columns

    @property
    def uidnext(self) -> int:
        return self._state.uidnext

    @property
    def highest_modseq(self) -> int:
        return self._state.highest_modseq

    @property
    def keywords(self) -> Sequence[Flag]:
        return self._state.keywords

    def _here(self) -> str:
        if self._state.gone:
            raise MailboxGone
        return self.mailbox_id

    async def claim_recent(self) -> UidSet:
        if self._state.first_recent >= self._state.uidnext:
            return EMPTY
        return await self._account.run_small(loading.claim_recent, self._here())

    def recent(self) -> int:
        first = self._state.first_recent
        if first >= self._state.uidnext:
            return 0
        slices = self._state.columns.slices(UidSet(((first, 2**32 - 1),)))
        return sum([stop - start for start, stop in slices])

    async def refresh(self) -> None:
        self._here()
        await self._account.refresh(self._state)

    async def set_flags(
        self, uids: UidSet, operation: FlagOperation, flags: FlagSet, *, unchanged_since: int | None = None
    ) -> FlagsStored:
        count = len(uids)
        if count > FEW:
            await self._unpacked(uids)
        run = self._account.run_small if count <= FEW_CHANGED else self._account.run
        change = single.set_flags if count == 1 else changing.set_flags
        return await run(change, self._here(), uids, operation, flags, unchanged_since, self)

    async def expunge(self, only: UidSet | None = None) -> Expunged:
        run = self._account.run_small if only is not None and len(only) <= FEW else self._account.run
        return await run(changing.expunge, self._here(), only, self)

    async def remove(self, uids: UidSet) -> Expunged:
        return await self._account.run(changing.expunge, self._here(), uids, self, whatever_flags=True)

    async def copy(self, uids: UidSet, destination: str, *, keep: FlagFilter | None = None) -> Copied:
        if len(uids) > FEW:
            await self._unpacked(uids)
        run = self._account.run_small if len(uids) <= FEW else self._account.run
        return await run(changing.copy, self._here(), uids, destination, move=False, by=self, keep=keep)

    async def move(self, uids: UidSet, destination: str, *, keep: FlagFilter | None = None) -> Copied:
        if len(uids) > FEW:
            await self._unpacked(uids)
        run = self._account.run_small if len(uids) <= FEW else self._account.run
        return await run(changing.copy, self._here(), uids, destination, move=True, by=self, keep=keep)

    async def facts(self, uids: Sequence[int], wanted: Sequence[Fact]) -> list[tuple[bytes, ...] | None]:
        key = ("facts", *self._key, *wanted) if LASTING.issuperset(wanted) else None

        async def ask(some: Sequence[int]) -> list[tuple[bytes, ...] | None]:
            run = self._account.look if len(some) <= FEW else self._account.run
            return await run(reading.facts, self._here(), some, wanted)

        return await self._recalled(key, uids, ask, lambda answer: sum(map(len, answer)))

    async def header_fields(
        self, uids: Sequence[int], fields: Sequence[bytes], *, exclude: bool = False
    ) -> list[bytes | None]:
        async def ask(some: Sequence[int]) -> list[bytes | None]:
            run = self._account.look if len(some) <= FEW else self._account.run
            return await run(reading.header_fields, self._here(), some, fields, exclude)

        return await self._recalled(("fields", *self._key, exclude, *fields), uids, ask, len)

    async def settle_dates(self, uids: UidSet) -> None:
        columns = self._state.columns
        for low, high in uids.ranges if columns.undated else ():
            start = 0
            while (span := columns.next_undated(start, low, high)) is not None:
                found = await self._account.run(unpacking.dates, self._here(), *span)
                columns = self._state.columns  # others may have come meanwhile
                for pair in found:
                    columns.set_dates(*pair)
                start = bisect_right(columns.uids, span[1])
        columns.undated = columns.undated and UNDATED in columns.dates

    async def _unpacked(self, uids: UidSet) -> None:
        """Have rows of many messages made in jobs of their own, so that others of the account come between."""
        vault = self._account.vault
        known = vault.loaded.get(self.mailbox_id)
        while known is not None and known.row in vault.packed:  # ends: each makes some, and none are added
            if not await self._account.run(unpacking.unpack_more, self._here(), uids):
                return

    @property
    def _key(self) -> tuple[str, int]:
        return self.mailbox_id, self.uidvalidity

    async def _recalled(
        self,
        key: Hashable,
        uids: Sequence[int],
        ask: Callable[[Sequence[int]], Awaitable[list[T | None]]],
        octets: Callable[[T], int],
    ) -> list[T | None]:
        """The answers for ``uids`` out of memory, as far as they are there; the others asked for, and kept.

        key: under which they are kept; None where they may change.
        """
        self._here()
        memory = self._account.memory
        known = memory.recall(key, uids) if key is not None else []
        if not known:
            answers = await ask(uids)
            if key is not None:
                memory.remember(key, uids, answers, sum(octets(each) for each in answers if each is not None))
            return answers
        if None not in known:
            return list(known)
        missing = [uid for uid, each in zip(uids, known, strict=True) if each is None]
        found = await ask(missing)
        memory.remember(key, missing, found, sum(octets(each) for each in found if each is not None))
        rest = iter(found)
        return [next(rest) if each is None else each for each in known]

    async def bodies(self, uids: Sequence[int]) -> Bodies:
        return Bodies(self._account, self._here(), uids, *await self._located(uids))

    async def _located(self, uids: Sequence[int]) -> Located:
        account, here = self._account, self._here()
        known = self._ahead.known(uids, self.columns.uids)
        if known is not None:
            account.busy()
            return known
        more = self._ahead.next(uids, self.columns.uids)
        run = account.look if len(uids) <= FEW_LOOKED_UP else account.run
        found, folders = await run(reading.located, here, [*uids, *more] if more else uids)
        self._ahead.keep(more, found[len(uids) :], folders)
        return found[: len(uids)], folders

    async def read(self, uids: Sequence[int]) -> "list[bytes | Body | None]":
        account, here = self._account, self._here()
        found, folders = await self._located(uids)
        result: list[bytes | Body | None] = [
            reading.present(account.vault, at, folders) if at is not None else None for at in found
        ]
        absent = [place for place, at in enumerate(found) if at is not None and result[place] is None]
        if absent:
            rest = await account.run(reading.read, here, [uids[place] for place in absent], account.runner)
            for place, item in zip(absent, rest, strict=True):
                result[place] = item
        return result

    async def search(self, criteria: Criterion, relevancies: dict[int, int] | None = None) -> list[int]:
        self._here()
        return await search.search(self, criteria, self._account.clock(), relevancies)

    async def sort(
        self,
        criteria: Criterion,
        order: Sequence[SortCriterion],
        relevancies: dict[int, int] | None = None,
    ) -> list[int]:
        self._here()
        await self._unpacked(EVERYTHING)
        return await ordering.sort(self, criteria, order, self._account.clock(), relevancies)

    async def thread(
        self,
        criteria: Criterion,
        algorithm: ThreadAlgorithm,
        collation: Collation = Collation.UNICODE_CASEMAP,
    ) -> list[ThreadTree]:
        self._here()
        await self._unpacked(EVERYTHING)
        return await ordering.threads(self, criteria, algorithm, self._account.clock(), collation)

    async def expunged_since(self, modseq: int) -> UidSet | None:
        return await self._account.run(loading.expunged_since, self._here(), modseq)

    async def close(self) -> None:
        self._account.closed(self, self._state)

    # What a search borrows (``search.Searchable``), and what SORT and THREAD do (``ordering.Orderable``)

    def run_job(self, job: Callable[[sqlite3.Connection, Read], T]) -> Awaitable[T]:
        def call(vault: Vault) -> T:
            return job(vault.connection, reading.Reader(vault))

        return self._account.run(call)

    def run_here(self, job: Callable[[Vault, str, Read], T]) -> Awaitable[T]:
        mailbox_id = self._here()

        def call(vault: Vault) -> T:
            return job(vault, mailbox_id, reading.Reader(vault))

        return self._account.run(call)

    def recall(self, key: Hashable) -> Any:
        return self._account.memory.get((*self._key, key))

    def remember(self, key: Hashable, value: object, octets: int) -> None:
        self._account.memory.put((*self._key, key), value, octets)

    def run_aside(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return self._account.runner.run(call, *args, **kwargs)

    async def key_texts(self, name: str) -> KeyTexts:
        key = ("key", *self._key, name)
        memory = self._account.memory
        texts: KeyTexts | None = memory.get(key)
        if texts is None or len(texts.uids) > 2 * len(self._state.columns) + MOST_GONE:
            texts = KeyTexts()
        while texts.upto < (last := self._state.columns.uids[-1] if len(self._state.columns) else 0):
            await self._unpacked(EVERYTHING)

            def job(vault: Vault, after: int = texts.upto) -> tuple[list[tuple[int, bytes | None]], int]:
                box = changing.opened(vault, self.mailbox_id)
                return keytexts.rows(vault.connection, box.id, name, after, reading.Reader(vault))

            before = texts.upto
            rows, upto = await self._account.run(job)
            if texts.upto == before:  # else another search was here meanwhile
                texts.extend(rows, max(upto, last) if upto == before else upto)
        memory.put(key, texts, texts.octets)
        return texts

    def prepare_key_texts(self, name: str) -> None:
        async def prepare() -> None:
            self._account.memory.forget(("key", *self._key, name))
            with contextlib.suppress(MailError):  # it is in the log; the next search asks again
                await self.key_texts(name)

        self._account.runner.start(prepare())

    def contents(self, connection: sqlite3.Connection, uids: Sequence[int]) -> list[int | None]:
        return reading.contents(self._account.vault, self.mailbox_id, uids)

    def saved_dates(self, connection: sqlite3.Connection, uids: Sequence[int]) -> list[int | None]:
        return reading.saved_dates(self._account.vault, self.mailbox_id, uids)

    def pause(self) -> Awaitable[None]:
        return self._account.runner.pause()
