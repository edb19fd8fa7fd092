"""When a message came into its mailbox (RFC 8514)."""

import pytest

from tests.session.imap.house import MaildirHouse

DAY = 86_400


@pytest.fixture
def house(tmp_path):
    return MaildirHouse(tmp_path)


def at_noon(house, day):
    """It is noon of that day of January 2015."""
    house.clock.time = 1420113600.0 + (day - 1) * DAY


def test_it_is_the_time_of_saving_whatever_the_internal_date(house):
    at_noon(house, 1)
    one = house.session("INBOX")
    one.send(b'a APPEND INBOX "02-Feb-2002 02:02:02 +0000" {3+}\r\nabc\r\n')
    one.talk("""
        C: a FETCH 1 (SAVEDATE)
        S: * 1 FETCH (SAVEDATE "01-Jan-2015 12:00:00 +0000")
        S: a OK FETCH completed
        C: b FETCH 1 (SAVEDATE INTERNALDATE BODY.PEEK[TEXT] PREVIEW)
        S: * 1 FETCH (INTERNALDATE "02-Feb-2002 02:02:02 +0000" SAVEDATE "01-Jan-2015 12:00:00 +0000" ...
        S: ...
        S: b OK FETCH completed
    """)


def test_copies_and_moves_get_their_own_and_nothing_changes_it(house):
    at_noon(house, 1)
    house.given("INBOX", messages=3)
    one, other = house.session("INBOX"), None
    at_noon(house, 5)
    one.ask("COPY 1 Trash")
    at_noon(house, 6)
    one.ask("MOVE 2 Trash")
    at_noon(house, 7)
    other = house.session("Trash")
    other.ask("STORE 1:* +FLAGS (\\Seen new)")
    for _ in range(2):
        assert one.ask("FETCH 1:* SAVEDATE").of("FETCH") == [
            '1 FETCH (SAVEDATE "01-Jan-2015 12:00:00 +0000")',
            '2 FETCH (SAVEDATE "01-Jan-2015 12:00:00 +0000")',
        ]
        assert other.ask("FETCH 1:* SAVEDATE").of("FETCH") == [
            '1 FETCH (SAVEDATE "05-Jan-2015 12:00:00 +0000")',
            '2 FETCH (SAVEDATE "06-Jan-2015 12:00:00 +0000")',
        ]
        house.lose_index()  # the names of the files tell it
        one, other = house.session("INBOX"), house.session("Trash")


def test_searches_compare_days(house):
    for day in (1, 2, 3):
        at_noon(house, day)
        house.deliver("INBOX")
    house.session("INBOX").talk("""
        C: a SEARCH SAVEDON 02-Jan-2015
        S: * SEARCH 2
        S: a OK SEARCH completed
        C: b SEARCH SAVEDSINCE 2-Jan-2015
        S: * SEARCH 2 3
        S: b OK SEARCH completed
        C: c SEARCH SAVEDBEFORE 2-Jan-2015
        S: * SEARCH 1
        S: c OK SEARCH completed
        C: d SEARCH SAVEDATESUPPORTED
        S: * SEARCH 1 2 3
        S: d OK SEARCH completed
        C: e SEARCH NOT SAVEDATESUPPORTED
        S: * SEARCH
        S: e OK SEARCH completed
    """)


def test_it_is_offered(house):
    assert " SAVEDATE" in house.session().ask("CAPABILITY").untagged[0]
