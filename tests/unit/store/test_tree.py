"""Mailboxes made, renamed, deleted; subscriptions; the account's first day."""

import os
import shutil

import pytest

from mailaccess.model.account import QuotaLimit
from mailaccess.model.errors import (
    BadMailboxName,
    InUse,
    MailboxExists,
    MailboxHasChildren,
    MailboxNotSelectable,
    NoSuchMailbox,
    OverQuota,
    TooBig,
    UseAttribute,
)
from mailaccess.model.sequence import UidSet
from mailaccess.store.api import FlagOperation, NewMessage
from tests.unit.store.inline import EVERYTHING, House, now


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_a_new_account_has_the_configured_mailboxes_and_is_subscribed_to_them(tmp_path):
    house = House(tmp_path, autocreate={"Sent": "\\Sent", "Work": ""})
    assert house.names() == ["INBOX", "Sent", "Work"]
    assert now(house.account.subscriptions()) == {"INBOX", "Sent", "Work"}
    by_name = {info.name: info for info in now(house.account.mailboxes())}
    assert by_name["Sent"].special_use == {"\\Sent"}
    assert by_name["Work"].special_use == frozenset()


def test_the_special_use_survives_the_index(house):
    made = now(house.account.create("Gesendet", frozenset({"\\Sent"})))
    house.restart()
    shutil.rmtree(house.index)
    assert made in now(house.account.mailboxes())


def test_a_special_use_is_given_once(house):
    now(house.account.create("Gesendet", frozenset({"\\Sent"})))
    with pytest.raises(UseAttribute):
        now(house.account.create("Sent", frozenset({"\\Sent"})))
    with pytest.raises(UseAttribute):
        now(house.account.create("Sent", frozenset({"\\Nonsense"})))


def test_names_above_a_mailbox_hold_no_messages(house):
    now(house.account.create("a/b/c"))
    assert [(i.name, i.selectable) for i in now(house.account.mailboxes())][1:] == [
        ("a", False),
        ("a/b", False),
        ("a/b/c", True),
    ]
    with pytest.raises(MailboxNotSelectable):
        house.open("a")
    with pytest.raises(MailboxHasChildren):
        now(house.account.delete("a"))
    now(house.account.create("a"))
    assert house.open("a").uids == []


@pytest.mark.parametrize(
    "name", ["", "/", "a//b", "a/", "x" * 300, "a\nb", "..", "a/../b", "\ud800", "/".join("x" * 60)]
)
def test_impossible_names_are_refused(house, name):
    with pytest.raises(BadMailboxName):
        now(house.account.create(name))
    assert house.names() == ["INBOX"]


@pytest.mark.parametrize("name", ["받은/편지함", "a.b", "~", "..x", "\\2e", "&", "a\\b", "100%", "*", " x "])
def test_strange_names_are_mailboxes_like_others(house, name):
    now(house.account.create(name))
    with pytest.raises(MailboxExists):
        now(house.account.create(name))
    house.append(b"x", name)
    house.restart()
    shutil.rmtree(house.index)
    assert name in house.names()
    assert house.open(name).bodies() == {1: b"x"}
    now(house.account.delete(name))
    assert house.names() == ["INBOX"]


def test_a_rename_takes_what_is_below_along_and_keeps_the_numbers(house):
    now(house.account.create("a"))
    now(house.account.create("a/b"))
    house.append(b"x", "a/b")
    session = house.open("a/b")
    before = (session.box.mailbox_id, session.box.uidvalidity)
    now(house.account.rename("a", "c/d"))
    assert house.names() == ["INBOX", "c", "c/d", "c/d/b"]
    assert session.box.name == "c/d/b"
    again = house.open("c/d/b")
    assert (again.box.mailbox_id, again.box.uidvalidity) == before
    assert again.bodies() == {1: b"x"}


def test_a_rename_that_cannot_be_changes_nothing(house):
    now(house.account.create("a"))
    now(house.account.create("b/c"))
    for old, new, error in (
        ("a", "b/c", MailboxExists),
        ("a", "b", MailboxExists),
        ("x", "y", NoSuchMailbox),
        ("a", "a/b", BadMailboxName),
        ("a", "y/" * 60 + "z", BadMailboxName),
    ):
        with pytest.raises(error):
            now(house.account.rename(old, new))
    assert house.names() == ["INBOX", "a", "b", "b/c"]


def test_renaming_inbox_moves_its_messages(house):
    house.append(b"x", flags=frozenset({"\\Seen"}))
    now(house.account.rename("INBOX", "Old"))
    assert house.open().uids == []
    assert house.open("Old").flags() == {1: {"\\Seen"}}
    with pytest.raises(BadMailboxName):
        now(house.account.delete("INBOX"))


def test_a_mailbox_made_anew_has_a_higher_uidvalidity(house):
    now(house.account.create("a"))
    first = house.open("a")
    now(house.account.delete("a"))
    assert first.changes[-1].gone
    now(house.account.create("a"))
    assert house.open("a").box.uidvalidity > first.box.uidvalidity


def test_what_was_moved_out_of_a_mailbox_survives_its_deletion(house):
    """The files are still in its folder when DELETE follows at once."""
    now(house.account.create("a"))
    for number in range(3):
        house.append(b"%d" % number, "a")
    session = house.open("a")
    now(session.box.move(UidSet.of([1, 2]), "INBOX"))
    now(session.box.copy(UidSet.of([3]), "INBOX"))
    now(house.account.delete("a"))
    house.restart()
    assert house.open().bodies() == {1: b"0", 2: b"1", 3: b"2"}


def test_a_copy_of_a_message_moved_a_moment_ago_is_whole(house):
    now(house.account.create("a"))
    now(house.account.create("b"))
    house.append(b"x")
    now(house.open().box.move(EVERYTHING, "a"))
    now(house.open("a").box.copy(EVERYTHING, "b"))
    now(house.open("a").box.set_flags(EVERYTHING, FlagOperation.ADD, frozenset({"\\Deleted"})))
    now(house.open("a").box.expunge())
    house.settle()
    house.restart()
    shutil.rmtree(house.index)
    assert house.open("b").bodies() == {1: b"x"}
    assert house.open("a").uids == house.open().uids == []


def test_subscriptions_are_dovecots_file(house):
    now(house.account.set_subscribed("not/there", True))
    now(house.account.set_subscribed("Entwürfe", True))
    now(house.account.set_subscribed("not/there", False))
    now(house.account.set_subscribed("never", False))
    assert now(house.account.subscriptions()) == {"INBOX", "Entwürfe"}
    assert (house.maildir / "subscriptions").read_bytes() == b"V\t2\n\nINBOX\nEntw&APw-rfe\n"
    with pytest.raises(BadMailboxName):
        now(house.account.set_subscribed("x" * 300, True))


def test_the_quota_holds_for_append_copy_and_asking(tmp_path):
    house = House(tmp_path, quota=QuotaLimit(storage=100, messages=3))
    house.append(b"x" * 60)
    with pytest.raises(OverQuota):
        house.append(b"x" * 41)
    with pytest.raises(OverQuota):
        now(house.open().box.copy(EVERYTHING, "INBOX"))
    now(house.account.check_quota(40))
    with pytest.raises(OverQuota):
        now(house.account.check_quota(1, messages=3))
    assert (now(house.account.quota()).storage, now(house.account.quota()).messages) == (60, 1)
    assert not list((house.maildir / "tmp").iterdir())


def test_an_upload_past_its_limit_leaves_nothing(house):
    upload = house.account.upload(600_000)
    with pytest.raises(TooBig):
        for _ in range(70):
            now(upload.write(b"x" * 10_000))
    assert not list((house.maildir / "tmp").iterdir())


def test_line_ends_become_crlf_however_the_octets_come(house):
    upload = house.account.upload(1000)
    for piece in (b"a\r", b"\nb\n", b"\n", b"c\r", b"d\n"):
        now(upload.write(piece))
    now(house.account.append("INBOX", [NewMessage(upload)]))
    assert house.open().bodies() == {1: b"a\r\nb\r\n\r\nc\rd\r\n"}


def test_a_large_message_is_read_in_pieces(house):
    house.append(b"A: b\r\n\r\n" + b"x" * 3_000_000)
    house.drop("1700000000.large", b"A: b\n\n" + b"y\n" * 1_000_000)
    session = house.open()
    first, second = now(session.box.read(session.uids))
    assert first.size == 3_000_008
    assert now(first.read(0, 10)) == b"A: b\r\n\r\nxx"
    assert second.size == 3_000_008
    assert now(second.read(3_000_000, 100)) == b"\r\ny\r\ny\r\n"
    first.close()
    second.close()


def test_a_message_renamed_by_another_program_this_moment_is_still_read(house):
    house.append(b"A: b\r\n\r\nhere\r\n")
    session = house.open()
    (file,) = [*house.maildir.glob("cur/*"), *house.maildir.glob("new/*")]
    file.rename(house.maildir / "cur" / (file.name.split(":")[0] + ":2,F"))
    assert now(session.box.read(session.uids)) == [b"A: b\r\n\r\nhere\r\n"]


def test_what_is_not_in_the_kernels_memory_is_left_to_a_thread(house, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert house.account.vault.files.read_present(os.fsencode(tmp_path / "pipe"), 10) is None
    assert house.account.vault.files.read_present(os.fsencode(tmp_path), 10) is None
    assert house.account.vault.files.read_present(os.fsencode(tmp_path / "nothing"), 10) is None
    (tmp_path / "file").write_bytes(b"0123456789")
    assert house.account.vault.files.read_present(os.fsencode(tmp_path / "file"), 4) in (b"0123", None)


def test_the_lock_is_for_one_at_a_time(house):
    lock = now(house.account.lock("pop3"))
    with pytest.raises(InUse):
        now(house.account.lock("pop3"))
    lock.release()
    now(house.account.lock("pop3")).release()


def test_recent_is_told_once(house):
    house.append(b"one")
    first, second = house.open(), house.open()
    assert first.box.recent() == 1
    assert list(now(first.box.claim_recent())) == [1]
    assert list(now(second.box.claim_recent())) == []
    house.append(b"two")
    assert list(now(second.box.claim_recent())) == [2]
    house.settle()
    assert house.files_of(place="new") == []


def test_expunged_is_remembered_with_its_modseq(house):
    for number in range(5):
        house.append(b"%d" % number)
    session = house.open()
    start = session.box.highest_modseq
    one = now(session.box.remove(UidSet.of([2])))
    two = now(session.box.remove(UidSet.of([4, 5])))
    assert str(now(session.box.expunged_since(start))) == "2,4:5"
    assert str(now(session.box.expunged_since(one.modseq))) == "4:5"
    assert not now(session.box.expunged_since(two.modseq))


def test_unchanged_since_spares_what_changed(house):
    house.append(b"one")
    house.append(b"two")
    session = house.open()
    before = session.box.highest_modseq
    now(session.box.set_flags(UidSet.of([1]), FlagOperation.ADD, frozenset({"\\Seen"})))
    stored = now(
        session.box.set_flags(EVERYTHING, FlagOperation.ADD, frozenset({"\\Flagged"}), unchanged_since=before)
    )
    assert (list(stored.changed), list(stored.failed)) == ([2], [1])
    assert session.flags() == {1: {"\\Seen"}, 2: {"\\Flagged"}}


def test_a_mailbox_that_another_program_made_takes_annotations_at_once(house):
    """Looking for its name begins a transaction of its own, so it may not happen within the one that writes."""
    assert house.names() == ["INBOX"]
    for name in ("cur", "new", "tmp"):
        (house.maildir / ".Made" / name).mkdir(parents=True)
    now(house.account.set_metadata("Made", {"/private/comment": b"mine"}))
    assert now(house.account.metadata("Made")) == {"/private/comment": b"mine"}
