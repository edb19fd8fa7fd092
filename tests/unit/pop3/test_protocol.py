"""The border to Twisted: time-outs, a lost connection, a client that does not read."""

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from mailaccess.config.sections import Pop3
from mailaccess.model.work import InlineRunner
from mailaccess.net.limits import ConnectionLimits
from mailaccess.observe.events import Recorder
from mailaccess.pop3.house import House
from mailaccess.pop3.protocol import Pop3Protocol
from tests.session.smallhouse import FakeAuthenticator, FakeStore


class Transport(StringTransport):
    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True


class Connection:
    def __init__(self) -> None:
        self.clock = Clock()
        self.log = Recorder()
        self.auth = FakeAuthenticator()
        self.auth.passwords["lee@naver.com"] = b"one"
        self.store = FakeStore()
        self.account = self.store.account("lee@naver.com")
        self.account.put(b"Subject: x\r\n\r\nbody\r\n")
        self.house = House(self.auth, self.store, Pop3(), InlineRunner(), self.log)
        self.limits = ConnectionLimits(per_user=1)
        place = self.limits.enter("127.0.0.1", lambda: None)
        self.protocol = Pop3Protocol(self.house, place, reactor=self.clock)
        self.transport = Transport()
        self.protocol.makeConnection(self.transport)

    def send(self, octets: bytes) -> bytes:
        self.protocol.dataReceived(octets)
        said = self.transport.value()
        self.transport.clear()
        return said

    def lose(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))


@pytest.fixture
def connection():
    return Connection()


def test_a_connection_that_does_not_log_in_is_closed(connection):
    connection.clock.advance(181)
    assert connection.transport.disconnecting


def test_an_idle_session_is_closed_without_a_word_and_deletes_nothing(connection):
    """RFC 1939 section 3."""
    connection.send(b"USER lee\r\nPASS one\r\nDELE 1\r\n")
    connection.clock.advance(599)
    assert not connection.transport.aborted
    connection.clock.advance(2)
    assert connection.transport.aborted and connection.transport.value() == b""
    connection.lose()
    assert len(connection.account.messages()) == 1 and not connection.account.locked
    assert [call for call in connection.clock.getDelayedCalls() if call.active()] == []


def test_a_client_that_stops_reading_in_a_large_message_holds_nothing_for_ever(connection):
    connection.account.put(b"Subject: large\r\n\r\n" + b"x" * 70 * 2**20)
    connection.send(b"USER lee\r\nPASS one\r\n")
    write = connection.transport.write

    def full(octets: bytes) -> None:
        write(octets)
        connection.protocol.flow.pauseProducing()  # as the transport does when its buffer is full

    connection.transport.write = full
    assert len(connection.send(b"RETR 2\r\n")) < 400_000
    connection.clock.advance(601)
    assert connection.transport.aborted
    connection.lose()
    assert not connection.account.locked and connection.account.opened[0].open_bodies[0].closed


def test_an_error_of_ours_is_told_with_a_reference(connection):
    async def lock(purpose):
        raise RuntimeError("oops")

    connection.account.lock = lock
    said = connection.send(b"USER lee\r\nPASS one\r\n")
    assert b"-ERR [SYS/TEMP] Internal error, reference " in said and b"oops" not in said
    assert "oops" in connection.log.events[-1][2]["error"]


def test_stopping_says_so_and_deletes_nothing(connection):
    connection.send(b"USER lee\r\nPASS one\r\nDELE 1\r\n")
    connection.protocol.stop()
    assert connection.transport.value() == b"-ERR [SYS/TEMP] The server is shutting down\r\n"
    connection.lose()
    assert len(connection.account.messages()) == 1
