"""The store killed, or refused by the disk, at every single step of its file operations and commits."""

import errno
import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mailaccess.model.errors import MailError, StorageFull, TemporaryFailure
from mailaccess.model.sequence import UidSet
from mailaccess.store.api import FlagOperation, NewMessage
from mailaccess.store.maildir.files import Files
from tests.unit.store.inline import EVERYTHING, House, now

State = dict[str, dict[int, tuple[frozenset[str], bytes]]]
"""By mailbox and UID: flags and octets."""

MOST_STEPS = 400


class Killing(Files):
    """Ends the process at the ``last`` step that changes something, before it is done."""

    def __init__(self, last: int) -> None:
        super().__init__(sync=False)
        self.left = last

    def step(self, operation: str, path: bytes) -> None:
        self.left -= 1
        if self.left == 0:
            os._exit(9)


class Refusing(Files):
    """The disk refuses step ``number``, once."""

    def __init__(self, error: int) -> None:
        super().__init__(sync=False)
        self.error = error
        self.left = 0

    def step(self, operation: str, path: bytes) -> None:
        if operation == "commit":
            return
        self.left -= 1
        if self.left == 0:
            raise OSError(self.error, os.strerror(self.error))


def body(number: int) -> bytes:
    return b"Subject: %d\r\n\r\ntext\r\n" % number


def steps_of_a_day(house: House) -> list[Callable[[], object]]:
    """What is done to the account, operation by operation."""

    def settle() -> None:
        house.account.start_work()

    def flags(number: int, *names: str) -> Callable[[], object]:
        return lambda: now(
            house.open().box.set_flags(UidSet.of([number]), FlagOperation.ADD, frozenset(names))
        )

    return [
        lambda: house.append(body(1)),
        lambda: house.append(body(2), flags=frozenset({"\\Seen", "later"})),
        lambda: house.append(body(3)),
        lambda: now(house.open().box.claim_recent()),
        flags(1, "\\Seen"),
        settle,
        lambda: now(house.open().box.copy(UidSet.of([1, 2]), "Work")),
        flags(3, "\\Flagged", "later"),
        lambda: now(house.open().box.move(UidSet.of([3]), "Work")),
        settle,
        flags(2, "\\Deleted"),
        lambda: now(house.open().box.copy(UidSet.of([2]), "Work")),
        lambda: now(house.open().box.expunge()),
        settle,
        lambda: now(house.open("Work").box.move(EVERYTHING, "INBOX")),
        lambda: house.append(body(4), "Work"),
        lambda: together(house, body(5), body(6), body(7)),
        settle,
    ]


def together(house: House, *bodies: bytes) -> None:
    """Several messages in one append: all or none."""
    uploads = [house.account.upload(10**7) for _ in bodies]
    for upload, octets in zip(uploads, bodies, strict=True):
        now(upload.write(octets))
    now(house.account.append("Work", [NewMessage(upload) for upload in uploads]))


def state(house: House) -> State:
    found: State = {}
    for name in ("INBOX", "Work"):
        session = house.open(name)
        octets = session.bodies()
        found[name] = {uid: (flags, octets[uid]) for uid, flags in session.flags().items()}
    return found


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[State]:
    """The account's state before the first step and after each."""
    house = prepared(tmp_path_factory.mktemp("states"))
    found = [state(house)]
    for step in steps_of_a_day(house):
        step()
        found.append(state(house))
    return found


@pytest.fixture
def stride(request: pytest.FixtureRequest) -> int:
    """Every step with --long, else every fifth: the steps of one operation are more than that."""
    return 1 if request.config.getoption("--long") else 5


def prepared(folder: Path, files: Files | None = None) -> House:
    house = House(folder, files=files)
    if "Work" not in house.names():
        now(house.account.create("Work"))
    return house


def killed_after(folder: Path, steps: int) -> tuple[bool, int]:
    """Run the day in a process that ends at a step; returns whether it did, and how many operations it acknowledged."""
    prepared(folder)
    acknowledged = folder / "acknowledged"
    acknowledged.write_bytes(b"")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            house = House(folder, files=Killing(steps))
            with acknowledged.open("ab", buffering=0) as note:
                for step in steps_of_a_day(house):
                    step()
                    note.write(b".")
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 9), "the day failed by itself"
    return code == 9, acknowledged.stat().st_size


def test_killed_at_any_step_nothing_acknowledged_is_lost_or_doubled(
    tmp_path: Path, states: list[State], stride: int
) -> None:
    """What was under way is there or is not; everything else is as it was told, under the same UIDs."""
    for steps in range(1, MOST_STEPS, stride):
        folder = tmp_path / str(steps)
        folder.mkdir()
        killed, done = killed_after(folder, steps)
        house = prepared(folder)
        assert state(house) in states[done : done + 2], f"killed at step {steps}, in operation {done}"
        house.settle()
        now(house.store.close())
        shutil.rmtree(folder / "index")
        house.start()
        assert state(house) in states[done : done + 2], f"step {steps}: the index was rebuilt otherwise"
        shutil.rmtree(folder)
        if not killed:
            return
    raise AssertionError("the day has more steps than expected")


def test_killed_and_the_index_lost_no_message_is_lost(
    tmp_path: Path, states: list[State], stride: int
) -> None:
    """The last moments' flags and moves may be undone then, but every message is there."""
    for steps in range(2, MOST_STEPS, 2 * stride):
        folder = tmp_path / str(steps)
        folder.mkdir()
        killed, done = killed_after(folder, steps)
        shutil.rmtree(folder / "index")
        found = {octets for box in state(prepared(folder)).values() for _, octets in box.values()}
        expected = {octets for box in states[done].values() for _, octets in box.values()}
        if done + 1 < len(states):
            expected &= {octets for box in states[done + 1].values() for _, octets in box.values()}
        assert expected <= found, f"killed at step {steps}"
        shutil.rmtree(folder)
        if not killed:
            return


def test_killed_while_delivering_and_the_index_lost_no_message_is_doubled(
    tmp_path: Path, stride: int
) -> None:
    for steps in range(1, 60, stride):
        folder = tmp_path / str(steps)
        folder.mkdir()
        prepared(folder)
        child = os.fork()
        if child == 0:
            try:
                house = House(folder, files=Killing(steps))
                for number in range(4):
                    house.append(body(number))
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        shutil.rmtree(folder / "index")
        octets = [item[1] for item in state(prepared(folder))["INBOX"].values()]
        assert max(Counter(octets).values(), default=1) == 1
        shutil.rmtree(folder)


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_refused_by_the_disk_at_any_step_an_operation_is_done_or_not(
    tmp_path: Path, states: list[State], error: int, stride: int
) -> None:
    """It raises a temporary failure and shows nothing, or it is done; when the disk serves again all goes on."""
    for refused in range(1, MOST_STEPS, stride):
        folder = tmp_path / str(refused)
        folder.mkdir()
        files = Refusing(error)
        house = prepared(folder, files)
        files.left = refused
        for number, step in enumerate(steps_of_a_day(house)):
            try:
                step()
            except TemporaryFailure as failure:
                assert isinstance(failure, StorageFull) is (error == errno.ENOSPC)
                assert state(house) == states[number], f"refused at {refused}"
                step()
            assert state(house) == states[number + 1], f"refused at {refused}"
        assert not list((folder / "Maildir" / "tmp").iterdir())
        reached, files.left = files.left <= 0, 0
        house.settle()
        shutil.rmtree(folder / "index")
        house.start()
        assert state(house) == states[-1]
        shutil.rmtree(folder)
        if not reached:
            return


def test_a_damaged_index_is_set_aside_and_rebuilt(tmp_path: Path) -> None:
    house = prepared(tmp_path)
    house.append(body(1), flags=frozenset({"\\Seen", "later"}))
    house.append(body(2))
    before = state(house)
    now(house.store.close())
    (tmp_path / "index" / "index.sqlite").write_bytes(b"no database at all" * 1000)
    house.start()
    assert state(house) == before
    assert (tmp_path / "index" / "index.sqlite.damaged").exists()


def test_an_index_damaged_while_it_is_open_is_rebuilt(tmp_path: Path) -> None:
    house = prepared(tmp_path)
    for number in range(200):
        house.append(body(number))
    house.settle()
    before = state(house)
    session = house.open()
    session.changes.clear()
    house.account.vault.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / "index" / "index.sqlite").open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(file.seek(0, 2) - 4096) if file.seek(4096) else b"")
    house.account.vault.connection.execute("PRAGMA cache_size = 0")
    for _ in range(2):
        try:
            now(session.box.set_flags(UidSet.of([5]), FlagOperation.ADD, frozenset({"\\Seen"})))
        except MailError:
            continue
    session.refresh()
    assert session.uids == list(before["INBOX"])


def test_an_index_deleted_while_it_is_open_is_rebuilt_and_sessions_do_not_notice(tmp_path: Path) -> None:
    house = prepared(tmp_path)
    house.append(body(1))
    house.append(body(2), flags=frozenset({"later"}))
    session = house.open()
    now(session.box.set_flags(UidSet.of([1]), FlagOperation.ADD, frozenset({"\\Flagged", "$Work"})))
    now(session.box.copy(UidSet.of([2]), "Work"))
    before, modseq = state(house), session.box.highest_modseq
    session.changes.clear()
    shutil.rmtree(tmp_path / "index")
    assert state(house) == before
    assert session.changes == []
    assert session.box.highest_modseq > modseq
    assert now(session.box.expunged_since(modseq)) is None
    assert house.append(body(3)).uids[0] > 2
    assert [list(change.appended) for change in session.changes] == [session.uids[-1:]]
