"""ESEARCH over many mailboxes (RFC 7377)."""

import pytest

from tests.session.imap.house import MaildirHouse
from tests.session.imap.sharing import LEE, Houses


def letter(subject):
    return f"Subject: {subject}\r\n\r\nx\r\n".encode()


@pytest.fixture
def house(tmp_path):
    house = MaildirHouse(tmp_path)
    house.given("INBOX", [letter("red"), letter("blue")])
    house.given("folder1", [letter("blue"), letter("red"), letter("red")])
    house.given("folder2", [letter("green")])
    house.given("folder2/banana", [letter("red")])
    house.given("folder2/banana/peel", [letter("red")], seen=[1])
    house.given("받은 편지", [letter("red")])
    return house


def found(client, command):
    """Mailbox and result of each answer; every answer has the correlators once and speaks of UIDs."""
    reply = client.ask(command)
    assert reply.status == "OK ESEARCH completed", reply.status
    answers = {}
    for line in reply.of("ESEARCH"):
        head, _, result = line.removeprefix("ESEARCH (").partition(") UID ")
        assert head.startswith('TAG "') and " UIDVALIDITY " in head and result
        answers[head.partition(" MAILBOX ")[2].partition(" UIDVALIDITY ")[0].strip('"')] = result
    assert len(answers) == len(reply.of("ESEARCH"))
    return answers


def test_mailboxes_and_subtrees_answer_where_something_matches(house):
    one = house.session()
    assert found(one, 'ESEARCH IN (mailboxes "folder1" subtree "folder2") SUBJECT red') == {
        "folder1": "ALL 2:3",
        "folder2/banana": "ALL 1",
        "folder2/banana/peel": "ALL 1",
    }
    assert found(one, "ESEARCH IN (mailboxes (folder1 INBOX) subtree-one folder2) SUBJECT red") == {
        "INBOX": "ALL 1",
        "folder1": "ALL 2:3",
        "folder2/banana": "ALL 1",
    }
    assert set(found(one, "ESEARCH IN (personal) SUBJECT red")) == set(
        found(one, "ESEARCH IN (inboxes subtree folder2 personal) SUBJECT red")
    )
    assert len(found(one, "ESEARCH IN (personal) SUBJECT red")) == 5
    assert found(one, 'ESEARCH IN (mailboxes (nowhere "folder*")) ALL') == {}
    assert found(one, "ESEARCH IN (subtree folder2) UNSEEN SUBJECT red") == {"folder2/banana": "ALL 1"}


def test_subscribed_mailboxes_are_searched_as_they_are_now(house):
    one = house.session()
    assert found(one, "ESEARCH IN (subscribed) SUBJECT red") == {"INBOX": "ALL 1"}
    one.ask("UNSUBSCRIBE INBOX")
    one.ask("SUBSCRIBE folder1")
    one.ask("SUBSCRIBE gone")
    assert found(one, "ESEARCH IN (subscribed) SUBJECT red") == {"folder1": "ALL 2:3"}


def test_every_return_option_is_of_one_mailbox(house):
    one = house.session()
    assert found(one, "ESEARCH IN (subtree folder1) RETURN (MIN MAX COUNT ALL) ALL") == {
        "folder1": "MIN 1 MAX 3 ALL 1:3 COUNT 3"
    }
    assert found(one, "ESEARCH IN (mailboxes folder1) RETURN (PARTIAL -1:-2 COUNT) ALL") == {
        "folder1": "COUNT 3 PARTIAL (-1:-2 2:3)"
    }
    assert found(one, "ESEARCH IN (mailboxes folder1) RETURN () 2:200") == {"folder1": "ALL 2:3"}
    assert found(one, "ESEARCH IN (mailboxes folder1) RETURN (COUNT) MODSEQ 1")["folder1"].startswith(
        "COUNT 3 MODSEQ "
    )
    assert found(one, "ESEARCH IN (personal) RETURN (COUNT) SUBJECT green") == {"folder2": "COUNT 1"}


def test_the_selected_mailbox_is_meant_where_none_is_named(house):
    one = house.session("folder1")
    assert found(one, "ESEARCH SUBJECT red") == {"folder1": "ALL 2:3"}
    assert found(one, "ESEARCH RETURN (SAVE) SUBJECT red") == {}
    assert found(one, "ESEARCH RETURN (COUNT) $") == {"folder1": "COUNT 2"}
    assert found(one, "ESEARCH IN (selected mailboxes (folder1 INBOX)) SUBJECT red") == {
        "folder1": "ALL 2:3",
        "INBOX": "ALL 1",
    }
    assert one.ask("ESEARCH IN (personal) RETURN (SAVE) ALL").status.startswith("BAD")
    assert one.ask("ESEARCH IN (selected-delayed) ALL").status.startswith("BAD")
    assert one.ask("ESEARCH IN () ALL").status.startswith("BAD")
    none = house.session()
    assert none.ask("ESEARCH ALL").status.startswith("BAD")
    assert none.ask("ESEARCH IN (selected personal) ALL").status.startswith("BAD")
    assert none.ask("ESEARCH IN (personal) RETURN (UPDATE) ALL").status.startswith("BAD")


def test_updates_are_of_the_selected_mailbox(house):
    one, other = house.session("folder1"), house.session("folder1")
    one.send("b1 ESEARCH RETURN (UPDATE COUNT) FLAGGED\r\n")
    other.ask("STORE 2 +FLAGS (\\Flagged)")
    assert one.ask("NOOP").of("ESEARCH") == ['ESEARCH (TAG "b1") UID ADDTO (0 2)']


def test_what_may_not_be_read_is_passed_over_in_silence(tmp_path):
    house = Houses(tmp_path)
    house.given("Work", [letter("red")])
    house.given("Work/Plan", [letter("red")])
    house.given("Work/Secret", [letter("red")])
    house.given("Hidden", [letter("red")])
    house.grant("lr", "Work")
    house.grant("l", "Work/Secret")
    house.grant("r", "Work/Plan")
    kim = house.kim()
    root = f"Other Users/{LEE}"
    assert set(found(kim, f'ESEARCH IN (subtree "{root}/Work") SUBJECT red')) == {f"{root}/Work"}
    named = f'("{root}/Work/Plan" "{root}/Work/Secret" "{root}/Hidden")'
    assert set(found(kim, f"ESEARCH IN (mailboxes {named}) SUBJECT red")) == {f"{root}/Work/Plan"}
    assert found(kim, "ESEARCH IN (personal) SUBJECT red") == {}


def test_it_can_be_withheld(tmp_path):
    one = MaildirHouse(tmp_path, capabilities=("-MULTISEARCH",)).session()
    assert "MULTISEARCH" not in one.ask("CAPABILITY").untagged[0]
    assert one.ask("ESEARCH IN (personal) ALL").status.startswith("BAD")
