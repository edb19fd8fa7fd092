"""I18NLEVEL=2 (RFC 5255 §4): texts compare without regard to case, in any script, and otherwise if asked."""

import pytest

from tests.session.imap.house import MaildirHouse

SUBJECTS = ["Straße", "ÖSTERREICH", "österreich", "ΣΊΣΥΦΟΣ", "zoo", "Zebra", "가나다"]


@pytest.fixture
def one(tmp_path):
    house = MaildirHouse(tmp_path)
    house.given("INBOX", [f"Subject: {subject}\r\n\r\n{subject}\r\n".encode() for subject in SUBJECTS])
    return house.session("INBOX")


@pytest.mark.parametrize(
    ("text", "found"),
    [("Österreich", "2 3"), ("σίσυφοσ", "4"), ("STRAẞE", "1"), ("strasse", ""), ("ZEB", "6"), ("나", "7")],
)
def test_a_text_is_found_in_any_case(one, text, found):
    for key in ("SUBJECT", "BODY", "TEXT"):
        assert one.ask(f'SEARCH CHARSET UTF-8 {key} "{text}"').untagged == [f"SEARCH {found}".strip()]


def test_order_and_threads_disregard_case(one):
    assert one.ask("SORT (SUBJECT) UTF-8 ALL").untagged == ["SORT 2 3 1 6 5 4 7"]
    assert "(2 3)" in one.ask("THREAD ORDEREDSUBJECT UTF-8 ALL").untagged[0]


# --- I18NLEVEL=2 ----------------------------------------------------------------------------------------


def test_the_active_comparator_is_told_and_changed(one):
    """RFC 5255 §4.7, §4.8."""
    one.talk("""
        C: a COMPARATOR
        S: * COMPARATOR i;unicode-casemap
        S: a OK COMPARATOR completed
        C: b COMPARATOR "cz;*" "i;octet"
        S: * COMPARATOR i;octet
        S: b OK COMPARATOR completed
        C: c COMPARATOR "I;*CASEMAP" i;octet
        S: * COMPARATOR i;unicode-casemap (i;unicode-casemap i;ascii-casemap i;octet)
        S: c OK COMPARATOR completed
        C: d COMPARATOR "i;ascii-*" "*"
        S: * COMPARATOR i;ascii-casemap (i;ascii-casemap i;unicode-casemap i;octet)
        S: d OK COMPARATOR completed
        C: e COMPARATOR i;ascii-numeric "cz;*" -i;octet
        S: e NO [BADCOMPARATOR] ...
        C: f COMPARATOR
        S: * COMPARATOR i;ascii-casemap
        S: f OK COMPARATOR completed
        C: g COMPARATOR default
        S: * COMPARATOR i;unicode-casemap
        S: g OK COMPARATOR completed
    """)
    assert one.ask("COMPARATOR (x)").status.startswith("BAD")
    assert " I18NLEVEL=2 " in one.ask("CAPABILITY").untagged[0]


@pytest.mark.parametrize(
    ("comparator", "text", "found"),
    [
        ("i;octet", "ZEB", ""),
        ("i;octet", "Zeb", "6"),
        ("i;octet", "österreich", "3"),
        ("i;ascii-casemap", "ZEB", "6"),
        ("i;ascii-casemap", "österREICH", "3"),
        ("i;ascii-casemap", "Österreich", "2"),
        ("i;ascii-casemap", "나", "7"),
        ("i;ascii-casemap", "SS", ""),
    ],
)
def test_searches_use_the_active_comparator(one, comparator, text, found):
    one.ask(f"COMPARATOR {comparator}")
    for key in ("SUBJECT", "BODY", "TEXT", "HEADER SUBJECT"):
        expected = [f"SEARCH {found}".strip()]
        assert one.ask(f'SEARCH CHARSET UTF-8 {key} "{text}"').untagged == expected, key
    assert one.ask('SEARCH CHARSET UTF-8 FUZZY SUBJECT "zebar"').untagged == ["SEARCH 6"]
    assert one.ask('SEARCH BODY ""').untagged == ["SEARCH 1 2 3 4 5 6 7"]


def test_order_and_threads_use_the_active_comparator(one):
    one.ask("COMPARATOR i;octet")
    assert one.ask("SORT (SUBJECT) UTF-8 ALL").untagged == ["SORT 1 6 5 2 3 4 7"]
    assert one.ask("SORT (REVERSE SUBJECT ARRIVAL) UTF-8 2:4").untagged == ["SORT 4 3 2"]
    assert one.ask("SORT (SIZE REVERSE SUBJECT FROM) UTF-8 5:6").untagged == ["SORT 5 6"]
    assert "(2 3)" not in one.ask("THREAD ORDEREDSUBJECT UTF-8 ALL").untagged[0]
    one.ask("COMPARATOR i;ascii-casemap")
    assert one.ask("SORT (SUBJECT) UTF-8 ALL").untagged == ["SORT 1 6 5 2 3 4 7"]
    assert one.ask("SORT (DISPLAYFROM CC DATE SUBJECT) UTF-8 5:7").untagged == ["SORT 6 5 7"]
    assert one.ask("UNAUTHENTICATE").status.startswith("OK")
    one.ask("LOGIN lee secret")
    assert one.ask("COMPARATOR").untagged == ["COMPARATOR i;unicode-casemap"]
