"""SORT and THREAD (RFC 5256; RFC 5957; RFC 5267 §3; RFC 9394)."""

import pytest

from tests.session.imap.house import MaildirHouse


def mail(subject, sender, date, **more):
    fields = [f"Subject: {subject}", f"From: {sender}", f"Date: {date}"]
    fields += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return "\r\n".join([*fields, "", "x" * 7, ""]).encode()


LETTERS = [
    mail("b", "Zoe <alice@naver.com>", "Mon, 2 Nov 2026 10:00:00 +0900", Message_ID="<1@x>"),
    mail("Re: a", "Bob <zed@naver.com>", "Sun, 1 Nov 2026 10:00:00 +0900", Message_ID="<2@x>"),
    mail("Re: b", "mike@naver.com", "Tue, 3 Nov 2026 10:00:00 +0900", Message_ID="<3@x>", References="<1@x>"),
    mail("a", "Adam <bob@naver.com>", "Sat, 31 Oct 2026 10:00:00 +0900", Message_ID="<4@x>"),
    mail("other", "x@naver.com", "Wed, 4 Nov 2026 10:00:00 +0900", References="<1@x> <3@x>"),
]


@pytest.fixture
def house(tmp_path):
    return MaildirHouse(tmp_path)


@pytest.fixture
def one(house):
    house.given("INBOX", LETTERS)
    return house.session("INBOX")


def test_messages_are_put_in_order(one):
    one.talk("""
        C: a SORT (DATE) UTF-8 ALL
        S: * SORT 4 2 1 3 5
        S: a OK SORT completed
        C: b SORT (SUBJECT REVERSE DATE) UTF-8 ALL
        S: * SORT 2 4 3 1 5
        S: b OK SORT completed
        C: c SORT (REVERSE FROM) US-ASCII 1:4
        S: * SORT 2 3 4 1
        S: c OK SORT completed
        C: d UID SORT (DISPLAYFROM) UTF-8 UID 1:4
        S: * SORT 4 2 3 1
        S: d OK SORT completed
        C: e SORT (REVERSE ARRIVAL) UTF-8 SUBJECT nothing
        S: * SORT
        S: e OK SORT completed
        C: f SORT (WEIGHT) UTF-8 ALL
        S: f BAD ...
        C: g SORT (DATE) KLINGON ALL
        S: g NO [BADCHARSET ...
    """)


def test_numbers_are_those_the_client_knows(house, one):
    other = house.session("INBOX")
    house.deliver("INBOX", LETTERS[0])
    other.ask("STORE 1 +FLAGS (\\Deleted)")
    other.ask("EXPUNGE")
    answer = one.ask("SORT (DATE) UTF-8 ALL")
    assert answer.untagged[0] == "SORT 4 2 3 5"  # neither what is gone nor what came
    assert answer.numbers("EXPUNGE") == []
    assert one.ask("UID SORT (DATE) UTF-8 ALL").numbers("EXPUNGE") == [1]
    assert one.ask("SORT (DATE) UTF-8 ALL").untagged == ["SORT 3 1 5 2 4"]


def test_sorted_results_are_returned_as_asked(one):
    one.talk("""
        C: a UID SORT RETURN () (REVERSE DATE) UTF-8 ALL
        S: * ESEARCH (TAG "a") UID ALL 5,3,1:2,4
        S: a OK SORT completed
        C: b SORT RETURN (MIN MAX COUNT) (DATE) UTF-8 ALL
        S: * ESEARCH (TAG "b") MIN 4 MAX 5 COUNT 5
        S: b OK SORT completed
        C: c SORT RETURN (PARTIAL 2:3) (DATE) UTF-8 ALL
        S: * ESEARCH (TAG "c") PARTIAL (2:3 2,1)
        S: c OK SORT completed
        C: d SORT RETURN (PARTIAL -1:-2) (DATE) UTF-8 ALL
        S: * ESEARCH (TAG "d") PARTIAL (-1:-2 3,5)
        S: d OK SORT completed
        C: e SORT RETURN (SAVE MIN) (DATE) UTF-8 ALL
        S: * ESEARCH (TAG "e") MIN 4
        S: e OK SORT completed
        C: f SEARCH $
        S: * SEARCH 4
        S: f OK SEARCH completed
    """)


def test_the_order_has_its_mod_sequence(one):
    answer = one.ask("SORT (DATE) UTF-8 MODSEQ 1")
    assert answer.of("SORT")[0].startswith("SORT 4 2 1 3 5 (MODSEQ ")


def test_a_message_without_fields_sorts_by_its_arrival(house, one):
    house.deliver("INBOX", b"\r\n\r\nnothing\r\n")
    one.ask("NOOP")
    assert one.ask("SORT (SUBJECT) UTF-8 ALL").untagged == ["SORT 6 2 4 1 3 5"]
    assert one.ask("SORT (DATE) UTF-8 ALL").untagged == [
        "SORT 6 4 2 1 3 5"
    ]  # the house's clock began in 1970


def test_orders_stay_the_same_once_keys_are_kept(house, one):
    first = one.ask("SORT (TO CC FROM SIZE) UTF-8 ALL").untagged
    assert house.session("INBOX").ask("SORT (TO CC FROM SIZE) UTF-8 ALL").untagged == first


def test_threads_are_gathered(one):
    one.talk("""
        C: a THREAD REFERENCES UTF-8 ALL
        S: * THREAD (4 2)(1 3 5)
        S: a OK THREAD completed
        C: b UID THREAD REFS UTF-8 ALL
        S: * THREAD (4)(2)(1 3 5)
        S: b OK THREAD completed
        C: c THREAD ORDEREDSUBJECT UTF-8 ALL
        S: * THREAD (4 2)(1 3)(5)
        S: c OK THREAD completed
        C: d THREAD REFERENCES UTF-8 SUBJECT nothing
        S: * THREAD
        S: d OK THREAD completed
        C: e THREAD SPAGHETTI UTF-8 ALL
        S: e BAD ...
    """)


def test_a_window_of_a_search_is_told(one):
    """RFC 9394 §3.1, §3.2."""
    one.talk("""
        C: a UID SEARCH RETURN (PARTIAL -1:-2) ALL
        S: * ESEARCH (TAG "a") UID PARTIAL (-1:-2 4:5)
        S: a OK SEARCH completed
        C: b SEARCH RETURN (PARTIAL 4:2 COUNT) ALL
        S: * ESEARCH (TAG "b") COUNT 5 PARTIAL (4:2 2:4)
        S: b OK SEARCH completed
        C: c SEARCH RETURN (PARTIAL 6:9) ALL
        S: * ESEARCH (TAG "c") PARTIAL (6:9 NIL)
        S: c OK SEARCH completed
        C: d SEARCH RETURN (PARTIAL 1:2 ALL) ALL
        S: d BAD ...
        C: e SEARCH RETURN (PARTIAL 2:3 SAVE MAX) ALL
        S: * ESEARCH (TAG "e") MAX 5 PARTIAL (2:3 2:3)
        S: e OK SEARCH completed
        C: f SEARCH $
        S: * SEARCH 2 3 5
        S: f OK SEARCH completed
    """)
