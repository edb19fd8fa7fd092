"""Asking a service over HTTP that answers, or does not come to an end."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from mailaccess.net.http import MAX_ANSWER, Http

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


class Service(Protocol):
    """Says ``factory.answer`` as soon as it is asked."""

    def dataReceived(self, data):
        if b"\r\n\r\n" in data:
            self.transport.write(self.factory.answer)

    def connectionLost(self, reason=None):
        self.factory.left.callback(None)


@pytest.fixture
def service():
    factory = Factory.forProtocol(Service)
    factory.left = Deferred().addTimeout(60, reactor)
    factory.port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    factory.url = f"http://127.0.0.1:{factory.port.getHost().port}/checkv2"
    yield factory
    pytest_twisted.blockon(factory.port.stopListening())


@pytest_twisted.ensureDeferred
async def test_an_answer_has_a_status_and_a_body(service):
    service.answer = HEAD % 2 + b"{}"
    http = Http(reactor)
    assert await http.post(service.url, [("From", "kim")], b"message", 60) == (200, b"{}")
    await http.close()
    await service.left


@pytest_twisted.ensureDeferred
async def test_an_answer_that_stops_half_way_is_none_when_its_time_is_over(service):
    """The wait for it never ended, and with it that of the client whose message was to be looked at."""
    service.answer = HEAD % 100 + b"half"
    with pytest.raises(OSError, match="no answer within"):
        await Http(reactor).post(service.url, [], b"message", 0.3)
    await service.left


@pytest_twisted.ensureDeferred
async def test_an_answer_that_is_too_long_is_none(service):
    service.answer = HEAD % (2 * MAX_ANSWER) + b"x" * (MAX_ANSWER + 1)
    with pytest.raises(OSError, match="ResponseFailed"):
        await Http(reactor).post(service.url, [], b"message", 60)
    await service.left
