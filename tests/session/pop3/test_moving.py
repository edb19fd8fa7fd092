"""A login that goes on in another process: what travels, and that one of the two answers."""

import pickle

from mailaccess.net.served import Client
from mailaccess.pop3.session import Session
from tests.session.smallhouse import FakeWire, Running

MESSAGE = b"Subject: one\r\n\r\none\r\n"


def offered(pop3, octets, moves=True):
    dialogue = pop3.connect()
    dialogue.wire.elsewhere, dialogue.wire.moves = {"lee@naver.com"}, moves
    return dialogue, dialogue.send(octets)


def test_the_other_process_answers_the_password_and_all_that_was_sent_with_it(pop3):
    pop3.given(MESSAGE)
    dialogue, said = offered(pop3, b"UTF8\r\nUSER lee\r\nPASS one two\r\nSTAT\r\nUI")
    assert said.count(b"+OK") == 2 and dialogue.wire.held and not dialogue.wire.users
    (luggage,) = dialogue.wire.offered
    wire = FakeWire()
    session = Session(pop3.house, wire, Client("127.0.0.1", "192.0.2.1"))
    session.resume(pickle.loads(pickle.dumps(luggage)))
    running = Running(session.work())
    session.feed(b"DL 1\r\n")
    running = Running(session.work())
    assert running.done and session.id == dialogue.session.id and session.utf8
    logged_in, status, unique = wire.take().splitlines()
    assert logged_in.startswith(b"+OK") and status == b"+OK 1 %d" % len(MESSAGE)
    assert unique.startswith(b"+OK 1 ") and wire.users == ["lee@naver.com"]


def test_what_nobody_takes_goes_on_here(pop3):
    pop3.given(MESSAGE)
    dialogue, said = offered(pop3, b"USER lee\r\nPASS one two\r\nSTAT\r\n", moves=False)
    assert said.count(b"+OK") == 3 and len(dialogue.wire.offered) == 1
    assert not dialogue.wire.held and dialogue.wire.users == ["lee@naver.com"]


def test_too_much_input_stays_where_it_came(pop3):
    dialogue, said = offered(pop3, b"USER lee\r\nPASS one two\r\n" + b"NOOP\r\n" * 10_000)
    assert not dialogue.wire.offered and said.count(b"+OK") > 60
