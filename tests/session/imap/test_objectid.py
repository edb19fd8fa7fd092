"""Ids of mailboxes, messages and threads (RFC 8474)."""

import re
import shutil

import pytest

from tests.session.imap.house import MaildirHouse, run


@pytest.fixture
def house(tmp_path):
    return MaildirHouse(tmp_path)


def ids(client, command):
    """{uid: (EMAILID, THREADID)} as FETCH tells it."""
    found = {}
    for line in client.ask(f"{command} (UID EMAILID THREADID)").of("FETCH"):
        uid, email, thread = re.search(r"UID (\d+) EMAILID \(([\w-]+)\) THREADID \(([\w-]+)\)", line).groups()
        found[int(uid)] = (email, thread)
    return found


def letter(name, references=""):
    return f"Message-ID: <{name}@x>\r\nReferences: {references}\r\nSubject: x\r\n\r\n{name}\r\n".encode()


def test_a_mailbox_keeps_its_id_under_another_name(house):
    one = house.session()
    said = one.ask("CREATE old").status
    assert said.startswith("OK [MAILBOXID (")
    number = said[said.index("(") : said.index(")") + 1]
    one.ask("RENAME old new")
    assert one.ask("STATUS new (MAILBOXID)").untagged == [f"STATUS new (MAILBOXID {number})"]
    assert any(f"[MAILBOXID {number}]" in line for line in one.ask("SELECT new").untagged)


def test_ids_go_along_with_copies_and_moves(house):
    house.given("INBOX", [letter("a"), letter("b", "<a@x>"), letter("c", "<z@x> <b@x>")])
    house.given("Keep")
    one = house.session("INBOX")
    before = ids(one, "FETCH 1:*")
    assert before[1][1] == before[2][1] != before[3][1]
    assert len({email for email, _ in before.values()}) == 3
    one.ask("COPY 1:2 Keep")
    one.ask("MOVE 3 Keep")
    other = house.session("Keep")
    assert list(ids(other, "FETCH 1:*").values()) == list(before.values())
    other.talk(f"""
        C: a SEARCH EMAILID {before[2][0]}
        S: * SEARCH 2
        S: a OK SEARCH completed
        C: b SEARCH THREADID {before[1][1]}
        S: * SEARCH 1 2
        S: b OK SEARCH completed
        C: c SEARCH NOT THREADID nobody
        S: * SEARCH 1 2 3
        S: c OK SEARCH completed
        C: d SEARCH EMAILID "quoted"
        S: d BAD ...
    """)


def test_ids_outlive_the_index(house):
    house.given("INBOX", [letter("a"), letter("a"), letter("b")])
    before = ids(house.session("INBOX"), "FETCH 1:*")
    run(house.store.close())
    shutil.rmtree(house.account.location.index)
    house.store = house.make_store()
    house.house = type(house.house)(
        house.authenticator, house.store, house.house.settings, house.house.runner, house.log
    )
    assert ids(house.session("INBOX"), "FETCH 1:*") == before
