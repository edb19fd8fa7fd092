"""REPLACE and UID REPLACE (RFC 8508)."""

import pytest

from mailaccess.model.account import QuotaLimit
from tests.session.imap.house import MaildirHouse


@pytest.fixture
def house(tmp_path):
    return MaildirHouse(tmp_path)


def test_a_draft_is_saved_over_its_last_version(house):
    house.given("INBOX", messages=3)
    one, other = house.session("INBOX"), house.session("INBOX")
    said = one.send(b"a REPLACE 2 INBOX (\\Seen \\Draft) {7}\r\n")
    assert said.startswith(b"+ ")
    lines = one.send(b"x: y\r\n\n\r\n").decode().split("\r\n")
    assert lines[0].startswith("* OK [APPENDUID ") and " 4]" in lines[0]
    assert lines[1:3] == ["* 2 EXPUNGE", "* 3 EXISTS"]
    assert lines[-2] == "a OK REPLACE completed"
    assert [uid for uid, _ in house.truth("INBOX")] == [1, 3, 4]
    assert house.truth("INBOX")[-1][1] == {"\\Seen", "\\Draft"}
    assert other.ask("NOOP").numbers("EXPUNGE") == [2]


def test_it_may_go_to_another_mailbox(house):
    house.given("INBOX", messages=2)
    house.given("Keep")
    one = house.session("INBOX")
    assert b"\r\na OK REPLACE completed\r\n" in one.send(b"a UID REPLACE 2 Keep {3+}\r\nabc\r\n")
    assert [uid for uid, _ in house.truth("INBOX")] == [1]
    assert len(house.truth("Keep")) == 1


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"REPLACE 3 INBOX", b"a BAD "),
        (b"UID REPLACE 9 INBOX", b"a NO [NONEXISTENT]"),
        (b"REPLACE 1 nowhere", b"a NO [TRYCREATE]"),
        (b"REPLACE 1:2 INBOX", b"a BAD "),
    ],
)
def test_what_cannot_be_is_refused_before_the_message_is_sent(house, command, answer):
    house.given("INBOX", messages=2)
    one = house.session("INBOX")
    assert one.send(b"a " + command + b" {100}\r\n").startswith(answer)
    assert one.ask("NOOP").status.startswith("OK")
    assert one.send(b"b " + command + b" {3+}\r\nabc\r\n").startswith(b"b" + answer[1:])
    assert one.ask("NOOP").status.startswith("OK")
    assert len(house.truth("INBOX")) == 2


def test_it_needs_a_mailbox_that_may_be_changed(house):
    house.given("INBOX", messages=1)
    assert house.session().send(b"a REPLACE 1 INBOX {3+}\r\nabc\r\n").startswith(b"a BAD ")
    reader = house.session(examined="INBOX")
    assert reader.send(b"a REPLACE 1 INBOX {3+}\r\nabc\r\n").startswith(b"a NO ")
    assert reader.ask("NOOP").status.startswith("OK")
    assert [uid for uid, _ in house.truth("INBOX")] == [1]


def test_the_old_version_makes_room_for_the_new(house):
    house.given("INBOX", [b"x" * 900])
    one = house.session("INBOX")
    house.account.vault.limit = house.account._limit = QuotaLimit(storage=1000, messages=1)
    assert b"[OVERQUOTA]" in one.send(b"a APPEND INBOX {200+}\r\n%b\r\n" % (b"y" * 200))
    assert b"b OK" in one.send(b"b REPLACE 1 INBOX {950+}\r\n%b\r\n" % (b"y" * 950))
    assert b"[OVERQUOTA]" in one.send(b"c REPLACE 1 INBOX {1001+}\r\n%b\r\n" % (b"y" * 1001))


def test_a_message_that_went_meanwhile_is_replaced_by_nothing(house):
    house.given("INBOX", messages=2)
    one, other = house.session("INBOX"), house.session("INBOX")
    assert one.send(b"a REPLACE 2 INBOX {7}\r\n").startswith(b"+ ")
    other.ask("STORE 2 +FLAGS (\\Deleted)")
    other.ask("EXPUNGE")
    assert b"\r\na NO [EXPUNGEISSUED] " in b"\r\n" + one.send(b"x: y\r\n\n\r\n")
    assert [uid for uid, _ in house.truth("INBOX")] == [1]


def test_it_is_one_transaction(house, monkeypatch):
    """Where the old message cannot go, the new one does not come."""
    house.given("INBOX", messages=2)
    one = house.session("INBOX")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("mailaccess.store.appending.forget", full)
        assert b"a NO [UNAVAILABLE]" in one.send(b"a REPLACE 2 INBOX {3+}\r\nabc\r\n")
    assert [uid for uid, _ in house.truth("INBOX")] == [1, 2]
    assert b"b OK" in one.send(b"b REPLACE 2 INBOX {3+}\r\nabc\r\n")
    house.lose_index()
    assert len(house.truth("INBOX")) == 2
