"""MESSAGELIMIT and SAVELIMIT, where the configuration has a limit (RFC 9738); UIDAFTER and UIDBEFORE."""

import pytest

from tests.session.imap.house import InMemoryHouse, MaildirHouse

LIMIT = {"message_limit": 3}


@pytest.fixture
def one(imap_with):
    imap = imap_with(**LIMIT)
    imap.given("INBOX", messages=5, deleted=[1, 2, 3, 4])
    imap.given("Trash")
    one = imap.session("INBOX")
    one.imap = imap
    return one


def test_the_limit_is_told(one, imap):
    assert " MESSAGELIMIT=3" in one.ask("CAPABILITY").untagged[0]
    assert "LIMIT=3" not in imap.session().ask("CAPABILITY").untagged[0]


def test_fetch_answers_for_the_last_messages(one):
    answer = one.ask("FETCH 1:4 UID")
    assert answer.numbers("FETCH") == [2, 3, 4]
    assert answer.status == "OK [MESSAGELIMIT 3 2] Done for the last 3 messages"
    assert one.ask("UID FETCH 1:3 UID").status == "OK FETCH completed"
    assert one.ask("UID FETCH 1:* UID (PARTIAL -1:-4)").status.startswith("NO [MESSAGELIMIT 3]")
    assert one.ask("UID FETCH 1:* UID (PARTIAL -1:-3)").numbers("FETCH") == [3, 4, 5]


def test_what_went_meanwhile_is_told_in_the_tagged_answer_and_the_limit_before_it(one):
    other = one.imap.session("INBOX")
    other.ask("UID EXPUNGE 4")
    answer = one.ask("FETCH 1:5 UID")
    assert answer.numbers("FETCH") == [3, 5]
    assert answer.untagged[-1].startswith("NO [MESSAGELIMIT 3 3]")
    assert answer.status.startswith("NO [EXPUNGEISSUED]")


def test_store_and_move_go_step_by_step(one):
    assert one.ask("UID STORE 1:5 +FLAGS (\\Seen)").numbers("FETCH") == [3, 4, 5]
    assert one.ask("UID STORE 1:5 +FLAGS.SILENT (\\Seen)").status.startswith("OK [MESSAGELIMIT 3 3]")
    answer = one.ask("UID MOVE 1:5 Trash")
    assert answer.numbers("EXPUNGE") == [3, 3, 3] and answer.status.startswith("OK [MESSAGELIMIT 3 3]")
    answer = one.ask("UID MOVE 1:5 Trash")
    assert answer.numbers("EXPUNGE") == [1, 1] and answer.status == "OK MOVE completed"


def test_copy_and_append_do_nothing_past_it(one):
    assert one.ask("UID COPY 1:5 Trash").status.startswith("NO [MESSAGELIMIT 3 3]")
    assert one.ask("COPY 1:3 Trash").status.startswith("OK [COPYUID")
    said = one.send(b"a APPEND Trash" + b" {1+}\r\nx" * 4 + b"\r\n")
    assert said.startswith(b"a NO [MESSAGELIMIT 3]")
    assert one.ask("STATUS Trash (MESSAGES)").untagged == ["STATUS Trash (MESSAGES 3)"]


def test_uid_expunge_is_limited_and_expunge_is_not(one):
    answer = one.ask("UID EXPUNGE 1:5")
    assert answer.numbers("EXPUNGE") == [2, 2, 2] and answer.status.startswith("OK [MESSAGELIMIT 3 2]")
    one.ask("UID STORE 1:* +FLAGS (\\Deleted)")
    for _ in range(4):
        one.imap.deliver("INBOX")
    one.ask("NOOP")
    for _ in range(2):
        one.ask("UID STORE 6:* +FLAGS (\\Deleted)")
    assert len(one.ask("EXPUNGE").numbers("EXPUNGE")) == 5


def test_a_search_looks_at_the_last_messages_and_dollar_is_cut_with_it(one):
    answer = one.ask("UID SEARCH DELETED")
    assert answer.untagged == ["SEARCH 3 4"] and answer.status.startswith("OK [MESSAGELIMIT 3 3]")
    assert one.ask("UID SEARCH UID 1:3 DELETED").status == "OK SEARCH completed"
    assert one.ask("UID SEARCH RETURN (SAVE) UID 1:4").status.startswith("OK [MESSAGELIMIT 3 2]")
    assert one.ask("UID FETCH $ UID").numbers("FETCH") == [2, 3, 4]


def test_uidafter_and_uidbefore(one):
    assert one.ask("UID SEARCH UIDAFTER 3").untagged == ["SEARCH 4 5"]
    assert one.ask("UID SEARCH UIDBEFORE 3").untagged == ["SEARCH 1 2"]
    assert one.ask("UID SEARCH UIDBEFORE 1").untagged == ["SEARCH"]
    assert one.ask("UID SEARCH UIDAFTER 4294967295").untagged == ["SEARCH"]
    assert one.ask("UID SEARCH UIDAFTER 1 UIDBEFORE 4").untagged == ["SEARCH 2 3"]
    assert one.ask("UID SEARCH UIDAFTER 0").status.startswith("BAD")


def test_sorting_and_threading_the_newest_part_is_refused(tmp_path):
    imap = MaildirHouse(tmp_path, **LIMIT)
    imap.given("INBOX", messages=4)
    one = imap.session("INBOX")
    assert one.ask("SORT (DATE) UTF-8 ALL").status.startswith("NO [MESSAGELIMIT 3]")
    assert one.ask("THREAD REFS UTF-8 ALL").status.startswith("NO [MESSAGELIMIT 3]")
    assert one.ask("SORT (DATE) UTF-8 UID 2:4").untagged == ["SORT 2 3 4"]


def test_savelimit_is_for_copy_and_append_only(tmp_path):
    imap = InMemoryHouse(tmp_path, save_limit=2)
    imap.given("INBOX", messages=4)
    one = imap.session("INBOX")
    assert " SAVELIMIT=2" in one.ask("CAPABILITY").untagged[0]
    assert one.ask("COPY 1:3 INBOX").status.startswith("NO [MESSAGELIMIT 2 2]")
    assert one.ask("FETCH 1:4 UID").status == "OK FETCH completed"
