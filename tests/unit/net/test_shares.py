"""Whose turn the next connection is, and what a process does whose turn it isn't."""

import socket

import pytest
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from mailaccess.net.inherited import LOOKS, PAUSE, adopt
from mailaccess.net.shares import ABSENT, Shares


@pytest.mark.parametrize(
    "open, turn",
    [
        ([0, 0, 0], 1),  # one client at a time: always the first
        ([1, 0, 0], 1),  # who logs out and comes back may not be gone yet
        ([2, 0, 0], 2),
        ([2, 1, 0], 2),
        ([3, 2, 0], 3),
        ([9, 9, 7], 3),
        ([ABSENT, 40, 40], 2),
        ([ABSENT, ABSENT, 40], 3),
        ([300, 200, 100], 3),
    ],
)
def test_the_next_connection_belongs_to_exactly_one_process(open, turn):
    shares = Shares(3)
    for number, count in enumerate(open, 1):
        shares.set(number, count)
    serving = [number for number in (1, 2, 3) if open[number - 1] != ABSENT]
    assert [number for number in serving if shares.is_turn_of(number)] == [turn]


def test_connections_that_stay_are_spread_evenly():
    counts = [0, 0, 0, 0]
    shares = Shares(4)
    for number in (1, 2, 3, 4):
        shares.set(number, 0)
    for _ in range(200):
        turn = next(number for number in (1, 2, 3, 4) if shares.is_turn_of(number))
        counts[turn - 1] += 1
        shares.set(turn, counts[turn - 1])
    assert max(counts) - min(counts) <= 2


def test_a_process_that_serves_no_more_gets_nobody():
    shares = Shares(2)
    shares.set(1, 0)
    shares.set(2, 5)
    assert not shares.is_turn_of(2)
    shares.leave(1)
    assert shares.is_turn_of(2)


class Reactor(Clock):
    """Knows what is listened to."""

    def __init__(self):
        super().__init__()
        self.readers = set()

    def addReader(self, reader):
        self.readers.add(reader)

    def removeReader(self, reader):
        self.readers.discard(reader)

    def removeWriter(self, writer):
        pass


class Guests(Factory):
    """Counts who came."""

    noisy = False
    count = 0

    def buildProtocol(self, addr):
        self.count += 1
        return Protocol()


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as opened:
        opened.setblocking(False)
        yield opened


def port_of(reactor, listening, guests, turn):
    port = adopt(reactor, listening.fileno(), guests, lambda: turn[0])
    assert reactor.readers == {port}
    return port


def test_whose_turn_it_is_takes_one_connection_at_once(listening):
    reactor, guests = Reactor(), Guests()
    port = port_of(reactor, listening, guests, [True])
    with (
        socket.create_connection(listening.getsockname()),
        socket.create_connection(listening.getsockname()),
    ):
        port.doRead()
        assert guests.count == 1, "the other is for whoever's turn is next"


def test_another_waits_and_takes_what_nobody_has_taken(listening):
    reactor, guests = Reactor(), Guests()
    port = port_of(reactor, listening, guests, [False])
    with socket.create_connection(listening.getsockname()):
        port.doRead()
        assert guests.count == 0
        assert reactor.readers == set(), "else it would be woken again at once"
        for _ in range(LOOKS - 1):
            reactor.advance(PAUSE)
            assert guests.count == 0
        reactor.advance(PAUSE)
        assert guests.count == 1
        assert port in reactor.readers


def test_it_listens_again_once_somebody_else_has_taken_the_connection(listening):
    reactor, guests = Reactor(), Guests()
    port = port_of(reactor, listening, guests, [False])
    with socket.create_connection(listening.getsockname()):
        port.doRead()
        listening.accept()[0].close()
        reactor.advance(PAUSE)
        assert guests.count == 0 and reactor.readers == {port}


def test_a_turn_that_comes_meanwhile_is_taken(listening):
    reactor, guests, turn = Reactor(), Guests(), [False]
    port = port_of(reactor, listening, guests, turn)
    with socket.create_connection(listening.getsockname()):
        port.doRead()
        turn[0] = True
        reactor.advance(PAUSE)
        assert guests.count == 1


def test_a_port_that_is_closed_meanwhile_takes_nobody(listening):
    reactor, guests = Reactor(), Guests()
    port = port_of(reactor, listening, guests, [False])
    with socket.create_connection(listening.getsockname()):
        port.doRead()
        port.stopListening()
        reactor.advance(1)
        assert guests.count == 0 and reactor.readers == set()
