"""Searches that need not be met to the letter (RFC 6203)."""

import re

import pytest

from tests.session.imap.house import MaildirHouse

MAILS = [
    ("Hello from Seoul", "nothing of interest"),
    ("Lunch", "we said helo and hello, hello, hello"),
    ("Budget", "numbers"),
    ("내일 회의 자료", "첨부합니다"),
    ("Help wanted", "numbers"),
]


@pytest.fixture
def house(tmp_path):
    house = MaildirHouse(tmp_path)
    house.given(
        "INBOX",
        [f"From: kim@daum.net\r\nSubject: {subject}\r\n\r\n{body}\r\n".encode() for subject, body in MAILS],
    )
    return house


def test_a_misspelt_word_is_found(house):
    house.session("INBOX").talk("""
        C: a SEARCH FUZZY SUBJECT "Helo"
        S: * SEARCH 1 5
        S: a OK SEARCH completed
        C: b SEARCH FUZZY TEXT "Helo"
        S: * SEARCH 1 2 5
        S: b OK SEARCH completed
        C: c SEARCH SUBJECT "Helo"
        S: * SEARCH
        S: c OK SEARCH completed
        C: d SEARCH FUZZY (SUBJECT "helo" BODY "number")
        S: * SEARCH 5
        S: d OK SEARCH completed
        C: e SEARCH NOT FUZZY SUBJECT "helo" FROM "kim"
        S: * SEARCH 2 3 4
        S: e OK SEARCH completed
        C: f SEARCH FUZZY OR SUBJECT "buget" SUBJECT "lumch"
        S: * SEARCH 2 3
        S: f OK SEARCH completed
        C: g UID SEARCH CHARSET UTF-8 FUZZY SUBJECT "회이"
        S: * SEARCH 4
        S: g OK SEARCH completed
        C: h SEARCH FUZZY (UNSEEN LARGER 10) FUZZY 1:3
        S: * SEARCH 1 2 3
        S: h OK SEARCH completed
        C: i SEARCH FUZZY BODY "budget"
        S: * SEARCH
        S: i OK SEARCH completed
        C: j SEARCH FUZZY HEADER X-None ""
        S: * SEARCH
        S: j OK SEARCH completed
    """)


def scores(line):
    return [int(each) for each in re.search(r"RELEVANCY \(([\d ]+)\)", line).group(1).split()]


def test_scores_come_in_the_order_of_the_messages(house):
    one = house.session("INBOX")
    (line,) = one.ask('SEARCH RETURN (RELEVANCY ALL) FUZZY TEXT "hello"').untagged
    assert " ALL 1:2,5 " in line
    first, second, fifth = scores(line)
    assert first == 100 > second > fifth >= 1
    (line,) = one.ask('SEARCH RETURN (RELEVANCY) FUZZY TEXT "hello"').untagged
    assert "ALL" not in line and scores(line) == [first, second, fifth]
    (line,) = one.ask('SEARCH RETURN (RELEVANCY PARTIAL 2:3) FUZZY TEXT "hello"').untagged
    assert "PARTIAL (2:3 2,5)" in line and scores(line) == [second, fifth]
    (line,) = one.ask('SEARCH RETURN (RELEVANCY COUNT) FUZZY TEXT "nowhere at all"').untagged
    assert line.endswith("COUNT 0")
    (line,) = one.ask("SEARCH RETURN (RELEVANCY) FUZZY ALL").untagged
    assert scores(line) == [100] * 5


def test_the_most_relevant_comes_first(house):
    one = house.session("INBOX")
    one.talk("""
        C: a SORT (RELEVANCY) UTF-8 FUZZY TEXT "helo"
        S: * SORT ...
        S: a OK SORT completed
        C: b SORT (RELEVANCY) UTF-8 FUZZY TEXT "hello"
        S: * SORT 1 2 5
        S: b OK SORT completed
        C: c SORT (REVERSE RELEVANCY) UTF-8 FUZZY TEXT "hello"
        S: * SORT 5 2 1
        S: c OK SORT completed
        C: d SORT (RELEVANCY SUBJECT) UTF-8 FUZZY ALL
        S: * SORT 3 1 5 2 4
        S: d OK SORT completed
        C: e SORT RETURN (PARTIAL 1:2) (RELEVANCY) UTF-8 FUZZY TEXT "hello"
        S: * ESEARCH (TAG "e") PARTIAL (1:2 1:2)
        S: e OK SORT completed
    """)
    (line,) = one.ask('UID SORT RETURN (RELEVANCY ALL) (RELEVANCY) UTF-8 FUZZY TEXT "hello"').untagged
    assert " ALL 1:2,5 " in line and scores(line) == sorted(scores(line), reverse=True)


@pytest.mark.parametrize(
    "command",
    [
        "SEARCH RETURN (RELEVANCY) SUBJECT x",
        "SORT (RELEVANCY) UTF-8 SUBJECT x",
        "SORT RETURN (RELEVANCY) (DATE) UTF-8 ALL",
        "SEARCH FUZZY",
        "SEARCH FUZZY NONSENSE",
    ],
)
def test_relevancy_needs_fuzzy_and_fuzzy_a_key(house, command):
    """RFC 6203 §4, §6: MUST NOT."""
    assert house.session("INBOX").ask(command).status.startswith("BAD")


def test_it_is_offered(house):
    assert " SEARCH=FUZZY " in house.session().ask("CAPABILITY").untagged[0]
