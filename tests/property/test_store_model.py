"""The store against a plain list, whatever happens in whatever order: its own operations, another program in
the same Maildir, restarts, kills, and the deletion of the index between any two steps."""

import itertools
import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from mailaccess.model.flags import FlagSet
from mailaccess.model.sequence import UidSet
from mailaccess.store.api import Change, FlagOperation
from mailaccess.store.maildir import names
from tests.unit.store.inline import House, Session, now

MAILBOXES = ("INBOX", "Work", "Work/Done")
FOLDERS = {"INBOX": "", "Work": ".Work", "Work/Done": ".Work.Done"}
FLAGS = ("\\Seen", "\\Flagged", "\\Deleted", "\\Answered", "$Forwarded", "later")

mailboxes = st.sampled_from(MAILBOXES)
flag_sets = st.frozensets(st.sampled_from(FLAGS), max_size=3)
picks = st.lists(st.integers(0, 7), max_size=4)


class View:
    """A session as it knows the mailbox from what it is told."""

    def __init__(self, house: House, name: str) -> None:
        self.session = Session(house, name)
        self.uids = list(self.session.uids)
        self.modseq = self.session.box.highest_modseq

    def check(self) -> None:
        for change in self.session.changes:
            self.apply(change)
        self.session.changes.clear()
        assert self.uids == self.session.uids

    def apply(self, change: Change) -> None:
        assert not change.gone
        assert change.modseq >= self.modseq
        self.modseq = change.modseq
        assert set(change.changed) <= set(self.uids)
        self.uids = [uid for uid in self.uids if uid not in change.expunged]
        assert all(uid > max(self.uids, default=0) for uid in change.appended)
        self.uids.extend(change.appended)


class StoreAgainstList(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.house = House(self.folder)
        now(self.house.account.create("Work"))
        now(self.house.account.create("Work/Done"))
        self.model: dict[str, dict[int, tuple[FlagSet, bytes]]] = {name: {} for name in MAILBOXES}
        self.highest = dict.fromkeys(MAILBOXES, 0)
        self.transfers = False
        self.numbers = itertools.count(1)
        self.look()

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    def look(self) -> None:
        self.views = {name: View(self.house, name) for name in MAILBOXES}
        self.identity = {
            name: (view.session.box.uidvalidity, view.session.box.mailbox_id)
            for name, view in self.views.items()
        }

    def body(self) -> bytes:
        return b"Subject: %d\r\n\r\ntext\r\n" % next(self.numbers)

    def chosen(self, name: str, picks: list[int]) -> UidSet:
        uids = sorted(self.model[name])
        return UidSet.of({uids[pick % len(uids)] for pick in picks} if uids else [])

    def add(self, name: str, uid: int, flags: FlagSet, body: bytes) -> None:
        assert uid > self.highest[name], "a UID was given twice"
        self.highest[name] = uid
        self.model[name][uid] = (flags, body)

    @rule(name=mailboxes, flags=flag_sets)
    def append(self, name: str, flags: FlagSet) -> None:
        body = self.body()
        appended = self.house.append(body, name, flags)
        self.add(name, appended.uids[0], flags, body)

    @rule(name=mailboxes, picks=picks, flags=flag_sets, operation=st.sampled_from(FlagOperation))
    def store(self, name: str, picks: list[int], flags: FlagSet, operation: FlagOperation) -> None:
        uids = self.chosen(name, picks)
        now(self.views[name].session.box.set_flags(uids, operation, flags))
        for uid in uids:
            before, body = self.model[name][uid]
            after = {
                FlagOperation.ADD: before | flags,
                FlagOperation.REMOVE: before - flags,
                FlagOperation.REPLACE: flags,
            }[operation]
            self.model[name][uid] = (after, body)

    @rule(name=mailboxes)
    def expunge(self, name: str) -> None:
        gone = now(self.views[name].session.box.expunge())
        expected = [uid for uid, (flags, _) in self.model[name].items() if "\\Deleted" in flags]
        assert list(gone.uids) == sorted(expected)
        for uid in expected:
            del self.model[name][uid]

    @rule(source=mailboxes, destination=mailboxes, picks=picks, moving=st.booleans())
    def transfer(self, source: str, destination: str, picks: list[int], moving: bool) -> None:
        uids = self.chosen(source, picks)
        box = self.views[source].session.box
        copied = now(box.move(uids, destination) if moving else box.copy(uids, destination))
        assert list(copied.sources) == list(uids)
        for old, new in zip(copied.sources, copied.targets, strict=True):
            self.add(destination, new, *self.model[source][old])
            if moving:
                del self.model[source][old]
            self.transfers = True

    @rule()
    def the_maildir_follows(self) -> None:
        self.house.settle()
        self.transfers = False

    @rule(
        name=mailboxes, place=st.sampled_from(["new", "cur"]), letters=st.sampled_from(["", "S", "FS", "R"])
    )
    def another_program_delivers(self, name: str, place: str, letters: str) -> None:
        number = next(self.numbers)
        body = b"Subject: %d\n\ntext\n" % number
        file = f"{1_700_000_000 + number}.P1.host" + (f":2,{letters}" if place == "cur" else "")
        self.house.drop(file, body, FOLDERS[name], place)
        self.refresh(name)
        fresh = [uid for uid in self.views[name].session.uids if uid not in self.model[name]]
        assert len(fresh) == 1
        flags = frozenset(names.SYSTEM[letter] for letter in letters) if place == "cur" else frozenset()
        self.add(name, fresh[0], flags, body.replace(b"\n", b"\r\n"))

    def file_of(self, name: str, uid: int) -> Path | None:
        for place in ("new", "cur"):
            for path in (self.folder / "Maildir" / FOLDERS[name] / place).iterdir():
                if names.parse(path.name.encode()).uid == uid:
                    return path
        return None

    @precondition(lambda self: not self.transfers)
    @rule(name=mailboxes, pick=st.integers(0, 7), letter=st.sampled_from("RFS"))
    def another_program_flags(self, name: str, pick: int, letter: str) -> None:
        """Merged with what we acknowledged but did not do yet."""
        for uid in self.chosen(name, [pick]):
            path = self.file_of(name, uid)
            if path is None:  # its name is still owed
                return
            base, _, info = path.name.partition(":2,")
            if letter in info:
                return
            path.rename(path.parent.parent / "cur" / f"{base}:2,{''.join(sorted(info + letter))}")
            flags, body = self.model[name][uid]
            self.model[name][uid] = (flags | {names.SYSTEM[letter]}, body)
            self.refresh(name)

    @rule(name=mailboxes, pick=st.integers(0, 7))
    def another_program_deletes(self, name: str, pick: int) -> None:
        self.the_maildir_follows()
        for uid in self.chosen(name, [pick]):
            path = self.file_of(name, uid)
            assert path is not None
            path.unlink()
            del self.model[name][uid]
            self.refresh(name)

    def refresh(self, name: str) -> None:
        self.views[name].session.refresh()

    @rule()
    def the_server_restarts(self) -> None:
        self.house.restart()
        self.transfers = False
        self.again()

    @rule()
    def the_server_is_killed(self) -> None:
        """What it acknowledged is in the index, and the next one finishes it."""
        self.house.start()
        self.transfers = False
        self.again()

    @rule(while_it_runs=st.booleans())
    def the_index_is_deleted(self, while_it_runs: bool) -> None:
        if not while_it_runs:
            now(self.house.store.close())
        shutil.rmtree(self.folder / "index")
        self.transfers = False
        if while_it_runs:
            for name in MAILBOXES:
                self.refresh(name)
        else:
            self.house.start()
            self.again()

    def again(self) -> None:
        before, modseqs = (
            self.identity,
            {name: view.session.box.highest_modseq for name, view in self.views.items()},
        )
        self.look()
        assert self.identity == before
        for name, view in self.views.items():
            assert view.session.box.highest_modseq >= modseqs[name]

    @rule(name=mailboxes)
    def open_again(self, name: str) -> None:
        now(self.views[name].session.box.close())
        self.views[name] = View(self.house, name)

    @invariant()
    def sessions_see_what_the_list_says(self) -> None:
        if not hasattr(self, "views"):
            return
        for name, view in self.views.items():
            view.check()
            session = view.session
            assert session.flags() == {uid: flags for uid, (flags, _) in self.model[name].items()}
            assert session.bodies() == {uid: body for uid, (_, body) in self.model[name].items()}
            assert list(session.box.columns.sizes) == [len(body) for _, body in self.model[name].values()]
            status = now(self.house.account.status(name))
            assert status.messages == len(self.model[name])
            assert status.unseen == sum("\\Seen" not in flags for flags, _ in self.model[name].values())
        assert now(self.house.account.quota()).messages == sum(map(len, self.model.values()))


TestStoreAgainstList = StoreAgainstList.TestCase
TestStoreAgainstList.settings = settings(stateful_step_count=25)
