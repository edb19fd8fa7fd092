"""A login that goes on in another process: what travels, and that one of the two answers."""

import pickle
from dataclasses import replace

from mailaccess.config.clients import shipped
from mailaccess.imap.connection import Connection
from tests.session.driving import MemoryWire


class Arrived:
    """The connection where it goes on."""

    def __init__(self, imap, luggage, **wire):
        self.wire = MemoryWire(imap.clock, **wire)
        self.connection = Connection(imap.house, self.wire)
        self.connection.resume(pickle.loads(pickle.dumps(luggage)))


def sent(imap, octets, moves=True):
    client = imap.connect()
    client.wire.elsewhere, client.wire.moves = {"lee@naver.com"}, moves
    client.wire.take()
    client.connection.received(octets)
    return client


def test_the_other_process_answers_login_and_all_that_was_sent_with_it(imap):
    imap.given("INBOX", 2)
    here = sent(imap, b"a LANGUAGE ko\r\nb LOGIN lee secret\r\nc SELECT INBOX\r\nd NO")
    assert b"\r\na OK" in here.wire.take() and here.wire.held
    assert here.connection.ended and not here.wire.admitted
    (luggage,) = here.wire.offered
    assert (luggage.user, luggage.tag, luggage.ahead) == ("lee@naver.com", b"b", b"c SELECT INBOX\r\nd NO")
    there = Arrived(imap, luggage)
    there.connection.received(b"OP\r\n")
    said = there.wire.take()
    places = [said.index(text) for text in (b"b OK [CAPABILITY ", b"* 2 EXISTS", b"c OK", b"d OK")]
    assert places == sorted(places)
    assert "로그인" in said.decode()
    assert there.wire.admitted == ["lee@naver.com"]


def test_what_nobody_takes_goes_on_here(imap):
    imap.given("INBOX", 1)
    here = sent(imap, b"a LOGIN lee secret\r\nb SELECT INBOX\r\n", moves=False)
    said = here.wire.take()
    assert said.index(b"a OK") < said.index(b"* 1 EXISTS") < said.index(b"b OK")
    assert len(here.wire.offered) == 1 and not here.wire.held
    assert here.wire.admitted == ["lee@naver.com"]


def test_a_failed_login_moves_nowhere(imap):
    here = sent(imap, b"a LOGIN lee wrong\r\n")
    assert b"a NO [AUTHENTICATIONFAILED]" in here.wire.take()
    assert not here.wire.offered and not here.connection.ended


def test_an_account_that_has_its_fill_there_is_told_so_there(imap):
    (luggage,) = sent(imap, b"a LOGIN lee secret\r\nb NOOP\r\n").wire.offered
    there = Arrived(imap, luggage, admits=False)
    said = there.wire.take()
    assert b"a NO [LIMIT]" in said and b"b OK" in said
    there.connection.received(b"c LOGIN lee secret\r\n")
    assert b"c NO [LIMIT]" in there.wire.take()


def test_too_much_input_stays_where_it_came(imap):
    here = sent(imap, b"a LOGIN lee secret\r\n" + b"b NOOP\r\n" * 10_000)
    assert not here.wire.offered
    assert b"a OK" in here.wire.take()


def test_a_profile_goes_along(imap):
    imap.house = replace(imap.house, profiles=shipped())
    profile = imap.house.profiles[0]
    here = imap.connect()
    here.connection.known_as(profile)
    here.wire.elsewhere, here.wire.moves = {"lee@naver.com"}, True
    here.connection.received(b"a LOGIN lee secret\r\n")
    there = Arrived(imap, here.wire.offered[0])
    assert there.connection.profile is profile
