"""Small jobs run at once on the reactor thread; what might block there goes to the account's queue instead."""

import sqlite3
from collections.abc import Awaitable, Callable, Hashable
from pathlib import Path
from typing import Any

import pytest

from mailaccess.model.sequence import UidSet
from mailaccess.store.api import Fact, FlagOperation
from mailaccess.store.background import InlineBackground
from mailaccess.store.index import connection
from tests.unit.store.inline import House, now

SEEN = frozenset({"\\Seen"})


class Counting(InlineBackground):
    """Says which jobs went into a queue."""

    def __init__(self) -> None:
        super().__init__()
        self.queued = 0
        self.idle = True

    def is_idle(self, key: Hashable) -> bool:
        return self.idle

    def run_in_order(
        self, key: Hashable, call: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Awaitable[Any]:
        self.queued += 1
        return super().run_in_order(key, call, *args, **kwargs)


class Counted(House):
    def start(self) -> None:
        super().start()
        self.counting = Counting()
        self.account.runner = self.counting


@pytest.fixture
def house(tmp_path: Path) -> Counted:
    house = Counted(tmp_path)
    for number in range(3):
        house.append(b"Subject: %d\r\n\r\ntext\r\n" % number)
    house.settle()
    house.open()
    house.settle()
    house.counting.queued = 0
    return house


def flag(house: House, uid: int) -> None:
    box = house.open().box
    now(box.set_flags(UidSet.of([uid]), FlagOperation.ADD, SEEN))


def flags_in_index(house: House) -> list[str]:
    with sqlite3.connect(house.index / connection.FILE) as other:
        query = "SELECT s.flags FROM messages AS m JOIN flag_sets AS s ON s.id = m.flags ORDER BY uid"
        return [row[0] for row in other.execute(query)]


def test_a_change_of_one_message_never_sees_a_queue(house: Counted) -> None:
    box = house.open().box
    house.counting.queued = 0
    now(box.set_flags(UidSet.of([1]), FlagOperation.ADD, SEEN))
    assert house.counting.queued == 0
    assert flags_in_index(house) == ["\\Seen", "", ""]


def test_the_name_that_follows_a_change_is_one_job(house: Counted) -> None:
    """A round more that finds nothing left would cost as much again: two threads' ways, and the reactor's."""
    box = house.open().box
    now(box.set_flags(UidSet.of([2]), FlagOperation.ADD, SEEN))
    house.counting.queued = 0
    house.settle()
    assert house.counting.queued == 1
    assert [name for name in house.files_of() if ",I=2:2,S" in name]


def test_behind_other_jobs_of_the_account_it_waits_its_turn(house: Counted) -> None:
    box = house.open().box
    house.counting.idle = False
    house.counting.queued = 0
    now(box.set_flags(UidSet.of([1]), FlagOperation.ADD, SEEN))
    assert house.counting.queued == 1
    assert flags_in_index(house) == ["\\Seen", "", ""]


def test_a_locked_index_is_waited_for_in_the_queue(house: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    box = house.open().box
    other = sqlite3.connect(house.index / connection.FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    house.counting.queued = 0

    def release(key: Hashable, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        other.execute("ROLLBACK")
        return Counting.run_in_order(house.counting, key, call, *args, **kwargs)

    monkeypatch.setattr(house.counting, "run_in_order", release)
    now(box.set_flags(UidSet.of([2]), FlagOperation.ADD, SEEN))
    assert house.counting.queued == 1
    assert flags_in_index(house) == ["", "\\Seen", ""]
    other.close()


def test_another_process_s_commit_is_taken_in_before_the_change(tmp_path: Path, house: Counted) -> None:
    session = house.open()
    other = House(tmp_path)
    flag(other, 3)
    house.counting.queued = 0
    now(session.box.set_flags(UidSet.of([1]), FlagOperation.ADD, SEEN))
    assert house.counting.queued == 1
    assert [list(change.changed) for change in session.changes] == [[3], [1]]


def test_a_keyword_that_the_disk_must_know_first_is_written_in_the_queue(house: Counted) -> None:
    session = house.open()
    house.counting.queued = 0
    now(session.box.set_flags(UidSet.of([1]), FlagOperation.ADD, frozenset({"Later"})))
    assert house.counting.queued == 1
    assert session.box.keywords == ("Later",)
    assert len(session.changes) == 1
    now(session.box.set_flags(UidSet.of([2]), FlagOperation.ADD, frozenset({"Later"})))
    assert house.counting.queued == 1


def test_mail_that_another_program_delivered_is_taken_in_in_the_queue(house: Counted) -> None:
    house.drop("1764000001.M1P1Q1.host", b"Subject: new\n\ntext\n")
    house.counting.queued = 0
    assert now(house.account.status("INBOX")).messages == 4
    assert house.counting.queued == 1
    assert now(house.account.status("INBOX")).messages == 4
    assert house.counting.queued == 1


def test_whoever_is_woken_by_news_does_not_overtake_it(house: Counted) -> None:
    """A session that is told of a change makes one itself: it waits in the queue, so that all hear both in order."""
    first, second = house.open(), house.open()
    asked = []

    def answer(change: object) -> None:
        if not asked:
            before = house.counting.queued
            asked.append(first.box.set_flags(UidSet.of([2]), FlagOperation.ADD, SEEN))
            now(asked[0])
            assert house.counting.queued == before + 1

    house.account._open[first.box.mailbox_id].attach(first.box, answer)
    now(second.box.set_flags(UidSet.of([1]), FlagOperation.ADD, SEEN))
    assert asked


def test_the_log_of_the_index_is_emptied_by_the_housekeeping(
    house: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never by a commit, which may be one on the reactor thread."""
    monkeypatch.setattr(connection, "CHECKPOINT_AFTER", 50)
    log = house.index / (connection.FILE + "-wal")
    box = house.open().box
    for turn in range(30):
        operation = FlagOperation.REMOVE if turn % 2 else FlagOperation.ADD
        now(box.set_flags(UidSet.of([1]), operation, SEEN))
    assert house.account.vault.checkpoint_due
    grown = log.stat().st_size
    house.account.start_work()
    assert not house.account.vault.checkpoint_due
    now(box.set_flags(UidSet.of([1]), FlagOperation.ADD, SEEN))
    assert log.stat().st_size == grown


def test_flags_of_one_message_change_as_those_of_many_do(tmp_path):
    """One message has a way of its own; whatever is asked, columns and answers are those of the way for many."""
    house, peer = House(tmp_path / "one"), House(tmp_path / "many")
    opened = []
    for each in (house, peer):
        each.append(b"Subject: x\r\n\r\n")
        opened.append(now(each.account.open_mailbox("INBOX", lambda change: None)))
    one, many = opened
    steps = [
        (FlagOperation.ADD, {"\\Seen"}, None), (FlagOperation.ADD, {"\\Seen"}, None),
        (FlagOperation.REPLACE, {"\\Flagged", "\\Deleted"}, None), (FlagOperation.REMOVE, {"\\Deleted"}, 1),
        (FlagOperation.REMOVE, {"\\Deleted"}, 2**40), (FlagOperation.ADD, {"$Junk"}, None),
        (FlagOperation.REMOVE, {"$Junk"}, None), (FlagOperation.REPLACE, set(), None),
    ]  # fmt: skip
    for operation, flags, since in steps:
        answers = [
            now(mailbox.set_flags(UidSet(ranges), operation, frozenset(flags), unchanged_since=since))
            for mailbox, ranges in ((one, ((1, 1),)), (many, ((1, 1), (5, 5))))
        ]
        assert answers[0].changed == answers[1].changed
        assert answers[0].failed == answers[1].failed
        shown = [[box.columns.flag_sets[number] for number in box.columns.flag_ids] for box in opened]
        assert shown[0] == shown[1]
        assert one.highest_modseq == many.highest_modseq
    assert now(one.set_flags(UidSet(((9, 9),)), FlagOperation.ADD, SEEN)).changed == UidSet(())


def test_a_message_that_nobody_looked_at_is_not_read_on_the_reactor_thread(tmp_path: Path) -> None:
    house = Counted(tmp_path)
    house.drop("1700000000.M1P1.host", b"From: kim@naver.com\n\ntext\n")
    box = house.open().box
    for wanted in ([Fact.ENVELOPE], [Fact.ENVELOPE, Fact.BODYSTRUCTURE], [Fact.STRUCTURE]):
        before = house.counting.queued
        assert now(box.facts([1], wanted))
        assert house.counting.queued == before + 1
