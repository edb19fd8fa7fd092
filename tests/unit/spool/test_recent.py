"""What memory keeps of the queue, and the shared fsync of a folder."""

import os
import threading

import pytest

from mailaccess.spool import foldersync
from mailaccess.spool.foldersync import FolderSync
from mailaccess.spool.recent import Recent


def test_the_oldest_make_room_by_number_and_by_octets():
    recent = Recent(3, 10)
    for name, octets in (("a", b"1"), ("b", b"22"), ("c", b"333"), ("d", b"4444")):
        recent.put(name, octets)
    assert [recent.get(name) for name in "abcd"] == [None, b"22", b"333", b"4444"]
    recent.put("e", b"55555")
    assert [recent.get(name) for name in "bcde"] == [None, None, b"4444", b"55555"]
    recent.put("e", b"5")
    recent.put("f", b"666666")
    assert recent.get("d") is None and recent.get("e") == b"5"
    recent.drop("f")
    recent.drop("nobody")
    recent.put("g", b"7" * 11)
    assert recent.get("g") is None


def test_one_sync_serves_all_who_came_before_it_began(monkeypatch):
    begun, go = threading.Semaphore(0), threading.Semaphore(0)
    count = []

    def slow(folder):
        count.append(folder)
        begun.release()
        go.acquire()

    monkeypatch.setattr(foldersync, "sync", slow)
    sync = FolderSync("folder")
    first = threading.Thread(target=sync)
    first.start()
    begun.acquire()  # under way: who comes now needs another one
    others = [threading.Thread(target=sync) for _ in range(5)]
    for each in others:
        each.start()
    go.release()
    first.join()
    begun.acquire()
    while any(each.is_alive() for each in others):
        go.release()
        for each in others:
            each.join(0.01)
    assert 2 <= len(count) <= 6


def test_a_sync_that_fails_fails_for_all_of_its_round(tmp_path):
    sync = FolderSync(str(tmp_path / "gone"))
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            sync()
    os.mkdir(tmp_path / "gone")
    sync()
