"""What is answered from memory while the kernel says that nothing changed, and that no change is overlooked."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mailaccess.model.errors import NoSuchMailbox
from mailaccess.model.flags import FlagSet
from mailaccess.model.sequence import UidSet
from mailaccess.store import statuswatch
from mailaccess.store.api import FlagOperation
from mailaccess.store.engine import MaildirStore
from tests.unit.store.inline import House, now
from tests.unit.store.test_small_jobs import Counting

SEEN = frozenset({"\\Seen"})


class Watched:
    """A kernel that tells what changed in a folder since it was asked last, by the folder's entries and sizes."""

    def __init__(self) -> None:
        self.seen: dict[bytes, object] = {}
        self.callbacks: dict[bytes, list[Callable[[], None]]] = {}

    @staticmethod
    def look(path: bytes) -> object:
        try:
            with os.scandir(path) as entries:
                return {entry.name: (entry.stat().st_size, entry.stat().st_mtime_ns) for entry in entries}
        except FileNotFoundError:
            return None

    def watch(self, paths: Sequence[bytes], changed: Callable[[], None]) -> "Watching":
        for path in paths:
            self.seen[path] = self.look(path)
            self.callbacks.setdefault(path, []).append(changed)
        return Watching()

    def catch_up(self) -> None:
        for path, before in list(self.seen.items()):
            after = self.look(path)
            if after != before:
                self.seen[path] = after
                for changed in self.callbacks[path]:
                    changed()


class Watching:
    complete = True

    def close(self) -> None:
        return None


class Quick(House):
    def start(self) -> None:
        self.background = self.counting = Counting()
        self.store = MaildirStore(self.settings, self.background, Watched(), self.log, self.clock)
        self.account = now(self.store.open(self.location))
        self.jobs = 0
        at_once = self.account.vault.job_at_once

        def counted(*args: object, **kwargs: object) -> object:
            self.jobs += 1
            return at_once(*args, **kwargs)  # type: ignore[arg-type]

        self.account.vault.job_at_once = counted  # type: ignore[method-assign, assignment]

    @property
    def jobs_since(self) -> int:
        jobs = self.jobs + self.counting.queued
        self.jobs = self.counting.queued = 0
        return jobs


@pytest.fixture
def house(tmp_path: Path) -> Quick:
    house = Quick(tmp_path)
    for name in ("Work", "Play"):
        now(house.account.create(name))
    for name in ("INBOX", "Work"):
        for number in range(3):
            house.append(b"Subject: %d\r\n\r\ntext\r\n" % number, name)
    house.settle()
    house.jobs = house.counting.queued = 0
    return house


def numbers(house: House, name: str) -> tuple[int, ...]:
    told = now(house.account.status(name))
    return told.messages, told.recent, told.unseen, told.deleted, told.size, told.deleted_size, told.uidnext


def test_status_again_asks_nobody(house: Quick) -> None:
    before = numbers(house, "Work")
    assert house.jobs_since
    assert numbers(house, "Work") == before
    assert not house.jobs_since


def test_one_mailbox_asked_for_again_and_again_is_no_survey_of_all(house: Quick) -> None:
    """A client that looks into one mailbox while mail comes in has the others left alone."""
    seen: list[str] = []
    for number in range(6):
        house.append(b"Subject: more\r\n\r\n", "Work")
        assert numbers(house, "Work")[0] == 4 + number
        seen += [name for name in house.account._overview._kept if name != "Work"]
    assert not seen


def test_several_are_asked_for_together(house: Quick) -> None:
    now(house.account.statuses(["INBOX", "Work"]))
    assert house.jobs_since == 1
    told = now(house.account.statuses(["INBOX", "Work", "Play", "Nowhere"]))
    assert house.jobs_since <= 2
    assert {name: each.messages for name, each in told.items()} == {"INBOX": 3, "Work": 3, "Play": 0}


def test_selecting_again_asks_nobody(house: Quick) -> None:
    first = house.open("Work")
    first.refresh()
    now(first.box.claim_recent())
    house.settle()
    first.refresh()
    assert house.jobs_since
    now(first.box.close())
    assert house.open("Work").uids == [1, 2, 3]
    assert not house.jobs_since


def test_listing_again_asks_nobody_until_the_tree_changes(house: Quick) -> None:
    before = now(house.account.mailboxes())
    assert house.jobs_since
    assert now(house.account.mailboxes()) is before
    house.append(b"Subject: x\r\n\r\n", "Work")
    assert now(house.account.mailboxes()) is before
    now(house.account.create("More"))
    assert house.names() == ["INBOX", "More", "Play", "Work"]
    now(house.account.rename("More", "Else"))
    assert house.names() == ["INBOX", "Else", "Play", "Work"]
    now(house.account.delete("Else"))
    assert house.names() == ["INBOX", "Play", "Work"]


def test_another_program_s_mail_shows_at_the_next_status_and_select(house: Quick) -> None:
    session = house.open("Work")
    assert numbers(house, "Work")[0] == 3
    now(session.box.close())
    house.drop("1764000001.M1P1Q1.host", b"Subject: new\n\ntext\n", ".Work")
    assert numbers(house, "Work")[0] == 4
    assert house.open("Work").uids == [1, 2, 3, 4]


def test_another_program_s_folder_shows_in_the_next_list(house: Quick) -> None:
    assert house.names() == ["INBOX", "Play", "Work"]
    for sub in ("tmp", "new", "cur"):
        (house.maildir / ".Theirs" / sub).mkdir(parents=True)
    assert house.names() == ["INBOX", "Play", "Theirs", "Work"]


def test_another_process_s_commit_shows_at_the_next_question(house: Quick, tmp_path: Path) -> None:
    session = house.open("Work")
    house.names()
    assert numbers(house, "Work")[2] == 3
    now(session.box.close())
    other = House(tmp_path)
    now(other.open("Work").box.set_flags(UidSet.of([2]), FlagOperation.ADD, SEEN))
    now(other.account.create("Theirs"))
    assert numbers(house, "Work")[2] == 2
    assert house.open("Work").flags()[2] == {"\\Seen"}
    assert "Theirs" in house.names()


@pytest.mark.parametrize("opened", [False, True])
def test_numbers_followed_are_numbers_counted(house: Quick, tmp_path: Path, opened: bool) -> None:
    """After each kind of change STATUS tells what a process tells that counts for the first time."""
    box = house.open("Work").box
    if not opened:
        now(box.close())

    def store(uid: int, operation: FlagOperation, *flags: str) -> Callable[[], object]:
        named: FlagSet = frozenset(flags)
        return lambda: now(house.open("Work").box.set_flags(UidSet.of([uid]), operation, named))

    for change in (
        lambda: house.append(b"Subject: 4\r\n\r\n", "Work"),
        lambda: house.append(b"Subject: 5\r\n\r\nx", "Work", SEEN),
        lambda: house.append(b"Subject: 6\r\n\r\nxy", "Work", frozenset({"\\Deleted"})),
        store(1, FlagOperation.ADD, "\\Seen"),
        store(1, FlagOperation.ADD, "\\Deleted"),
        store(1, FlagOperation.REMOVE, "\\Seen", "\\Deleted"),
        store(2, FlagOperation.REPLACE, "\\Flagged"),
        lambda: now(house.open("Work").box.copy(UidSet.of([1, 5]), "Work")),
        lambda: now(house.open("INBOX").box.move(UidSet.of([2]), "Work")),
        lambda: now(house.open("Work").box.claim_recent()),
        lambda: now(house.open("Work").box.expunge()),
        lambda: now(house.open("Work").box.remove(UidSet.of([3]))),
        lambda: house.settle(),
    ):
        numbers(house, "Work")
        change()
        assert numbers(house, "Work") == numbers(House(tmp_path), "Work")


def tick(folder: Path) -> None:
    """Another modification time, where the kernel's clock gives one tick to what follows at once."""
    later = folder.stat().st_mtime_ns + 50_000_000
    os.utime(folder, ns=(later, later))


class Looks:
    """How often the store looked at folders on the disk."""

    def __init__(self, house: Quick, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        files = house.account.vault.files
        for name in ("stat", "mtime"):
            monkeypatch.setattr(files, name, self._counted(getattr(files, name)))

    def _counted(self, look: Callable[[bytes], object]) -> Callable[[bytes], object]:
        def counted(path: bytes) -> object:
            self.count += 1
            return look(path)

        return counted


def test_who_asks_again_and_again_costs_no_look_at_the_disk(
    house: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        now(house.account.status("Work"))
    looks = Looks(house, monkeypatch)
    assert now(house.account.status("Work")).messages == 3
    assert looks.count == 0
    now(house.account.statuses(["Work", "Play"]))
    now(house.account.statuses(["Work", "Play"]))
    looks.count = 0
    now(house.account.statuses(["Work", "Play"]))
    assert looks.count == 0


def test_whatever_happens_to_a_watched_mailbox_shows(house: Quick) -> None:
    def shown() -> tuple[int, int]:
        numbers = [now(house.account.status("Work")) for _ in range(3)]
        assert len(set(numbers)) == 1
        return numbers[0].messages, numbers[0].unseen

    assert shown() == (3, 3)
    house.drop("1764000001.M1P1.host", folder=".Work", place="new")
    tick(house.maildir / ".Work" / "new")
    assert shown() == (4, 4)
    (path,) = (house.maildir / ".Work" / "new").glob("1764000001.M1P1*")
    path.rename(house.maildir / ".Work" / "cur" / "1764000001.M1P1.host:2,S")
    tick(house.maildir / ".Work" / "new")
    tick(house.maildir / ".Work" / "cur")
    assert shown() == (4, 3)
    box = house.open("Work").box
    now(box.set_flags(UidSet.of([1, 2]), FlagOperation.ADD, SEEN))
    assert shown() == (4, 1)
    house.settle()
    assert shown() == (4, 1)
    house.append(b"Subject: x\r\n\r\n", "Work")
    assert shown() == (5, 2)
    (house.maildir / ".Work").rename(house.maildir / ".Elsewhere")
    with pytest.raises(NoSuchMailbox):
        now(house.account.status("Work"))
    assert now(house.account.status("Elsewhere")).messages == 5


def test_a_change_in_one_mailbox_asks_for_no_other_anew(house: Quick) -> None:
    for name in ("Work", "Play"):
        now(house.account.status(name))
    house.append(b"Subject: x\r\n\r\n", "Work")
    assert house.jobs_since
    now(house.account.status("Play"))
    assert house.jobs_since == 0
    assert now(house.account.status("Work")).messages == 4


def test_who_asks_for_one_after_the_other_has_those_that_follow_looked_at(house: Quick) -> None:
    names = [f"f{number:02}" for number in range(30)]
    for name in names:
        now(house.account.create(name))
        house.drop("1764000001.M1P1.host", folder=f".{name}", place="new")
    assert house.jobs_since
    assert [now(house.account.status(name)).messages for name in names] == [1] * 30
    assert house.jobs_since < 15
    for path in (house.maildir / ".f07" / "new").iterdir():
        path.unlink()
    house.drop("1764000002.M2P1.host", folder=".f29", place="new")
    tick(house.maildir / ".f07" / "new")
    tick(house.maildir / ".f29" / "new")
    numbers = [now(house.account.status(name)).messages for name in names]
    assert numbers == [0 if name == "f07" else 2 if name == "f29" else 1 for name in names]


def test_no_more_mailboxes_are_watched_than_there_is_room_for(
    house: Quick, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuswatch, "WATCHED", 1)
    for _ in range(3):
        for name, count in (("Work", 3), ("Play", 0)):
            assert now(house.account.status(name)).messages == count
    house.drop("1764000001.M1P1.host", folder=".Work", place="new")
    house.drop("1764000001.M1P1.host", folder=".Play", place="new")
    tick(house.maildir / ".Work" / "new")
    tick(house.maildir / ".Play" / "new")
    assert [now(house.account.status(name)).messages for name in ("Work", "Play")] == [4, 1]
