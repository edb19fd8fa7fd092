"""Messages on their way in: committed in groups, in the account's turn, all of a request or nothing."""

import errno
import os
import sqlite3
from collections import deque
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from mailaccess.model.errors import NoSuchMailbox, TemporaryFailure
from mailaccess.store import appending
from mailaccess.store.api import Appended, Fact
from mailaccess.store.index import connection
from mailaccess.store.maildir import together
from mailaccess.store.maildir.files import Files
from mailaccess.store.worker import Worker
from tests.unit.store.inline import House, now


def waiting(house: House, *bodies: bytes, name: str = "INBOX") -> appending.Request:
    """A request that has not had its turn."""
    uploads = [house.account.upload(10**7) for _ in bodies]
    for upload, body in zip(uploads, bodies, strict=True):
        now(upload.write(body))
    incoming = [appending.Incoming(upload, frozenset(), 1_764_000_000) for upload in uploads]
    return appending.Request(name, incoming)


def commit(house: House, *requests: appending.Request) -> None:
    queue = deque(requests)
    house.account.vault.job(appending.commit_here, queue, requests[0])
    assert not queue


class Counting(Files):
    def __init__(self) -> None:
        super().__init__(sync=False)
        self.steps: list[str] = []

    def step(self, operation: str, path: bytes) -> None:
        self.steps.append(operation)


class Narrow(Files):
    """A disk without room for anything larger than a kilobyte."""

    def __init__(self) -> None:
        super().__init__(sync=False)

    def write(self, descriptor: int, data: bytes) -> None:
        if len(data) > 1024:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(descriptor, data)


class Uncommitted(Files):
    """The disk refuses the commit itself, so many times."""

    def __init__(self) -> None:
        super().__init__(sync=False)
        self.left = 0

    def step(self, operation: str, path: bytes) -> None:
        if operation == "commit" and self.left:
            self.left -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_all_that_wait_share_one_sync_of_the_folder_and_one_transaction(tmp_path: Path) -> None:
    files = Counting()
    house = House(tmp_path, files=files)
    house.append(b"before")
    files.steps.clear()
    requests = [waiting(house, b"%d" % number) for number in range(8)]
    commit(house, *requests)
    assert files.steps.count("fsync") == 8
    assert files.steps.count("sync_folder") == 1
    assert files.steps.count("commit") == 1
    outcomes = [appending.outcome(request) for request in requests]
    assert [uid for outcome in outcomes for uid in outcome.uids] == list(range(2, 10))
    bodies = house.open().bodies()
    assert [bodies[uid] for uid in range(2, 10)] == [b"%d" % number for number in range(8)]


class Watched(Files):
    """Knows what was done in which order. refused: what the disk says to one sync of all."""

    def __init__(self, refused: int = 0) -> None:
        super().__init__(sync=False)
        self.steps: list[str] = []
        self.refused = refused

    def step(self, operation: str, path: bytes) -> None:
        self.steps.append(operation)
        if operation == "sync_together" and self.refused:
            raise OSError(self.refused, os.strerror(self.refused))


def many(house: House, files: Watched) -> list[str]:
    """What the disk was asked to do for that many messages in one request, without writing and creating."""
    house.append(b"before")
    files.steps.clear()
    bodies = [b"%d" % number for number in range(together.FROM)]
    request = waiting(house, *bodies)
    commit(house, request)
    assert list(house.open().bodies().values()) == [b"before", *bodies]
    assert not list((house.maildir / "tmp").iterdir())
    return [step for step in files.steps if step not in ("create", "write", "utime")]


def test_many_messages_are_brought_to_disk_by_one_sync_before_any_of_them_shows(tmp_path: Path) -> None:
    files = Watched()
    steps = many(House(tmp_path, files=files), files)
    assert steps == ["sync_together", *["rename"] * together.FROM, "sync_folder", "commit"]


def test_where_one_sync_of_all_fails_each_file_is_synced_before_any_of_them_shows(tmp_path: Path) -> None:
    files = Watched(errno.EIO)
    steps = many(House(tmp_path, files=files), files)
    assert steps[0] == "sync_together"
    assert steps.count("fsync") == together.FROM
    assert "fsync" not in steps[steps.index("rename") :]


def test_where_all_cannot_be_synced_together_each_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Watched()
    house = House(tmp_path, files=files)
    monkeypatch.setattr(files, "_sync", True)
    monkeypatch.setattr(together, "sync_with", lambda descriptor: None)
    steps = many(house, files)
    assert steps == ["fsync"] * together.FROM + ["rename"] * together.FROM + ["sync_folder", "commit"]


def test_a_large_message_among_many_is_synced_by_itself(tmp_path: Path) -> None:
    files = Watched()
    house = House(tmp_path, files=files)
    bodies = [b"%d" % number for number in range(together.FROM)] + [b"large" * 100_000]
    request = waiting(house, *bodies)
    files.steps.clear()
    commit(house, request)
    assert files.steps.index("sync_together") < files.steps.index("fsync") < files.steps.index("rename")
    assert list(house.open().bodies().values()) == bodies


def test_one_message_among_many_that_finds_no_room_refuses_its_own_request(tmp_path: Path) -> None:
    house = House(tmp_path, files=Narrow())
    good = [waiting(house, b"%d" % number) for number in range(together.FROM)]
    large = waiting(house, b"small", b"large" * 1000)
    commit(house, large, *good)
    with pytest.raises(TemporaryFailure):
        appending.outcome(large)
    assert len(house.open().bodies()) == together.FROM


def test_all_are_synced_together_only_where_little_else_waits_to_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        monkeypatch.setattr(together, "_is_known", lambda library, descriptor: True)
        monkeypatch.setattr(together, "_waiting", lambda: together.MOST_WAITING + 1)
        assert together.sync_with(folder) is None
        monkeypatch.setattr(together, "_waiting", lambda: 0)
        sync = together.sync_with(folder)
        if sync is not None:  # an older system has none
            sync()
        monkeypatch.setattr(together, "_is_known", lambda library, descriptor: False)
        assert together.sync_with(folder) is None
    finally:
        os.close(folder)


def test_a_request_refused_does_not_touch_those_beside_it(tmp_path: Path) -> None:
    house = House(tmp_path, files=Narrow())
    good, large, nowhere = (
        waiting(house, b"good"),
        waiting(house, b"small", b"large" * 1000),
        waiting(house, b"lost", name="Nowhere"),
    )
    commit(house, large, good, nowhere)
    assert appending.outcome(good).uids
    with pytest.raises(TemporaryFailure):
        appending.outcome(large)
    with pytest.raises(NoSuchMailbox):
        appending.outcome(nowhere)
    assert list(house.open().bodies().values()) == [b"good"]


def test_a_commit_that_fails_leaves_nothing_to_be_found(tmp_path: Path) -> None:
    files = Uncommitted()
    house = House(tmp_path, files=files)
    house.append(b"before")
    files.left = 2  # at once, and again in a thread
    with pytest.raises(TemporaryFailure):
        house.append(b"refused")
    assert not list((house.maildir / "tmp").iterdir())
    house.restart()
    assert list(house.open().bodies().values()) == [b"before"]
    files.left = 1
    house.append(b"the second time")
    assert list(house.open().bodies().values()) == [b"before", b"the second time"]


def test_a_lock_of_another_process_is_not_waited_for_on_the_reactor_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(tmp_path)
    house.append(b"before")
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.0)
    job = house.account.vault.steps_at_once
    with sqlite3.connect(house.index / connection.FILE) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Exception) as told:
            next(job(appending.commit, deque(), waiting(house, b"now")))
        assert type(told.value).__name__ == "NeedsThread"
        with pytest.raises(TemporaryFailure):
            house.append(b"now")
        other.execute("ROLLBACK")
    house.append(b"then")
    assert list(house.open().bodies().values()) == [b"before", b"then"]


def test_what_is_asked_of_a_message_that_just_came_is_known(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.append(b"Subject: soup\r\nX: y\r\n\r\nhot\r\n")
    box = house.open().box
    ((envelope, header, preview),) = now(box.facts([1], [Fact.ENVELOPE, Fact.HEADER, Fact.PREVIEW]))
    assert b'"soup"' in envelope
    assert header == b"Subject: soup\r\nX: y\r\n\r\n"
    assert preview == b"hot"


class Reactor:
    def __init__(self) -> None:
        self.calls: SimpleQueue[Any] = SimpleQueue()

    def callFromThread(self, call: Any) -> None:
        self.calls.put(call)

    def turn(self) -> None:
        self.calls.get(timeout=60)()


def test_thousands_wait_for_one_account_and_are_served_in_order() -> None:
    worker = Worker(Reactor())
    served: list[int] = []
    worker.hold("lee")

    def serve(_: None, number: int) -> None:
        served.append(number)
        worker.release("lee")

    for number in range(5000):
        worker.hold("lee").addCallback(serve, number)  # type: ignore[attr-defined]
    assert served == []
    worker.release("lee")
    assert served == list(range(5000))
    assert worker.is_idle("lee")


def test_no_job_of_an_account_runs_while_somebody_holds_its_turn() -> None:
    reactor = Reactor()
    worker = Worker(reactor)
    order: list[str] = []
    worker.hold("lee")
    worker.run_in_order("lee", order.append, "job")
    worker.hold("lee").addCallback(lambda _: order.append("turn"))  # type: ignore[attr-defined]
    worker.run_in_order("kim", order.append, "another account's")
    reactor.turn()
    assert order == ["another account's"]
    worker.release("lee")
    reactor.turn()
    assert order == ["another account's", "job", "turn"]
    assert not worker.is_idle("lee")
    worker.release("lee")
    assert worker.is_idle("lee")
    worker.stop()


def test_an_outcome_is_never_taken_for_one_before_the_commit(tmp_path: Path) -> None:
    files = Uncommitted()
    house = House(tmp_path, files=files)
    house.append(b"before")
    files.left = 1
    own, other = waiting(house, b"own"), waiting(house, b"other")
    queue = deque([own, other])
    with pytest.raises(TemporaryFailure):
        house.account.vault.job(appending.commit_here, queue, own)
    assert own.outcome is None
    assert list(queue) == [other]
    house.account.vault.job(appending.commit_here, queue, other)
    assert isinstance(other.outcome, Appended)
    assert list(house.open().bodies().values()) == [b"before", b"other"]


def test_a_settled_upload_holds_neither_memory_nor_a_descriptor(tmp_path: Path) -> None:
    house = House(tmp_path)
    upload = house.account.upload(10**7)
    now(upload.write(b"Subject: x\r\n\r\nx\r\n"))
    before = len(os.listdir("/proc/self/fd"))
    now(upload.settle(1_764_000_000))
    assert len(os.listdir("/proc/self/fd")) == before and upload.is_on_disk and not upload._pieces
    request = appending.Request("INBOX", [appending.Incoming(upload, frozenset(), 1_764_000_000)])
    commit(house, request)
    assert isinstance(request.outcome, Appended)
    (file,) = (house.maildir / "new").iterdir()
    assert file.read_bytes() == b"Subject: x\r\n\r\nx\r\n" and file.stat().st_mtime == 1_764_000_000


def test_a_settled_upload_that_is_not_wanted_leaves_nothing(tmp_path: Path) -> None:
    house = House(tmp_path)
    upload = house.account.upload(10**7)
    now(upload.write(b"x"))
    now(upload.settle(1_764_000_000))
    now(upload.discard())
    assert not list((house.maildir / "tmp").iterdir())
