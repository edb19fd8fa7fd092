"""How relevant a text is to a query that need not be met to the letter (RFC 6203 §4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailaccess.message.fuzzy import BODY, SUBJECT, Query, fields_of, simple


def relevancy(query: str, text: str, weight: float = SUBJECT) -> int:
    return Query(query).relevancy([(weight, simple(text))])


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("Helo", "hello there"),
        ("Helo", "Help!"),
        ("IMAP break", "IMAP is broken"),
        ("recieve", "Please receive this"),
        ("Strasse", "Hauptstraße 5"),
        ("cafe", "CAFÉ au lait"),
        ("회이", "내일 회의 있습니다"),
        ("보고", "분기보고서"),
        ("회의 자료", "회의에 쓸 자료"),
        ("meeting notes", "notes of the meeting"),
    ],
)
def test_near_enough(query: str, text: str) -> None:
    assert relevancy(query, text) > 0


@pytest.mark.parametrize(
    ("query", "text"),
    [("hello", "world"), ("invoice", "in reply"), ("회의", "점심 메뉴"), ("one two three", "one"), ("x", "")],
)
def test_not_near_enough(query: str, text: str) -> None:
    assert relevancy(query, text) == 0


@pytest.mark.parametrize(
    ("query", "better", "worse"),
    [
        ("hello", "hello", "helo"),
        ("report", "report", "preporting"),
        ("helo", "hello", "help"),
        ("회의", "회의록", "회이"),
        ("imap server", "imap server", "imap"),
    ],
)
def test_nearer_is_more_relevant(query: str, better: str, worse: str) -> None:
    assert relevancy(query, better) > relevancy(query, worse) > 0


def test_a_subject_weighs_more_than_a_body_and_a_body_more_the_oftener() -> None:
    assert relevancy("plan", "the plan") == 100
    once, often = relevancy("plan", "the plan", BODY), relevancy("plan", "plan plan plan", BODY)
    assert 100 > often > once
    fields = fields_of("from: kim@daum.net\r\nsubject: the plan\r\nx-mailer: y", "nothing")
    assert Query("plan").relevancy(fields) == 100
    assert 0 < Query("mailer kim").relevancy(fields) < 100


@given(st.text(max_size=60), st.text(max_size=300))
def test_any_texts_have_a_score(query: str, text: str) -> None:
    assert 0 <= relevancy(query, text) <= 100


def test_long_words_and_texts_cost_little() -> None:
    assert relevancy("a" * 100_000, "a" * 100_000) > 0
    assert relevancy("needle", "hay" * 1_000_000 + " needle") > 0
