"""The process that indexes accounts: what it makes of one is what the server would make, beside a server that works."""

import os
import signal
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailaccess.model.errors import disk_failure
from mailaccess.model.sequence import UidSet
from mailaccess.store import housekeeping
from mailaccess.store.api import Fact, FlagOperation
from mailaccess.store.aside import indexing, work
from mailaccess.store.aside.indexing import REFUSED, Answer, Indexes, asked_of
from mailaccess.store.aside.process import Indexing
from tests.interop.running import eventually
from tests.unit.store.inline import EVERYTHING, House, now

TABLES = (
    "messages",
    "packed",
    "cache",
    "cache_header",
    "fulltext",
    "fulltext_pending",
    "order_keys",
    "word_blocks",
)


def message(number: int) -> bytes:
    return (
        b"From: lee%d@naver.com\nSubject: plan %d\nDate: Mon, 4 Mar 2019 10:00:%02d +0900\n"
        b"Content-Type: text/plain; charset=utf-8\n\nneedle%d \xed\x9a\x8c\xec\x9d\x98\n"
        % (number, number, number % 60, number)
    )


def fill(house: House, count: int) -> None:
    for number in range(count):
        data = message(number)
        size = len(data) + data.count(b"\n")
        name = f"{1_700_000_000 + number}.M{number}P1.here,S={len(data)},W={size}:2,"
        (house.maildir / "cur" / name).write_bytes(data)
        os.utime(house.maildir / "cur" / name, (1_700_000_000 + number,) * 2)
    house.clock.time += 10


class Direct:
    """``Indexing`` without a process between."""

    helps = True

    def __init__(self) -> None:
        self.indexes = Indexes()
        self.asked = 0

    def ask(self, asked: tuple[object, ...]) -> tuple[object, ...] | None:
        self.asked += 1
        return self.indexes.answer("indexing", [asked])[0]

    def stop(self) -> None:
        self.indexes.close()


def helped(folder: Path) -> tuple[House, Direct]:
    house, direct = House(folder), Direct()
    house.store.indexing = direct  # type: ignore[assignment]
    house.account._delegation._indexing = direct  # type: ignore[assignment]
    return house, direct


def index_all(house: House) -> None:
    while now(house.account.index_some()):
        pass


def kept(house: House) -> dict[str, list[tuple[object, ...]]]:
    connection = sqlite3.connect(house.index / "index.sqlite")
    try:
        return {table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall()) for table in TABLES}
    finally:
        connection.close()


def test_it_keeps_what_the_server_would_keep(tmp_path: Path) -> None:
    alone, (house, direct) = House(tmp_path / "alone"), helped(tmp_path / "helped")
    for each in (alone, house):
        fill(each, 300)
        each.open()
        each.settle()
    while now(alone.account.run(housekeeping.index_texts)):
        pass
    index_all(house)
    assert direct.asked
    one, other = kept(alone), kept(house)
    assert one["packed"] == other["packed"] == [] == other["fulltext_pending"]
    assert len(other["fulltext"]) == len(other["messages"]) == 300
    for table in set(TABLES) - {"messages"}:
        assert one[table] == other[table], table
    assert [row[:6] for row in one["messages"]] == [row[:6] for row in other["messages"]]


def test_sessions_show_and_change_everything_while_it_works(tmp_path: Path) -> None:
    house, direct = helped(tmp_path)
    fill(house, 600)
    session = house.open()
    asked = asked_of(house.location, 0)
    seen: set[int] = set()
    for number in range(1, 60):
        done = Answer._make(direct.indexes.answer("", [asked])[0]).left == 0
        uid = 10 * number
        now(session.box.set_flags(UidSet.of([uid]), FlagOperation.ADD, frozenset({"\\Seen"})))
        seen.add(uid)
        status = now(house.account.status("INBOX"))
        assert (status.messages, status.unseen) == (600, 600 - len(seen))
        assert now(session.box.facts([uid + 1], [Fact.HEADER]))[0] is not None
        if done:
            break
    assert {uid for uid, flags in session.flags().items() if flags} == seen
    assert session.uids == list(range(1, 601))
    index_all(house)
    assert now(session.box.settle_dates(EVERYTHING)) is None
    assert min(session.box.columns.dates) == 1_700_000_000
    house.settle()
    assert sum(name.endswith("S") for name in house.files_of()) == len(seen)


def test_a_size_that_a_name_told_wrong_is_told_to_sessions(tmp_path: Path) -> None:
    house, direct = helped(tmp_path)
    fill(house, 40)
    wrong = sorted((house.maildir / "cur").iterdir())[7]
    wrong.write_bytes(message(7) + b"more\n")
    session = house.open()
    before = session.box.columns.sizes[7]
    index_all(house)
    assert direct.asked
    assert session.box.columns.sizes[7] == before + len(b"more\r\n")


def test_a_few_messages_are_indexed_without_it(tmp_path: Path) -> None:
    house, direct = helped(tmp_path)
    for number in range(3):
        house.append(message(number))
    index_all(house)
    assert not direct.asked
    assert len(kept(house)["fulltext"]) == 3


def test_it_leaves_an_index_that_is_to_be_made_to_the_server(tmp_path: Path) -> None:
    house = House(tmp_path)
    now(house.account.shut())
    for file in house.index.iterdir():
        file.unlink()
    indexes = Indexes()
    assert Answer._make(indexes.answer("", [asked_of(house.location, 1)])[0]) == REFUSED
    assert list(house.index.iterdir()) == []


def test_what_it_refuses_is_done_by_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house, direct = helped(tmp_path)
    fill(house, 30)
    house.open()

    def full(*_: object) -> None:
        raise disk_failure(OSError("the disk"))

    monkeypatch.setattr(indexing._Vault, "job", full)
    index_all(house)
    assert direct.asked == 1
    assert len(kept(house)["fulltext"]) == 30


def test_what_another_boot_left_is_left_to_the_server(tmp_path: Path) -> None:
    house = House(tmp_path)
    fill(house, 30)
    house.open()
    house.settle()
    house.account.vault.connection.execute("UPDATE account SET boot = 'another'")
    assert Answer._make(Indexes().answer("", [asked_of(house.location, 1)])[0]) == REFUSED


@pytest.fixture
def process() -> Iterator[Indexing]:
    made = Indexing(True, work.VERSIONS)
    yield made
    made.stop()


def test_killed_at_work_it_loses_nothing_and_the_server_goes_on(tmp_path: Path, process: Indexing) -> None:
    house = House(tmp_path)
    fill(house, 1_000)
    session = house.open()
    asker = threading.Thread(target=process.ask, args=(tuple(asked_of(house.location, 60)),))
    asker.start()
    eventually(lambda: len(kept(house)["cache"]) > 200, "it is at work")
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    asker.join()
    house.account._delegation._indexing = process
    index_all(house)
    there = kept(house)
    assert len(there["messages"]) == len(there["fulltext"]) == 1_000
    texts = {row[0]: zlib.decompress(row[3]) for row in there["fulltext"]}
    assert all(b"needle%d " % (content - 1) in text for content, text in texts.items())
    assert session.uids == list(range(1, 1_001))


def test_one_that_died_is_not_asked_for_a_while(tmp_path: Path, process: Indexing) -> None:
    house = House(tmp_path)
    asked = tuple(asked_of(house.location, 0))
    assert process.ask(asked) is not None
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: process.ask(asked) is None, "its death is noticed")
    assert not process.helps
