"""Other programs in the same Maildir: what they drop, rename, remove, and what Dovecot left."""

import os
import shutil

import pytest

from mailaccess.model.sequence import UidSet
from mailaccess.store.api import FlagOperation
from tests.unit.store.inline import EVERYTHING, House, now


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_dropped_files_are_messages_and_get_their_uid_into_their_name(house):
    house.drop("1700000000.M1P1.host", b"A: b\n\nc\n")
    house.drop("1700000001.M1P1.host,S=8,W=11:2,FS", b"A: b\n\nc\n", place="cur")
    session = house.open()
    assert session.flags() == {1: frozenset(), 2: {"\\Flagged", "\\Seen"}}
    assert session.bodies() == {1: b"A: b\r\n\r\nc\r\n", 2: b"A: b\r\n\r\nc\r\n"}
    assert list(session.box.columns.sizes) == [11, 11]
    house.settle()
    assert house.files_of(place="new") == ["1700000000.M1P1.host,S=8,W=11,I=1"]
    assert house.files_of() == ["1700000001.M1P1.host,S=8,W=11,I=2:2,FS"]
    session.refresh()
    assert [list(change.appended) for change in session.changes] == []


def test_sizes_in_a_name_that_cannot_be_true_are_not_believed(house):
    house.drop("1700000000.M1P1.host,S=5,W=5", b"A: b\n\nc\n")
    house.drop("1700000001.M1P1.host,S=8,W=7", b"A: b\n\nc\n")
    assert list(house.open().box.columns.sizes) == [11, 11]
    house.settle()
    assert house.files_of(place="new") == [
        "1700000000.M1P1.host,S=8,W=11,I=1",
        "1700000001.M1P1.host,S=8,W=11,I=2",
    ]


def test_internaldate_is_the_files_time(house):
    path = house.drop("1700000000.M1P1.host")
    os.utime(path, (1_600_000_000, 1_600_000_000))
    assert list(house.open().box.columns.dates) == [1_600_000_000]
    house.append(b"x", date=1_500_000_000)
    house.restart()
    shutil.rmtree(house.index)
    assert list(house.open().box.columns.dates) == [1_600_000_000, 1_500_000_000]


def test_a_session_is_told_what_another_program_did(house):
    house.append(b"one")
    house.append(b"two", flags=frozenset({"\\Seen"}))
    session = house.open()
    house.drop("1800000000.M1P1.host")
    two = house.maildir / "cur" / house.files_of()[0]
    two.rename(two.with_name(two.name.replace(":2,S", ":2,FS")))
    (house.maildir / "new" / house.files_of(place="new")[0]).unlink()
    session.refresh()
    assert session.uids == [2, 3]
    told = session.changes
    assert [uid for change in told for uid in change.expunged] == [1]
    assert [uid for change in told for uid in change.changed] == [2]
    assert [uid for change in told for uid in change.appended] == [3]
    assert session.flags()[2] == {"\\Flagged", "\\Seen"}


def test_a_file_put_back_is_a_new_message(house):
    house.append(b"one", flags=frozenset({"\\Seen"}))
    session = house.open()
    path = house.maildir / "cur" / house.files_of()[0]
    kept = house.folder / path.name
    path.rename(kept)
    session.refresh()
    kept.rename(path)
    session.refresh()
    assert session.uids == [2]


def test_a_copy_made_by_hand_is_another_message(house):
    house.append(b"one", flags=frozenset({"\\Seen"}))
    path = house.maildir / "cur" / house.files_of()[0]
    shutil.copy(path, path.with_name(path.name.replace(":2,S", ":2,FS")))
    session = house.open()
    assert session.flags() == {1: {"\\Seen"}, 2: {"\\Seen", "\\Flagged"}}
    house.settle()
    assert len({name.split(",")[0] for name in house.files_of()}) == 2


def test_symbolic_links_are_no_messages(house, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"not for mail users")
    (house.maildir / "new" / "1700000000.link").symlink_to(secret)
    (house.maildir / "new" / "1700000000.folder").mkdir()
    (house.maildir / ".Linked").symlink_to(tmp_path)
    assert house.open().uids == []
    assert house.names() == ["INBOX"]


def test_names_in_any_form_are_served(house):
    for number, name in enumerate((b"x" * 250, b"\xff\xfe\xfd", b"new\nline", b":2,S", b"a,b=c:1,x")):
        (house.maildir / "cur" / os.fsdecode(name)).write_bytes(b"A: %d\n" % number)
    session = house.open()
    assert len(session.uids) == 5
    house.settle()
    before = session.bodies()
    now(session.box.set_flags(EVERYTHING, FlagOperation.ADD, frozenset({"\\Seen"})))
    house.settle()
    assert session.bodies() == before
    assert all(",I=" in name and name.endswith(":2,S") for name in house.files_of())
    shutil.rmtree(house.index)
    assert house.open().bodies() == before


def dovecot(house, folder=""):
    """What Dovecot 2.3 leaves."""
    place = house.maildir / folder
    (place / "dovecot-uidlist").write_bytes(
        b"3 V1234567890 N8 G58e0f8286528066bdc3d000083ecc375\n"
        b"3 :1700000001.M1P1.host,S=8,W=11\n6 :1700000000.M1P1.host,S=8,W=11\n"
    )
    (place / "dovecot-keywords").write_bytes(b"0 $Forwarded\n1 Later\n")


def test_dovecots_uids_uidvalidity_and_keywords_are_taken_over(tmp_path):
    for name in ("cur", "new", "tmp"):
        (tmp_path / "Maildir" / name).mkdir(parents=True)
    cur = tmp_path / "Maildir" / "cur"
    (cur / "1700000000.M1P1.host,S=8,W=11:2,Sb").write_bytes(b"A: b\n\nc\n")
    (cur / "1700000001.M1P1.host,S=8,W=11:2,a").write_bytes(b"A: b\n\nd\n")
    (cur / "1700000002.M1P1.host,S=8,W=11:2,").write_bytes(b"A: b\n\ne\n")
    prepared = tmp_path / "Maildir"
    (prepared / "dovecot-uidlist").write_bytes(
        b"3 V1234567890 N8 G58e0f8286528066bdc3d000083ecc375\n"
        b"3 :1700000001.M1P1.host,S=8,W=11\n6 :1700000000.M1P1.host,S=8,W=11\n"
    )
    (prepared / "dovecot-keywords").write_bytes(b"0 $Forwarded\n1 Later\n")
    house = House(tmp_path, autocreate={"Drafts": "\\Drafts"})
    assert house.names() == ["INBOX"], "a Maildir that was there already gets no new mailboxes"
    session = house.open()
    assert session.box.uidvalidity == 1234567890
    assert session.flags() == {3: {"$Forwarded"}, 6: {"\\Seen", "Later"}, 8: frozenset()}
    assert list(session.box.keywords) == ["$Forwarded", "Later"]
    shutil.rmtree(house.index)  # before the names hold the UIDs
    house.start()
    assert list(house.open().flags()) == [3, 6, 8]


def test_keywords_past_the_letters_survive_the_index(house):
    house.append(b"x")
    session = house.open()
    words = [f"word{number}" for number in range(40)]
    for word in words:
        now(session.box.set_flags(UidSet.of([1]), FlagOperation.ADD, frozenset({word})))
    house.restart()
    shutil.rmtree(house.index)
    assert house.open().flags()[1] == set(words)


def test_a_uid_is_never_given_twice_not_even_after_the_index_is_lost(house):
    house.append(b"one")
    house.append(b"two")
    session = house.open()
    now(session.box.remove(UidSet.of([2])))
    house.restart()
    shutil.rmtree(house.index)
    assert house.append(b"three").uids[0] > 2


def test_another_uidvalidity_in_the_file_is_another_mailbox(house):
    house.append(b"one")
    session = house.open()
    file = house.maildir / "mailaccess-uids"
    other = file.read_text().replace(f"uidvalidity {session.box.uidvalidity}", "uidvalidity 77")
    file.unlink()
    file.write_text(other)
    again = house.open()
    assert again.box.uidvalidity == 77
    assert session.changes[-1].gone


def test_a_lost_uids_file_is_written_again(house):
    house.append(b"one", flags=frozenset({"Later"}))
    session = house.open()
    before = (house.maildir / "mailaccess-uids").read_bytes()
    (house.maildir / "mailaccess-uids").unlink()
    session.refresh()
    assert (house.maildir / "mailaccess-uids").read_bytes() == before


def test_folders_that_another_program_makes_renames_and_removes(house):
    now(house.account.create("Work"))
    house.append(b"one", "Work")
    work = house.open("Work")
    (house.maildir / ".Work").rename(house.maildir / ".Play")
    for name in ("cur", "new", "tmp"):
        (house.maildir / ".Entw&APw-rfe" / name).mkdir(parents=True)
    assert house.names() == ["INBOX", "Entwürfe", "Play"]
    assert work.box.name == "Play"
    assert house.open("Play").bodies() == {1: b"one"}
    shutil.rmtree(house.maildir / ".Play")
    assert house.names() == ["INBOX", "Entwürfe"]
    assert work.changes[-1].gone


def test_many_files_found_at_once_keep_their_names_and_their_uids(house):
    for number in range(100):
        house.drop(f"{1700000000 + number}.M1P1.host,S=8,W=11:2,", place="cur")
    session = house.open()
    before = session.bodies()
    house.settle()
    assert not any(",I=" in name for name in house.files_of())
    now(session.box.set_flags(UidSet.of([7]), FlagOperation.ADD, frozenset({"\\Seen"})))
    house.drop("1600000000.older,S=8,W=11")
    session.refresh()
    house.settle()
    assert [name for name in house.files_of() if ",I=" in name] == [
        "1700000006.M1P1.host,S=8,W=11,I=7:2,S",
    ]
    for number in range(100):
        house.drop(f"{1500000000 + number}.M1P1.host,S=8,W=11:2,", place="cur")
    session.refresh()
    flags = session.flags()
    assert len(flags) == 201
    house.start()
    shutil.rmtree(house.index)
    house.start()
    again = house.open()
    assert again.flags() == flags
    assert {uid: again.bodies()[uid] for uid in before} == before


def test_a_line_end_on_the_border_of_two_pieces_is_counted_once(house, monkeypatch):
    monkeypatch.setattr("mailaccess.store.describing.PIECE", 4)
    house.drop("1700000000.x", b"abc\r\nd\nef\r\n\n")
    assert list(house.open().box.columns.sizes) == [len(b"abc\r\nd\r\nef\r\n\r\n")]


class TestOnlyNewChanged:
    """``cur/`` is not read then, unless it may matter."""

    @pytest.fixture
    def house(self, tmp_path):
        house = House(tmp_path)
        house.clock.time = 4_000_000_000.0  # long after the last change of cur/
        house.append(b"one", flags=frozenset({"\\Seen"}))
        house.append(b"two")
        house.open()
        return house

    def listings(self, house, monkeypatch):
        found = []
        files = house.account.vault.files
        real = files.listdir
        monkeypatch.setattr(files, "listdir", lambda folder: found.append(folder[-4:-1]) or real(folder))
        return found

    def test_a_delivery_is_noticed_without_reading_cur(self, house, monkeypatch):
        session = house.open()
        listed = self.listings(house, monkeypatch)
        house.drop("1800000000.x")
        session.refresh()
        assert session.uids == [1, 2, 3]
        assert listed == [b"new"]

    def test_a_file_gone_from_new_to_cur_is_not_lost(self, house):
        session = house.open()
        file = house.files_of(place="new")[0]
        (house.maildir / "new" / file).rename(house.maildir / "cur" / f"{file}:2,F")
        session.refresh()
        assert session.flags() == {1: {"\\Seen"}, 2: {"\\Flagged"}}

    def test_a_file_gone_from_new_is_expunged(self, house):
        session = house.open()
        (house.maildir / "new" / house.files_of(place="new")[0]).unlink()
        session.refresh()
        assert session.uids == [1]

    def test_a_second_link_in_new_to_a_file_in_cur_is_no_message(self, house):
        session = house.open()
        file = house.files_of()[0]
        os.link(house.maildir / "cur" / file, house.maildir / "new" / file.partition(":")[0])
        session.refresh()
        assert session.uids == [1, 2]


def test_an_account_with_too_many_different_flag_sets_is_still_readable(house, monkeypatch):
    house.append(b"one", flags=frozenset({"a", "b"}))
    monkeypatch.setattr("mailaccess.store.flagsets.MAX_FLAG_SETS", 2)
    house.drop("1800000000.x:2,SFa", place="cur")
    assert house.open().flags()[2] == {"\\Seen", "\\Flagged"}
