"""A mailbox in memory for searches: messages as octets, an index in memory, jobs run at once."""

import sqlite3
from array import array
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from mailaccess.model.flags import FlagSet
from mailaccess.store.index import cache, fieldsets, fulltext, keys, objectids, orderkeys
from mailaccess.store.index.rows import Read
from mailaccess.store.keytexts import KeyTexts

T = TypeVar("T")


def connect(path: object = ":memory:") -> sqlite3.Connection:
    connection = sqlite3.connect(str(path), isolation_level=None)
    for module in (cache, keys, orderkeys, objectids, fieldsets, fulltext):
        for statement in module.TABLES:
            connection.execute(statement)
    return connection


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never really waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("it waits")


class Columns:
    def __init__(self) -> None:
        self.uids = array("I")
        self.flag_ids = array("I")
        self.modseqs = array("Q")
        self.sizes = array("Q")
        self.dates = array("q")
        self.undated = False
        self.flag_sets: list[FlagSet] = [frozenset()]

    def __len__(self) -> int:
        return len(self.uids)

    def position(self, uid: int) -> int:
        return self.uids.index(uid) if uid in self.uids else -1


class MemoryMailbox:
    """UID n has content 100 + n until told otherwise."""

    def __init__(self) -> None:
        self.connection = connect()
        self.columns = Columns()
        self.wires: dict[int, bytes] = {}
        self.content_of: dict[int, int] = {}
        self.saved: dict[int, int] = {}
        self.reads: list[int] = []
        self.pauses = 0
        self.jobs = 0
        self.prepared = 0
        self.between: Callable[[], None] = lambda: None

    def add(
        self,
        wire: bytes = b"\r\n",
        *,
        flags: Iterable[str] = (),
        date: int = 0,
        modseq: int = 1,
        saved: int = 0,
        content: int | None = None,
        size: int | None = None,
        cached: bool = True,
        indexed: bool = True,
    ) -> int:
        columns = self.columns
        uid = (columns.uids[-1] if columns.uids else 0) + 1
        number = 100 + uid if content is None else content
        columns.uids.append(uid)
        columns.modseqs.append(modseq)
        columns.sizes.append(len(wire) if size is None else size)
        columns.dates.append(date)
        flag_set = frozenset(flags)
        if flag_set not in columns.flag_sets:
            columns.flag_sets.append(flag_set)
        columns.flag_ids.append(columns.flag_sets.index(flag_set))
        self.content_of[uid] = number
        self.saved[uid] = saved
        self.wires[number] = wire
        if cached:
            cache.store(self.connection, [(number, cache.compute(wire))])
        fulltext.enqueue(self.connection, [number])
        if indexed:
            while fulltext.index_pending(self.connection, self.wires.get):
                pass
        return uid

    def expunge(self, uid: int) -> None:
        columns, at = self.columns, self.columns.position(uid)
        for column in (columns.uids, columns.flag_ids, columns.modseqs, columns.sizes, columns.dates):
            del column[at]
        self.wires.pop(self.content_of.pop(uid), None)

    def read(self, content: int) -> bytes | None:
        self.reads.append(content)
        return self.wires.get(content)

    async def run_job(self, job: Callable[[sqlite3.Connection, Read], T]) -> T:
        self.jobs += 1
        self.between()
        return job(self.connection, self.read)

    def contents(self, connection: sqlite3.Connection, uids: Sequence[int]) -> list[int | None]:
        return [self.content_of.get(uid) for uid in uids]

    def saved_dates(self, connection: sqlite3.Connection, uids: Sequence[int]) -> list[int | None]:
        return [self.saved.get(uid) for uid in uids]

    async def key_texts(self, name: str) -> KeyTexts:
        self.between()
        texts = KeyTexts()
        kept = dict(
            self.connection.execute(
                f'SELECT content, "{name}" FROM search_keys WHERE version = {keys.VERSION}'
            ).fetchall()
        )
        rows = [
            (uid, kept[content]) for uid in self.columns.uids if (content := self.content_of.get(uid)) in kept
        ]
        texts.extend(rows, self.columns.uids[-1] if self.columns.uids else 0)
        return texts

    def prepare_key_texts(self, name: str) -> None:
        self.prepared += 1

    def pause(self) -> Awaitable[None]:
        self.pauses += 1
        return _nothing()


async def _nothing() -> None:
    return None
