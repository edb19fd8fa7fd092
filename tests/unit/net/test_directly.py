"""What is written over TLS arrives whole and in order, however much the socket takes at a time."""

import random
import ssl

import pytest
from twisted.internet.abstract import FileDescriptor
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.internet.tcp import Server
from twisted.protocols.tls import TLSMemoryBIOFactory

from mailaccess.net import directly
from mailaccess.net.flow import Flow
from mailaccess.net.tls import ServerTls, write_self_signed
from tests.unit.net.sockets import Socket


class Reactor(Clock):
    def __init__(self):
        super().__init__()
        self.writers = set()

    addReader = removeReader = lambda self, reader: None

    def addWriter(self, writer):
        self.writers.add(writer)

    def removeWriter(self, writer):
        self.writers.discard(writer)


class Talk:
    """A server's connection and its client, with nothing between them but two buffers."""

    def __init__(self, tls, client, reactor, *, starttls):
        self.reactor = reactor
        self.tcp = Server.__new__(Server)
        FileDescriptor.__init__(self.tcp, self.reactor)
        self.socket = self.tcp.socket = Socket()
        self.tcp.connected = True
        protocol = Protocol()
        if starttls:
            self.tcp.protocol = protocol
            protocol.makeConnection(self.tcp)
            self.tcp.startTLS(tls)
            self.transport = self.tcp
        else:
            factory = TLSMemoryBIOFactory(tls, False, None, self.reactor)
            layer = factory.protocol(factory, protocol)
            self.tcp.protocol = layer
            layer.makeConnection(self.tcp)
            self.transport = layer
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        self.read = b""
        for _ in range(4):
            try:
                self.client.do_handshake()
            except ssl.SSLWantReadError:
                pass
            self.to_server()
            self.to_client()
        self.flow = Flow(self.transport, self.reactor)

    def to_server(self):
        data = self.outgoing.read()
        if data:
            self.tcp.protocol.dataReceived(data)
        self.drain()

    def drain(self):
        self.reactor.advance(0)
        for _ in range(10_000):
            if not self.reactor.writers or not self.socket.room:
                break
            self.tcp.doWrite()

    def to_client(self):
        if self.socket.sent:
            self.incoming.write(bytes(self.socket.sent))
            self.socket.sent.clear()
        try:
            while data := self.client.read(65536):
                self.read += data
        except ssl.SSLWantReadError:
            pass


@pytest.fixture(scope="module")
def contexts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    write_self_signed(folder / "cert.pem", folder / "key.pem", ["localhost"])
    return ServerTls(folder / "cert.pem", folder / "key.pem"), folder / "cert.pem"


@pytest.fixture(params=["over TLS", "after STARTTLS"])
def talk(request, contexts, monkeypatch):
    tls, certificate = contexts
    client = ssl.create_default_context(cafile=str(certificate))
    reactor = Reactor()
    monkeypatch.setattr("twisted.protocols.tls._get_default_clock", lambda: reactor)
    return Talk(tls, client, reactor, starttls=request.param == "after STARTTLS")


def some_parts(rng):
    sizes = (0, 1, 2, 40, 1000, 16383, 16384, 16385, 65536, 100_000, 300_000)
    return [rng.randbytes(rng.choice(sizes)) for _ in range(rng.randint(1, 12))]


@pytest.mark.parametrize("seed", range(4))
def test_all_of_it_arrives_in_order_however_little_the_socket_takes(talk, seed):
    rng = random.Random(seed)
    expected = b""
    for _ in range(12):
        talk.socket.room = rng.choice((0, 1, 20_000, 70_000, 10**9))
        if rng.random() < 0.3:
            talk.transport.write(b"by another way")  # waits for the reactor, and nothing may pass it
            expected += b"by another way"
        parts = some_parts(rng)
        talk.flow.write_all(parts)
        expected += b"".join(parts)
    talk.socket.room = 10**9
    talk.drain()
    talk.to_client()
    same = talk.read == expected  # their difference would take minutes to tell
    assert same


def test_an_answer_goes_out_at_once(talk):
    before = talk.socket.calls
    talk.flow.write_all([b"* 1 FETCH (BODY[] {20000}\r\n", b"x" * 20_000, b")\r\n"])
    assert talk.socket.calls == before + 1 and not talk.reactor.writers
    talk.to_client()
    assert len(talk.read) == 20_000 + 30


def test_before_the_handshake_is_over_nothing_is_sent_past_it(contexts):
    tls, _ = contexts
    factory = TLSMemoryBIOFactory(tls, False, None, Reactor())
    assert directly.send(factory.protocol(factory, Protocol()), [b"x"]) == [b"x"]


def test_a_broken_socket_is_left_to_the_transport(talk):
    talk.socket.room = None
    talk.flow.write(b"x" * 1000)
    assert talk.reactor.writers  # its own write meets the error and ends the connection


def test_a_closed_connection_takes_nothing(talk):
    talk.flow.close()
    talk.flow.write(b"late")
    talk.drain()
    talk.to_client()
    assert talk.read == b""
