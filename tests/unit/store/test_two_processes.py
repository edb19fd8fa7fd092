"""Two processes with one account open: each sees what the other committed."""

import shutil

import pytest

from mailaccess.model.sequence import UidSet
from mailaccess.store.api import FlagOperation
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
