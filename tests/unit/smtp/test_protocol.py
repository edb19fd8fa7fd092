"""The border to Twisted: time-outs, a client that floods or does not read, errors of ours."""

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from mailaccess.config.sections import Smtp
from mailaccess.delivery.local import LocalDelivery
from mailaccess.delivery.recipients import Recipients
from mailaccess.model.work import InlineRunner
from mailaccess.net.limits import ConnectionLimits
from mailaccess.observe.events import Recorder
from mailaccess.smtp.house import House
from mailaccess.smtp.lmtp import Lmtp
from mailaccess.smtp.protocol import READ_AHEAD, SmtpProtocol
from tests.session.smallhouse import FakeAuthenticator, FakeStore


class Transport(StringTransport):
    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True


class Connection:
    def __init__(self, tmp_path) -> None:
        self.clock = Clock()
        self.log = Recorder()
        self.auth = FakeAuthenticator()
        self.auth.passwords["lee@naver.com"] = b"one"
        self.store = FakeStore()
        runner, section = InlineRunner(), Smtp()
        self.house = House(
            self.auth,
            Recipients(self.auth, section, ("naver.com",), runner, self.log),
            LocalDelivery(self.store, runner, self.log, limit=2**24, spool=tmp_path),
            section,
            self.log,
            hostname="mail.naver.com",
        )
        place = ConnectionLimits().enter("192.0.2.7", lambda: None)
        self.protocol = SmtpProtocol(self.house, Lmtp(self.house), place, reactor=self.clock)
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
def connection(tmp_path):
    return Connection(tmp_path)


def test_a_silent_client_is_told_and_closed(connection):
    connection.send(b"LHLO x\r\n")
    connection.clock.advance(299)
    connection.send(b"NOOP\r\n")
    connection.clock.advance(299)
    assert not connection.transport.disconnecting
    connection.clock.advance(2)
    assert connection.transport.value().startswith(b"421 4.4.2 ")
    assert connection.transport.disconnecting
    connection.lose()
    assert [call for call in connection.clock.getDelayedCalls() if call.active()] == []


def test_a_client_waits_for_us_without_a_time_out(connection):
    from twisted.internet.defer import Deferred

    gate: Deferred = Deferred()

    async def lookup(name):
        await gate
        return None

    connection.auth.lookup = lookup
    connection.send(b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<lee@naver.com>\r\n")
    connection.clock.advance(301)
    connection.clock.advance(301)
    assert not connection.transport.disconnecting
    gate.callback(None)
    assert b"550 5.1.1" in connection.transport.value()
    connection.clock.advance(301)
    assert connection.transport.disconnecting


def test_what_a_client_sends_while_it_waits_is_bounded(connection):
    from twisted.internet.defer import Deferred

    gate: Deferred = Deferred()

    async def lookup(name):
        await gate
        return None

    connection.auth.lookup = lookup
    connection.send(b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<lee@naver.com>\r\n")
    for _ in range(READ_AHEAD // 60000 + 1):
        connection.send(b"NOOP\r\n" * 10000)
    assert connection.transport.producerState == "paused"
    gate.callback(None)
    assert connection.transport.producerState == "producing"
    assert connection.transport.value().count(b"250 2.0.0 OK\r\n") == 50000


def test_a_client_that_does_not_read_is_not_answered_without_end(connection):
    connection.protocol.flow.pauseProducing()  # as the transport does when its buffer is full
    connection.send(b"NOOP\r\n" * 10000)
    assert connection.transport.value() == b""
    connection.clock.advance(301)
    assert connection.transport.aborted
    connection.lose()


def test_an_error_of_ours_is_told_with_a_reference_and_logged_whole(connection):
    async def lookup(name):
        raise RuntimeError("oops /secret/path")

    connection.auth.lookup = lookup
    said = connection.send(b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<lee@naver.com>\r\n")
    assert b"421 4.3.0 Internal error, reference " in said and b"oops" not in said
    assert connection.transport.disconnecting
    event, _, fields = connection.log.events[-1]
    assert event == "internal-error" and "oops" in fields["error"]
    assert fields["session"].encode() in said


def test_a_message_that_is_being_stored_when_the_connection_breaks_is_stored(connection):
    from twisted.internet.defer import Deferred

    account = connection.store.account("lee@naver.com")
    account.gate = Deferred()
    connection.send(b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<lee@naver.com>\r\nDATA\r\n\r\nx\r\n.\r\n")
    connection.lose()
    account.gate.callback(None)
    assert len(account.messages()) == 1


def test_stopping_says_so(connection):
    connection.protocol.stop()
    assert b"421 4.3.2 " in connection.transport.value()
