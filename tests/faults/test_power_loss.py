"""The machine lost its power: the index is without its last commits, and files that were not synced yet are as they
happened to reach the disk. No UID that was told is another message's afterwards.
"""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from mailaccess.store import bounds, tree
from mailaccess.store.maildir import uids
from mailaccess.store.maildir.files import Files
from tests.unit.store.inline import House, now


def body(number: int) -> bytes:
    return b"Subject: %d\r\n\r\ntext\r\n" % number


def told(house: House, name: str = "INBOX") -> dict[int, bytes]:
    return house.open(name).bodies()


def kept_index(house: House) -> Path:
    """The index as it is now, for ``power_lost`` to come back with."""
    now(house.store.close())
    copy = house.folder / "kept"
    shutil.copytree(house.index, copy)
    house.start()
    return copy


def power_lost(house: House, index: Path | None, seconds: int = 30) -> None:
    """The process ended without a word; after another boot the index is that of before, or none."""
    shutil.rmtree(house.index)
    if index is not None:
        shutil.copytree(index, house.index)
        with sqlite3.connect(house.index / "index.sqlite") as connection:
            connection.execute("UPDATE account SET boot = 'another'")
        connection.close()
    house.clock.time += seconds
    house.start()


def test_numbers_go_on_above_the_bound_on_disk_not_that_of_an_index_without_its_last_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "UIDS_RESERVED", 3)
    monkeypatch.setattr(tree, "UIDS_RESERVED", 3)
    house = House(tmp_path)
    house.append(body(1))
    index = kept_index(house)
    for number in range(2, 12):
        house.append(body(number))
    before = told(house)
    power_lost(house, index)
    after = told(house)
    assert sorted(after.values()) == sorted(before.values())
    assert all(before.get(uid, octets) == octets for uid, octets in after.items())
    assert house.append(body(12)).uids[0] > max(before)


def test_a_mailbox_removed_by_another_program_before_the_first_look_after_a_boot_is_gone(
    tmp_path: Path,
) -> None:
    house = House(tmp_path)
    now(house.account.create("Work"))
    house.append(body(1))
    index = kept_index(house)
    shutil.rmtree(house.maildir / ".Work")
    power_lost(house, index)
    assert list(told(house).values()) == [body(1)]
    assert "Work" not in [info.name for info in now(house.account.mailboxes())]


class Volatile(Files):
    """Knows which small files were written and not synced."""

    def __init__(self) -> None:
        super().__init__(sync=False)
        self.unsynced: dict[bytes, bytes | None] = {}
        """What was there before, by path."""

    def replace(self, path: bytes, data: bytes, *, sync: bool = True) -> None:
        before = Path(os.fsdecode(path))
        kept = before.read_bytes() if before.exists() else None
        super().replace(path, data, sync=sync)
        if sync:
            self.unsynced.pop(path, None)
        else:
            self.unsynced.setdefault(path, kept)

    def sync_file(self, path: bytes) -> None:
        self.unsynced.pop(path, None)

    def lose(self, name: bytes, *, torn: bool = False) -> None:
        """That file, where it was not synced, is as it was before; or torn: there in part."""
        for path, before in self.unsynced.items():
            if path.endswith(b"/" + name):
                file = Path(os.fsdecode(path))
                if torn:
                    data = file.read_bytes()
                    file.write_bytes(data[: len(data) // 3] + bytes(9) + data[len(data) * 2 // 3 :])
                elif before is None:
                    file.unlink()
                else:
                    file.write_bytes(before)


COUNT = 40


def brought(house: House, folder: str, first: int = 0) -> None:
    """A mailbox that another program made and filled."""
    for sub in ("new", "cur", "tmp"):
        (house.maildir / folder / sub).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + COUNT):
        data = body(number)
        house.drop(f"17000{number:05d}.M{number}P1.host,S={len(data)},W={len(data)}:2,", data, folder, "cur")


@pytest.mark.parametrize("index", ["none", "before", "after"])
@pytest.mark.parametrize("numbers", ["kept", "lost", "torn"])
@pytest.mark.parametrize("listed", ["kept", "lost", "torn"])
@pytest.mark.parametrize("dovecot", ["none", "empty", "some"])
def test_whatever_of_a_first_look_reached_the_disk_no_uid_is_given_twice(
    tmp_path: Path, index: str, numbers: str, listed: str, dovecot: str
) -> None:
    files = Volatile()
    house = House(tmp_path, files=files)
    house.append(body(1))
    before = kept_index(house)
    brought(house, ".Box")
    if dovecot != "none":
        known = range(5, 30) if dovecot == "some" else ()
        lines = [b"%d :17000%05d.M%dP1.host\n" % (7 * n + 7, n, n) for n in known]
        (house.maildir / ".Box" / "dovecot-uidlist").write_bytes(
            b"3 V1700000000 N%d\n%b" % (300 if lines else 1, b"".join(lines))
        )
    told_before, validity = told(house, "Box"), house.open("Box").box.uidvalidity
    assert len(told_before) == COUNT
    kept = kept_index_of_now(house) if index == "after" else before
    brought(house, ".Box", -COUNT)  # they would come first in a list made anew
    if numbers != "kept":
        files.lose(uids.FILE, torn=numbers == "torn")
    if listed != "kept":
        files.lose(uids.OWN_UIDLIST, torn=listed == "torn")
    power_lost(house, None if index == "none" else kept)
    after, now_valid = told(house, "Box"), house.open("Box").box.uidvalidity
    assert len(after) == 2 * COUNT
    if now_valid == validity:
        assert all(told_before.get(uid, octets) == octets for uid, octets in after.items())
    else:
        assert now_valid > validity
        assert dovecot == "none"


def kept_index_of_now(house: House) -> Path:
    """The index with all commits so far; what was not synced stays so."""
    house.account.vault.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    copy = house.folder / "kept-now"
    copy.mkdir()
    shutil.copy(house.index / "index.sqlite", copy)
    return copy


@pytest.mark.parametrize("index", ["none", "before"])
def test_a_uidvalidity_ahead_of_the_clock_is_not_given_again_though_its_file_is_lost(
    tmp_path: Path, index: str
) -> None:
    files = Volatile()
    house = House(tmp_path, files=files)
    house.append(body(1))
    house.settle()
    kept = kept_index(house)
    brought(house, ".A")
    for name in (".B", ".C", ".D"):
        shutil.copytree(house.maildir / ".A", house.maildir / name)
    at = house.clock.time
    before = {name: house.open(name).box.uidvalidity for name in "ABCD"}
    assert max(before.values()) > at
    files.lose(uids.FILE)
    shutil.rmtree(house.maildir / ".A")  # those that are left would get its number, and the next
    power_lost(house, None if index == "none" else kept, seconds=1)
    after = {name: house.open(name).box.uidvalidity for name in "BCD"}
    assert all(after[name] > before[name] for name in after)
    assert len(set(after.values())) == 3


def test_what_a_first_look_left_to_later_is_synced_soon(tmp_path: Path) -> None:
    files = Volatile()
    house = House(tmp_path, files=files)
    house.settle()
    brought(house, ".Box")
    house.open("Box")
    assert files.unsynced
    house.settle()
    assert not [path for path in files.unsynced if path.endswith(uids.FILE)]
