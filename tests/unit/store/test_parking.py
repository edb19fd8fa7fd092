"""Indexes that nobody uses are closed, while sessions have their mailboxes open, and nobody notices."""

import time
from pathlib import Path

import pytest

from mailaccess.model.sequence import UidSet
from mailaccess.store.api import FlagOperation
from tests.unit.store.inline import House, now
from tests.unit.store.test_in_memory import Quick

SEEN = frozenset({"\\Seen"})


@pytest.fixture
def house(tmp_path: Path) -> Quick:
    house = Quick(tmp_path)
    for number in range(3):
        house.append(b"Subject: %d\r\n\r\ntext\r\n" % number)
    now(house.open().box.claim_recent())
    house.settle()
    return house


def park(house: House) -> None:
    """As time does it."""
    house.clock.time = max(house.clock.time, time.time())  # after all that the folders show
    for _ in range(4):  # the last looks, the housekeeping, the sweep
        house.clock.time += 60
        house.counting.run_waiting()
    assert not house.account.vault.is_open


def test_an_index_is_closed_after_a_while_and_opened_by_the_next_change(house: Quick) -> None:
    session = house.open()
    park(house)
    now(session.box.set_flags(UidSet.of([2]), FlagOperation.ADD, SEEN))
    assert house.account.vault.is_open
    assert session.flags()[2] == {"\\Seen"}
    assert [list(change.changed) for change in session.changes] == [[2]]


def test_what_is_known_is_told_without_opening_it(house: Quick) -> None:
    session = house.open()
    park(house)
    names = house.names()
    told = now(house.account.status("INBOX"))
    park(house)
    session.refresh()
    assert now(house.account.status("INBOX")) == told
    assert house.names() == names
    assert house.open().uids == [1, 2, 3]
    assert not house.account.vault.is_open


def test_a_delivery_reaches_whoever_waits(house: Quick) -> None:
    session = house.open()
    park(house)
    house.append(b"Subject: new\r\n\r\ntext\r\n")
    assert [list(change.appended) for change in session.changes] == [[4]]


def test_another_process_s_changes_reach_whoever_waits(house: Quick, tmp_path: Path) -> None:
    session = house.open()
    park(house)
    other = House(tmp_path)
    now(other.open().box.set_flags(UidSet.of([1]), FlagOperation.ADD, SEEN))
    now(other.open().box.remove(UidSet.of([3])))
    other.append(b"Subject: new\r\n\r\ntext\r\n")
    session.refresh()
    assert session.uids == [1, 2, 4]
    assert session.flags()[1] == {"\\Seen"}
    now(other.store.close())
    session.refresh()
    assert session.uids == [1, 2, 4]


def test_changes_that_another_process_made_and_left_reach_whoever_waits(house: Quick, tmp_path: Path) -> None:
    session = house.open()
    park(house)
    other = House(tmp_path)
    now(other.open().box.remove(UidSet.of([3])))
    now(other.store.close())
    house.clock.time += 60
    session.refresh()
    assert session.uids == [1, 2]


def test_an_index_that_was_deleted_meanwhile_is_rebuilt(house: Quick) -> None:
    session = house.open()
    park(house)
    for path in house.index.iterdir():
        path.unlink()
    now(session.box.set_flags(UidSet.of([2]), FlagOperation.ADD, SEEN))
    assert session.uids == [1, 2, 3]
    assert session.flags()[2] == {"\\Seen"}


def test_no_more_are_open_than_configured(tmp_path: Path) -> None:
    house = Quick(tmp_path / "one", open_accounts=2)
    accounts = []
    for name in ("two", "three", "four"):
        other = House(tmp_path / name)
        account = now(house.store.open(other.location))
        accounts.append(account)
        now(account.status("INBOX"))
        house.counting.run_waiting()  # what is owed is done
    now(accounts[-1].quota())
    now(accounts[-1].quota())
    assert sum(account.vault.is_open for account in (house.account, *accounts)) <= 2


def test_what_is_owed_keeps_it_open(house: Quick) -> None:
    session = house.open()
    now(session.box.set_flags(UidSet.of([2]), FlagOperation.ADD, SEEN))
    assert house.account.vault.owing
    assert not now(house.account.park())
    assert house.account.vault.is_open


def test_what_another_process_committed_does_not_keep_it_open(tmp_path: Path) -> None:
    house = Quick(tmp_path)
    house.append(b"Subject: 1\r\n\r\ntext\r\n")
    house.settle()
    assert now(house.account.status("INBOX")).unseen == 1
    other = House(tmp_path)
    now(other.open().box.set_flags(UidSet.of([1]), FlagOperation.ADD, SEEN))
    assert now(house.account.park())
    assert now(house.account.status("INBOX")).unseen == 0
