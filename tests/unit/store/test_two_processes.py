"""Two processes with one account open: each sees what the other committed."""

import shutil
import threading

import pytest

from mailaccess.model.sequence import UidSet
from mailaccess.store import housekeeping
from mailaccess.store.api import Fact, FlagOperation
from mailaccess.store.maildir.files import Files
from mailaccess.store.reading import Reader
from mailaccess.store.vault import Vault
from tests.unit.store.inline import EVERYTHING, House, Session, now


@pytest.fixture
def pair(tmp_path):
    one = House(tmp_path)
    return one, House(tmp_path)


def test_each_is_told_what_the_other_did(pair):
    one, two = pair
    one.append(b"one")
    one.append(b"two")
    here, there = one.open(), two.open()
    now(here.box.set_flags(UidSet.of([1]), FlagOperation.ADD, frozenset({"\\Seen", "Later"})))
    now(here.box.remove(UidSet.of([2])))
    one.append(b"three", flags=frozenset({"\\Flagged"}))
    there.refresh()
    assert there.flags() == here.flags() == {1: {"\\Seen", "Later"}, 3: {"\\Flagged"}}
    assert there.box.highest_modseq == here.box.highest_modseq
    assert list(there.box.keywords) == ["Later"]
    assert {uid for change in there.changes for uid in change.expunged} == {2}
    assert all(change.by is None for change in there.changes)


def test_their_changes_do_not_mix(pair):
    one, two = pair
    sessions: list[Session] = [one.open(), two.open()]
    for number in range(30):
        house, session = pair[number % 2], sessions[(number + 1) % 2]
        house.append(b"%d" % number)
        now(session.box.set_flags(EVERYTHING, FlagOperation.ADD, frozenset({f"word{number}"})))
        if number % 7 == 6:
            now(session.box.remove(UidSet.of([number])))
            house.settle()
        for each in sessions:
            each.refresh()
        assert sessions[0].flags() == sessions[1].flags()
        assert sessions[0].bodies() == sessions[1].bodies()
    assert sorted(set(sessions[0].uids)) == sessions[0].uids


def test_mailboxes_deleted_and_renamed_by_the_other_are_noticed(pair):
    one, two = pair
    now(one.account.create("a"))
    now(one.account.create("b"))
    renamed, deleted = two.open("a"), two.open("b")
    now(one.account.rename("a", "c"))
    now(one.account.delete("b"))
    assert two.names() == ["INBOX", "c"]
    assert renamed.box.name == "c"
    assert deleted.changes[-1].gone


def test_an_index_deleted_while_both_have_it_open_is_rebuilt_once(pair):
    one, two = pair
    for number in range(5):
        one.append(b"%d" % number, flags=frozenset({f"word{number}"}))
    here, there = one.open(), two.open()
    before = here.flags()
    shutil.rmtree(one.index)
    now(here.box.set_flags(UidSet.of([1]), FlagOperation.ADD, frozenset({"\\Seen"})))
    now(there.box.set_flags(UidSet.of([2]), FlagOperation.ADD, frozenset({"\\Draft"})))
    here.refresh()
    there.refresh()
    expected = before | {1: before[1] | {"\\Seen"}, 2: before[2] | {"\\Draft"}}
    assert here.flags() == there.flags() == expected
    two.append(b"more")
    here.refresh()
    assert here.uids == there.uids


def test_what_the_other_only_derives_leaves_what_was_told_of_mailboxes_in_place(pair):
    one, two = pair
    for number in range(3):
        one.append(b"Subject: %d\r\n\r\ntext\r\n" % number)
    now(one.account.create("Other"))

    def seen():
        """What STATUS is kept by, once what others committed is taken in."""
        now(one.account.run(lambda vault: None))
        return one.account.vault.tree_version, one.account.vault._openings

    now(two.account.run_unasked(housekeeping.index_texts))
    before = seen()
    for _ in range(3):
        now(two.account.run(lambda vault: vault.connection.execute("DELETE FROM fulltext")))
        assert seen() == before
    now(one.account.run_unasked(Vault.park))
    now(two.account.run(lambda vault: vault.connection.execute("DELETE FROM cache")))
    assert seen() == before
    two.append(b"more", "Other")
    assert seen() != before
    assert now(one.account.status("Other")).messages == 1


class Pausing(Files):
    """Before the commit of the process that has it, ``renamed`` is told, and ``missed`` waited for."""

    def __init__(self):
        super().__init__()
        self.pauses = False
        self.renamed, self.missed = threading.Event(), threading.Event()

    def step(self, kind, path):
        if self.pauses and kind == "commit":
            self.renamed.set()
            assert self.missed.wait(60)


@pytest.mark.parametrize(
    "ask",
    [
        lambda box: now(box.read([1])),
        lambda box: now(box.header_fields([1], [b"SUBJECT"])),
        lambda box: now(box.facts([1], [Fact.ENVELOPE, Fact.BODYSTRUCTURE])),
    ],
    ids=["octets", "fields", "facts"],
)
def test_a_file_that_the_other_is_moving_this_moment_is_read(tmp_path, monkeypatch, ask):
    files = Pausing()
    one, two = House(tmp_path, files=files), House(tmp_path)
    now(one.account.create("Other"))
    one.drop("1764000000.M1P1.host", b"Subject: moving\n\ntext\n")
    source = one.open()
    source.refresh()
    now(source.box.move(UidSet.of([1]), "Other"))
    there = two.open("Other")
    listing = Reader._listing

    def look(self, *asked):
        found = listing(self, *asked)
        files.missed.set()
        return found

    monkeypatch.setattr(Reader, "_listing", look)
    files.pauses = True
    mover = threading.Thread(target=one.settle)
    mover.start()
    assert files.renamed.wait(60)
    try:
        answer = ask(there.box)
        assert files.missed.is_set()
    finally:
        files.missed.set()
        mover.join(60)
    assert answer and "moving" in repr(answer)


@pytest.mark.parametrize("place", range(6))
def test_two_that_open_a_new_account_at_once_make_its_mailboxes_once(tmp_path, place):
    """The second comes before one of the steps in which the first makes a folder."""
    autocreate = {"Drafts": "\\Drafts", "Sent": "\\Sent"}
    expected = ["INBOX", "Drafts", "Sent"]
    steps, others = [], []

    class Interrupted(Files):
        def step(self, kind, path):
            if b"mailaccess-new" in path or path.endswith(b"/.Drafts"):
                steps.append(kind)
                if len(steps) == place + 1:
                    others.append(House(tmp_path, autocreate=autocreate))
                    assert "INBOX" in others[0].names()

    one = House(tmp_path, files=Interrupted(), autocreate=autocreate)
    assert one.names() == expected
    assert [each.names() for each in others] == [expected]
    assert not [each for each in one.log.events if each[0] == "store-failed"]
