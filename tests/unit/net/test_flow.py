"""Writing waits for a slow reader, and nobody waits for a lost one."""

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from mailaccess.net.flow import PATIENCE, PIECE, Flow


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
