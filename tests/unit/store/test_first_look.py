"""A mailbox full of files that another program brought: shown at once, and the same whatever is done to it next."""

import datetime
import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailaccess.model.criteria import Comparison, DateField, DateIs
from mailaccess.model.flags import DELETED, FLAGGED, SEEN
from mailaccess.model.sequence import UidSet
from mailaccess.store import firstlook, housekeeping
from mailaccess.store.api import Fact, FlagOperation, FlagsStored
from tests.unit.store.inline import EVERYTHING, House, Session, now

COUNT = 23
CHUNK = 5


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(firstlook, "PACKED_FROM", 10)
    monkeypatch.setattr(firstlook, "CHUNK", CHUNK)
    monkeypatch.setattr(firstlook, "PIECE", 2)
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
        house.drop(name_of(number), data, place="cur")
        os.utime(house.maildir / "cur" / name_of(number), (1_600_000_000 + number,) * 2)


def name_of(number: int, flags: str | None = None) -> str:
    size = len(body(number))
    letters = flags if flags is not None else "S" if number % 2 else ""
    return f"17000{number:05d}.M{number}P1.host,S={size},W={size}:2,{letters}"


def rows(house: House) -> int:
    """Messages that have one in the index."""
    return int(house.account.vault.connection.execute("SELECT count(*) FROM messages").fetchone()[0])


def tick(house: House) -> None:
    """Other modification times, where the kernel's clock gives one tick to what follows at once."""
    for folder in (house.maildir / "new", house.maildir / "cur"):
        later = folder.stat().st_mtime_ns + 50_000_000
        os.utime(folder, ns=(later, later))


def dates(session: Session) -> list[int]:
    now(session.box.settle_dates(EVERYTHING))
    return list(session.box.columns.dates)


DATES = [1_600_000_000 + number for number in range(COUNT)]


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
    assert rows(house) == CHUNK
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


def test_dates_are_those_of_the_files_whenever_they_are_asked_for(house: House) -> None:
    brought(house)
    shown = house.open()
    now(shown.box.settle_dates(UidSet.of([7])))
    assert shown.box.columns.dates[6] == DATES[6] and rows(house) == 0
    assert dates(shown) == DATES and not shown.box.columns.undated
    assert rows(house) == 0
    for number in range(COUNT):
        os.utime(house.maildir / "cur" / name_of(number), (1, 1))
    assert dates(again(house)) == DATES  # what a client was told once stays


def test_dates_of_rows_that_the_background_made_reach_whoever_has_the_mailbox_open(house: House) -> None:
    brought(house)
    shown = house.open()
    while not rows(house):
        now(house.account.run(housekeeping.index_texts))
    assert rows(house) < COUNT
    assert dates(shown) == DATES
    while now(house.account.run(housekeeping.index_texts)):
        pass
    assert dates(again(house)) == DATES


def test_a_search_by_date_finds_what_nobody_asked_the_date_of(house: House) -> None:
    brought(house)
    for number in range(5):
        os.utime(house.maildir / "cur" / name_of(number), (86_400 * 3,) * 2)
    box = house.open().box
    criterion = DateIs(DateField.INTERNAL, Comparison.BEFORE, datetime.date(1970, 2, 1))
    assert now(box.search(criterion)) == [1, 2, 3, 4, 5]


def test_the_date_of_a_file_that_another_program_renamed_meanwhile_is_its_own(house: House) -> None:
    brought(house)
    shown = house.open()
    cur = house.maildir / "cur"
    (cur / name_of(3)).rename(cur / name_of(3, "FS"))
    (cur / name_of(4)).unlink()
    now(shown.box.settle_dates(EVERYTHING))
    assert shown.box.columns.dates[3] == DATES[3]
    tick(house)
    now(shown.box.refresh())
    assert dates(shown) == [date for number, date in enumerate(DATES) if number != 4]


def test_a_size_that_a_name_told_wrongly_is_put_right(house: House) -> None:
    brought(house)
    house.drop("1700000100.M1P1.host,S=5,W=9:2,", body(30), place="cur")
    shown = house.open()
    before = now(house.account.status("INBOX"))
    assert shown.box.columns.sizes[COUNT] == 9
    while now(house.account.run(housekeeping.index_texts)):
        pass
    assert shown.box.columns.sizes[COUNT] == len(body(30))
    after = now(house.account.status("INBOX"))
    assert after.size == before.size - 9 + len(body(30))
    assert now(house.account.quota()).storage == after.size


def test_a_change_of_one_message_makes_the_row_of_that_one(house: House) -> None:
    brought(house)
    shown = house.open()
    for uid in (7, 6, 10, 1, COUNT):
        now(shown.box.set_flags(UidSet.of([uid]), FlagOperation.ADD, frozenset({FLAGGED})))
    assert rows(house) == 5
    flagged = [uid for uid, flags in shown.flags().items() if FLAGGED in flags]
    assert flagged == [1, 6, 7, 10, COUNT]
    assert again(house).flags() == shown.flags() and dates(shown) == DATES
    while now(house.account.run(housekeeping.index_texts)):
        pass
    assert rows(house) == COUNT and again(house).flags() == shown.flags()


def test_a_change_that_is_conditional_or_none_is_judged_by_what_the_file_says(house: House) -> None:
    brought(house)
    shown = house.open()
    modseq = shown.box.highest_modseq
    before = shown.flags()
    seen = next(uid for uid, flags in before.items() if SEEN in flags)
    unseen = next(uid for uid, flags in before.items() if SEEN not in flags)

    def change(uid: int, since: int | None = None) -> FlagsStored:
        wanted = UidSet.of([uid])
        flags = frozenset({SEEN})
        return now(shown.box.set_flags(wanted, FlagOperation.ADD, flags, unchanged_since=since))

    assert change(unseen, modseq - 1) == FlagsStored(UidSet(), UidSet.of([unseen]), modseq)
    assert change(seen) == FlagsStored(UidSet(), UidSet(), modseq)
    assert change(2 * COUNT) == FlagsStored(UidSet(), UidSet(), modseq)
    assert shown.flags() == before
    assert change(unseen, modseq) == FlagsStored(UidSet.of([unseen]), UidSet(), modseq + 1)
    assert shown.flags() == before | {unseen: before[unseen] | {SEEN}}
    assert again(house).flags() == shown.flags()


def test_an_expunge_makes_rows_around_what_is_deleted_alone(house: House) -> None:
    brought(house)
    house.drop("1700000100.M1P1.host,S=5,W=5:2,T", b"abcd\n", place="cur")
    shown = house.open()
    assert now(shown.box.expunge()).uids == UidSet.of([COUNT + 1])
    assert rows(house) < CHUNK
    assert again(house).uids == list(range(1, COUNT + 1))


def test_a_change_of_all_is_made_in_several_jobs(house: House) -> None:
    brought(house, 60)
    shown = house.open()
    now(shown.box.set_flags(UidSet.of(range(1, 51)), FlagOperation.ADD, frozenset({DELETED})))
    assert now(shown.box.expunge()).uids == UidSet.of(range(1, 51))
    assert again(house).uids == list(range(51, 61))


def test_what_other_programs_do_is_seen_before_there_are_rows(house: House) -> None:
    brought(house)
    shown = house.open()
    cur = house.maildir / "cur"
    (cur / name_of(2)).rename(cur / name_of(2, "F"))
    (cur / name_of(20)).unlink()
    house.drop("1700000900.M1P1.host", b"Subject: new\r\n\r\n", place="new")
    twin = name_of(8).partition(",")[0] + ",S=4:2,"
    house.drop(twin, b"abcd", place="cur")
    tick(house)
    now(shown.box.refresh())
    assert shown.flags()[3] == {FLAGGED}
    assert shown.uids == [uid for uid in range(1, COUNT + 3) if uid != 21]
    assert rows(house) < COUNT
    assert again(house).flags() == shown.flags()


def test_files_in_new_are_recent_and_keep_their_numbers_without_the_index(house: House) -> None:
    brought(house)
    for number in range(30, 33):
        house.drop(name_of(number).partition(":")[0], body(number), place="new")
    shown = house.open()
    assert shown.box.recent() == 3
    assert now(shown.box.claim_recent()) == UidSet.of([COUNT + 1, COUNT + 2, COUNT + 3])
    assert again(house, without_index=True).uids == list(range(1, COUNT + 4))


@pytest.mark.parametrize("limit", [7, 50, 1_000])
def test_many_names_are_sorted_in_pieces(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firstlook, "SORTED_AT_ONCE", limit)
    monkeypatch.setattr(firstlook, "_SAMPLED", 3)
    names = [b"%d.a" % (number % 90) for number in range(300)]
    random.Random(limit).shuffle(names)
    assert firstlook.in_order(names) == sorted(names)


def test_what_comes_into_new_and_goes_from_it_after_a_first_look_is_seen(house: House) -> None:
    brought(house)
    for number in range(30, 33):
        house.drop(name_of(number).partition(":")[0], body(number), place="new")
    shown = house.open()
    house.clock.time = time.time() + 10
    now(shown.box.refresh())
    house.drop("1700000900.M1P1.host", b"Subject: new\r\n\r\n", place="new")
    (house.maildir / "new" / name_of(31).partition(":")[0]).unlink()
    later = (house.maildir / "new").stat().st_mtime_ns + 50_000_000
    os.utime(house.maildir / "new", ns=(later, later))
    now(shown.box.refresh())
    assert shown.uids == [uid for uid in range(1, COUNT + 5) if uid != COUNT + 2]
    assert again(house).uids == shown.uids


def test_files_that_come_into_an_empty_mailbox_are_shown_to_whoever_waits_there(house: House) -> None:
    session = house.open()
    brought(house)
    tick(house)
    session.refresh()
    assert session.uids == list(range(1, COUNT + 1))
    assert [list(change.appended) for change in session.changes] == [list(range(1, COUNT + 1))]
    assert rows(house) == 0
    assert session.box.recent() == 0  # they lie in cur/
    assert again(house, without_index=True).uids == session.uids


def test_numbers_of_messages_that_are_gone_are_given_to_no_file(house: House) -> None:
    for number in range(COUNT):
        house.append(body(number))
    session = house.open()
    house.settle()
    kept = {
        path.name: path.read_bytes()
        for folder in ("new", "cur")
        for path in (house.maildir / folder).iterdir()
    }
    now(session.box.remove(UidSet.of(session.uids)))
    house.settle()
    assert not session.uids
    for name, data in kept.items():  # from a backup
        house.drop(name, data, place="cur" if ":2," in name else "new")
    tick(house)
    session.refresh()
    assert session.uids == list(range(COUNT + 1, 2 * COUNT + 1))
    assert again(house, without_index=True).uids == session.uids
