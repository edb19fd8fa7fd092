"""Boxes between processes, tokens, and connections that change hands."""

import os
import pickle
import socket

import pytest
from twisted.internet.protocol import Protocol

from mailaccess.net import passing
from mailaccess.net.limits import ConnectionLimits


class Readers:
    """As much of a reactor as a box needs."""

    def __init__(self):
        self.readers = []

    def addReader(self, reader):
        self.readers.append(reader)

    def removeReader(self, reader):
        self.readers.remove(reader)


def mails(count, heard):
    """The ends of all processes, as each of them would have them."""
    boxes = passing.make_boxes(count)
    reactor = Readers()
    made = []
    for place in range(count):
        descriptors = [(os.dup(reading.fileno()), os.dup(writing.fileno())) for reading, writing in boxes]

        def hear(data, ends, place=place):
            heard.append((place, data, len(ends)))
            passing.close_all(ends)

        made.append(passing.Mail(reactor, descriptors, place, hear))
    return made, boxes, reactor


def test_what_is_put_into_a_box_reaches_its_owner_with_its_descriptors():
    before = len(os.listdir("/proc/self/fd"))
    heard = []
    made, boxes, reactor = mails(3, heard)
    token = passing.Token.new()
    assert made[0].send(2, b"one", (token.descriptor,)) and made[1].send(2, b"two")
    assert made[2].send(0, b"three")
    for mail in made:
        mail.doRead()
    assert heard == [(0, b"three", 0), (2, b"one", 1), (2, b"two", 0)]
    assert token.take()
    for mail in made:
        mail.close()
    assert not reactor.readers
    for box in boxes:
        for end in box:
            end.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_full_box_is_told_and_nothing_waits():
    heard = []
    made, boxes, _ = mails(2, heard)
    sent = 0
    while made[0].send(1, bytes(10_000)):
        sent += 1
        assert sent < 1000
    made[1].doRead()
    assert made[0].send(1, b"again")
    for mail in made:
        mail.close()
    for box in boxes:
        for end in box:
            end.close()


def test_a_token_is_taken_once_whoever_holds_it():
    token = passing.Token.new()
    copy = passing.Token(os.dup(token.descriptor))
    assert copy.take()
    assert not token.take()


class Transport:
    """A connection as Twisted has it; not one of its classes."""

    TLS = False
    connected = 1


def test_only_what_twisted_made_for_a_plain_connection_may_go():
    assert not passing.may_go(Transport())


def test_a_connection_is_served_on_by_who_adopts_it_and_forgotten_by_who_lets_it_go():
    from twisted.internet import reactor, tcp

    listener = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(listener.getsockname())
    accepted, address = listener.accept()
    accepted.setblocking(False)
    lost = []

    class First(Protocol):
        def connectionLost(self, reason):
            lost.append(reason)

    class Second(Protocol):
        def connectionMade(self):
            self.transport.write(b"second")

    first = First()
    transport = tcp.Server(accepted, first, address, None, 1, reactor)
    first.makeConnection(transport)
    assert passing.may_go(transport)
    copy = os.dup(accepted.fileno())
    made = []

    def make():
        made.append(Second())
        return made[0]

    passing.adopt(reactor, copy, make)
    os.close(copy)
    passing.let_go(transport)
    assert len(lost) == 1 and accepted.fileno() == -1 and not passing.may_go(transport)
    second = made[0].transport
    second.doWrite()
    client.settimeout(60)
    assert client.recv(100) == b"second"
    passing.let_go(transport)  # it has gone already
    assert len(lost) == 1
    second.stopWriting()
    second.stopReading()
    second.socket.close()
    assert client.recv(100) == b""
    client.close()
    listener.close()


def test_a_client_that_has_gone_is_nobody_to_adopt():
    listener = socket.create_server(("127.0.0.1", 0))
    unconnected = socket.socket()
    try:
        passing.adopt(None, unconnected.fileno(), Protocol)
    except OSError:
        pass
    else:
        raise AssertionError("it was adopted")
    assert unconnected.fileno() >= 0
    unconnected.close()
    listener.close()


def test_a_place_that_moves_counts_once_and_one_that_has_ended_not_at_all():
    here, there = ConnectionLimits(total=1, per_user=1), ConnectionLimits(total=1, per_user=1)
    place = here.enter("192.0.2.1", lambda: None)
    there.tally.heard(1, here.tally.snapshot())
    assert there.enter("192.0.2.1", lambda: None) is None
    moved = there.reenter("192.0.2.1", lambda: None)
    place.leave()
    there.tally.heard(1, {"open": 0, "a 192.0.2.1": 0})
    assert moved.log_in("lee@naver.com") and there.open == 1 and there.strangers == 0
    moved.leave()
    assert moved.log_in("lee@naver.com")
    assert there.tally.snapshot() == {} and here.tally.snapshot() == {}


def test_what_travels_holds_no_secret():
    from mailaccess.model.secret import Secret

    with pytest.raises(TypeError):
        pickle.dumps(Secret(b"x"))
