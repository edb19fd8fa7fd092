"""Writing waits for a slow reader, and nobody waits for a lost one."""

import pytest
from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.tcp import Server

from mailaccess.net.directly import GATHERED
from mailaccess.net.flow import PATIENCE, PIECE, Flow
from tests.unit.net.sockets import Socket


class Transport:
    """A transport whose reader takes what it is told to."""

    def __init__(self):
        self.written: list[bytes] = []
        self.unsent = 0
        self.producer = None
        self.closing = self.aborted = False

    def registerProducer(self, producer, streaming):
        assert streaming
        self.producer = producer

    def unregisterProducer(self):
        self.producer = None

    def write(self, data):
        self.written.append(data)
        self.unsent += len(data)
        if self.producer and self.unsent > PIECE:
            self.producer.pauseProducing()

    def read_all(self):
        self.unsent = 0
        self.producer.resumeProducing()

    def loseConnection(self):
        self.closing = True

    def abortConnection(self):
        self.aborted = True


@pytest.fixture
def transport():
    return Transport()


def test_a_large_answer_waits_for_its_reader(transport):
    flow = Flow(transport)
    body = bytes(range(256)) * 1024 * 4  # 1 MiB
    sending = Deferred.fromCoroutine(flow.send(body))
    most = 0
    while not sending.called:
        most = max(most, transport.unsent)
        transport.read_all()
    assert b"".join(transport.written) == body
    assert most <= 2 * PIECE


def test_small_writes_do_not_wait(transport):
    flow = Flow(transport)
    assert Deferred.fromCoroutine(flow.send(b"* OK\r\n")).called
    assert transport.written == [b"* OK\r\n"]


@pytest.mark.parametrize("end", ["connection_lost", "stopProducing", "close", "abort"])
def test_who_waits_learns_of_the_end(transport, end):
    flow = Flow(transport)
    flow.write(b"x" * (PIECE + 1))
    waiting = Deferred.fromCoroutine(flow.drain())
    assert not waiting.called
    getattr(flow, end)()
    failures = []
    waiting.addErrback(failures.append)
    assert failures[0].check(ConnectionResetError)
    with pytest.raises(ConnectionResetError):
        flow.drain().send(None)


def test_closing_lets_the_rest_be_read_but_not_for_ever(transport):
    clock = Clock()
    flow = Flow(transport, clock)
    flow.write(b"* BYE\r\n")
    flow.close()
    assert transport.closing and transport.producer is None and not transport.aborted
    clock.advance(PATIENCE + 1)
    assert transport.aborted


def test_a_closed_connection_leaves_no_timer(transport):
    clock = Clock()
    flow = Flow(transport, clock)
    flow.close()
    flow.connection_lost()
    assert clock.getDelayedCalls() == []


class Reactor:
    def __init__(self):
        self.writers = []

    def addWriter(self, writer):
        self.writers.append(writer)

    def removeWriter(self, writer):
        self.writers.remove(writer)


def tcp(room):
    server = Server.__new__(Server)
    FileDescriptor.__init__(server, Reactor())
    server.socket = Socket(room)
    server.connected = True
    return server


def test_an_answer_goes_out_at_once_where_the_socket_has_room():
    server = tcp(room=1000)
    Flow(server).write(b"* OK\r\n")
    assert server.socket.sent == b"* OK\r\n"
    assert server.reactor.writers == []


def test_what_the_socket_does_not_take_waits_and_keeps_its_order():
    server = tcp(room=3)
    flow = Flow(server)
    flow.write(b"abcdef")
    server.socket.room = 1000
    flow.write(b"ghi")
    assert server.socket.sent == b"abc"  # the second waits behind the rest of the first
    assert server.reactor.writers
    server.doWrite()
    assert server.socket.sent == b"abcdefghi"


def test_parts_go_out_as_one_and_a_part_that_is_cut_goes_on_where_it_ended():
    for room in range(12):
        server = tcp(room=room)
        flow = Flow(server)
        flow.write_all([b"abc", b"", b"def", b"ghi"])
        assert server.socket.sent == b"abcdefghi"[:room]
        server.socket.room = 1000
        if room < 9:
            server.doWrite()
        assert server.socket.sent == b"abcdefghi"


def test_more_parts_than_the_kernel_takes_at_once_keep_their_order():
    server = tcp(room=100_000)
    parts = [b"%d." % number for number in range(2 * GATHERED + 1)]
    Flow(server).write_all(parts)
    assert server.socket.sent == b"".join(parts)


def test_a_broken_socket_is_left_to_the_transport():
    server = tcp(room=None)
    Flow(server).write(b"* OK\r\n")
    assert server.reactor.writers  # its own write meets the error and ends the connection
