"""A mailbox full of files that another program brought: shown at once, and the same whatever is done to it next."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailaccess.model.flags import FLAGGED, SEEN
from mailaccess.model.sequence import UidSet
from mailaccess.store import firstlook, housekeeping
from mailaccess.store.api import Fact, FlagOperation
from tests.unit.store.inline import House, Session, now

COUNT = 23
CHUNK = 5


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(firstlook, "PACKED_FROM", 10)
    monkeypatch.setattr(firstlook, "CHUNK", CHUNK)
    yield


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def again(house: House, *, without_index: bool = False) -> Session:
    """The mailbox as another process shows it."""
    now(house.store.close())
    if without_index:
        shutil.rmtree(house.index)
    house.start()
    return house.open()


def body(number: int) -> bytes:
    return b"Subject: number %d\r\n\r\n%b\r\n" % (number, b"x" * number)


def brought(house: House, count: int = COUNT) -> None:
    for number in range(count):
        data = body(number)
        name = f"17000{number:05d}.M{number}P1.host,S={len(data)},W={len(data)}:2,{'S' if number % 2 else ''}"
        house.drop(name, data, place="cur")


def test_numbers_flags_and_sizes_are_there_before_any_row(house: House) -> None:
    brought(house)
    box = house.open().box
    assert list(box.columns.uids) == list(range(1, COUNT + 1))
    assert list(box.columns.sizes) == [len(body(number)) for number in range(COUNT)]
    flags = [box.columns.flag_sets[number] for number in box.columns.flag_ids]
    assert flags == [frozenset({SEEN} if number % 2 else ()) for number in range(COUNT)]
    vault = house.account.vault
    assert vault.connection.execute("SELECT count(*) FROM messages").fetchone() == (0,)
    status = now(house.account.status("INBOX"))
    assert (status.messages, status.unseen, status.size) == (
        COUNT,
        12,
        sum(len(body(n)) for n in range(COUNT)),
    )


def test_what_is_asked_of_some_messages_makes_rows_of_those_around_them_alone(house: House) -> None:
    brought(house)
    box = house.open().box
    ((header,),) = now(box.facts([7], [Fact.HEADER]))
    assert header == b"Subject: number 6\r\n\r\n"
    assert house.account.vault.connection.execute("SELECT count(*) FROM messages").fetchone() == (CHUNK,)
    assert again(house).uids == list(range(1, COUNT + 1))


def test_the_background_makes_rows_of_all_and_nothing_changes(house: House) -> None:
    brought(house)
    before = list(house.open().box.columns.sizes)
    while now(house.account.run(housekeeping.index_texts)):
        pass
    vault = house.account.vault
    assert vault.connection.execute("SELECT count(*) FROM messages").fetchone() == (COUNT,)
    assert not vault.packed
    assert list(again(house).box.columns.sizes) == before


def test_flags_and_expunges_are_kept_as_of_any_message(house: House) -> None:
    brought(house)
    box = house.open().box
    now(box.set_flags(UidSet.of([2, 22]), FlagOperation.ADD, frozenset({FLAGGED})))
    now(box.remove(UidSet.of([5])))
    house.settle()
    shown = again(house)
    assert shown.uids == [uid for uid in range(1, COUNT + 1) if uid != 5]
    assert [uid for uid, flags in shown.flags().items() if FLAGGED in flags] == [2, 22]
    assert again(house, without_index=True).flags() == shown.flags()


def test_the_loss_of_the_index_changes_no_number(house: House) -> None:
    brought(house)
    house.open()
    brought_later = b"Subject: later\r\n\r\n"
    house.drop("1699999999.M1P1.host", brought_later, place="cur")
    box = again(house, without_index=True).box
    assert list(box.columns.uids)[:COUNT] == list(range(1, COUNT + 1)) and box.columns.uids[COUNT] > COUNT
    assert box.columns.sizes[COUNT] == len(brought_later)


def test_the_loss_of_the_index_alone_finds_the_numbers_in_the_list(house: House) -> None:
    brought(house)
    house.open()
    before = (house.maildir / "mailaccess-uidlist").read_bytes()
    assert again(house, without_index=True).uids == list(range(1, COUNT + 1))
    assert (house.maildir / "mailaccess-uidlist").read_bytes() == before


def test_what_is_no_message_is_passed_over(house: House) -> None:
    brought(house)
    (house.maildir / "cur" / "1700000000.folder").mkdir()
    (house.maildir / "cur" / "1700000000.link").symlink_to("/etc/passwd")
    (house.maildir / "cur" / ".hidden").write_bytes(b"")
    assert list(house.open().box.columns.uids) == list(range(1, COUNT + 1))
