"""I18NLEVEL=1 (RFC 5255 §4.2): SEARCH, SORT and THREAD compare text without regard to case, in any script."""

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
