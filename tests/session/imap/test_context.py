"""Searches that are told of (RFC 5267 §4)."""

import pytest

from tests.session.imap.house import MaildirHouse


@pytest.fixture
def house(tmp_path):
    return MaildirHouse(tmp_path)


def test_what_comes_to_a_search_and_leaves_it_is_told(house):
    house.given("INBOX", messages=5, seen=[2, 4])
    one, other = house.session("INBOX"), house.session("INBOX")
    assert one.send("b1 UID SEARCH RETURN (UPDATE COUNT) SEEN\r\n").splitlines()[:-1] == [
        b'* ESEARCH (TAG "b1") UID COUNT 2'
    ]
    other.ask("STORE 3,5 +FLAGS (\\Seen)")
    other.ask("STORE 2 -FLAGS (\\Seen)")
    assert one.ask("NOOP").of("ESEARCH") == [
        'ESEARCH (TAG "b1") UID REMOVEFROM (0 2)',
        'ESEARCH (TAG "b1") UID ADDTO (0 3,5)',
    ]
    assert one.ask("NOOP").untagged == []
    assert one.ask("STORE 1 +FLAGS (\\Seen)").of("ESEARCH") == ['ESEARCH (TAG "b1") UID ADDTO (0 1)']


def test_numbers_that_leave_are_told_before_they_go(house):
    house.given("INBOX", messages=4, deleted=[2, 3])
    one, other = house.session("INBOX"), house.session("INBOX")
    one.send("b1 SEARCH RETURN (UPDATE COUNT) ALL\r\n")
    other.ask("EXPUNGE")
    house.deliver("INBOX")
    told = [line for line in one.ask("NOOP").untagged if "RECENT" not in line]
    assert told == [
        'ESEARCH (TAG "b1") REMOVEFROM (0 2:3)',
        "2 EXPUNGE",
        "2 EXPUNGE",
        "3 EXISTS",
        'ESEARCH (TAG "b1") ADDTO (0 3)',
    ]


def letter(subject):
    return f"Subject: {subject}\r\n\r\nx\r\n".encode()


def test_a_sorted_result_is_told_by_positions(house):
    house.given("INBOX", [letter(subject) for subject in "dbfh"])
    one, other = house.session("INBOX"), house.session("INBOX")
    said = one.send("b1 UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 UNDELETED\r\n")
    assert said.startswith(b'* ESEARCH (TAG "b1") UID ALL 2,1,3:4')
    for subject in "cea":
        house.deliver("INBOX", letter(subject))  # 5, 6, 7
    other.ask("UID STORE 1,4 +FLAGS (\\Deleted)")
    results = [2, 1, 3, 4]
    for line in one.ask("NOOP").of("ESEARCH"):
        kind, _, pairs = line.removeprefix('ESEARCH (TAG "b1") UID ').partition(" ")
        words = pairs.strip("()").split()
        for place, numbers in zip(map(int, words[::2]), words[1::2], strict=True):
            for offset, uid in enumerate(expanded(numbers)):
                if kind == "ADDTO":
                    results.insert(place - 1 + offset, uid)
                else:
                    assert results.pop(place - 1) == uid
    assert results == [7, 2, 5, 6, 3]


def expanded(numbers):
    for part in numbers.split(","):
        first, _, last = part.partition(":")
        yield from range(int(first), int(last or first) + 1)


def test_it_ends_when_it_is_cancelled_or_the_mailbox_left(house):
    house.given("INBOX", messages=2)
    one, other = house.session("INBOX"), house.session("INBOX")
    one.send("b1 SEARCH RETURN (UPDATE COUNT) SEEN\r\n")
    one.send("b2 SEARCH RETURN (UPDATE COUNT) SEEN\r\n")
    assert one.ask('CANCELUPDATE "b1" "nobody"').status.startswith("OK")
    other.ask("STORE 1 +FLAGS (\\Seen)")
    assert one.ask("NOOP").of("ESEARCH") == ['ESEARCH (TAG "b2") ADDTO (0 1)']
    one.ask("SELECT INBOX")
    other.ask("STORE 2 +FLAGS (\\Seen)")
    assert one.ask("NOOP").of("ESEARCH") == []


def test_a_tag_is_told_of_once_and_contexts_are_bounded(house):
    one = house.session("INBOX")
    assert b"b OK" in one.send("b SEARCH RETURN (UPDATE CONTEXT COUNT) SEEN\r\n")
    assert one.send("b SORT RETURN (UPDATE) (DATE) UTF-8 ALL\r\n").startswith(b"b BAD")
    said = [one.send(f"x{n} SEARCH RETURN (UPDATE COUNT) SEEN\r\n") for n in range(9)]
    assert b'* NO [NOUPDATE "x8"]' in said[-1]
    assert said[-1].splitlines()[-1].startswith(b"x8 OK")


def test_idle_tells_of_it(house):
    house.given("INBOX", messages=2)
    one, other = house.session("INBOX"), house.session("INBOX")
    one.send("b1 UID SEARCH RETURN (UPDATE COUNT) SEEN\r\n")
    one.send("i IDLE\r\n")
    other.ask("STORE 2 +FLAGS (\\Seen)")
    assert b'* ESEARCH (TAG "b1") UID ADDTO (0 2)\r\n' in one.take()
