"""The border to Twisted, over real sockets: STARTTLS, a slow reader, IDLE, the last words."""

import imaplib
import socket
import ssl

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from mailaccess.config.sections import Imap
from mailaccess.imap.house import House
from mailaccess.imap.protocol import FULL, ImapProtocol
from mailaccess.net.endpoints import Door, TcpAddress, bound, listen
from mailaccess.net.limits import ConnectionLimits
from mailaccess.net.threads import Threads
from mailaccess.net.tls import ServerTls, write_self_signed
from mailaccess.observe.events import Silent
from tests.session.fakeauth import FakeAuthenticator
from tests.session.fakes import FakeStore

BIG = b"Subject: big\r\n\r\n" + b"0123456789abcde\r\n" * (8 * 65536)


class Running:
    """A listener on loopback with an in-memory store."""

    def __init__(self, folder):
        certificate, key = folder / "cert.pem", folder / "key.pem"
        write_self_signed(certificate, key, ["127.0.0.1"])
        self.threads = Threads(reactor, 2)
        self.store, authenticator = FakeStore(), FakeAuthenticator(folder)
        house = House(authenticator, self.store, Imap(), self.threads, Silent())
        tls = ServerTls(certificate, key)
        self.door = Door(lambda place: ImapProtocol(house, reactor, place, tls=tls), ConnectionLimits(), FULL)
        self.port = listen(reactor, TcpAddress("127.0.0.1", 0), self.door)
        self.address = ("127.0.0.1", bound(self.port).port)
        self.location = authenticator.identity("lee@naver.com").location

    async def account(self):
        return await self.store.open(self.location)

    async def close(self):
        await self.port.stopListening()
        for protocol in list(self.door.inside):
            protocol.transport.abortConnection()
        await self.threads.idle()


@pytest.fixture
def server(tmp_path):
    running = Running(tmp_path)
    yield running
    pytest_twisted.blockon(Deferred.fromCoroutine(running.close()))


def trusting():
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def read_until(connection, end):
    got = b""
    while end not in got:
        piece = connection.recv(65536)
        assert piece, got[-200:]
        got += piece
    return got


@pytest_twisted.ensureDeferred
async def test_a_large_message_comes_whole_over_starttls(server):
    (await server.account()).room("INBOX").add(BIG)

    def client():
        with imaplib.IMAP4(*server.address) as imap:
            imap.starttls(trusting())
            imap.login("lee", "secret")
            imap.select("INBOX")
            assert imap.fetch("1", "BODY.PEEK[]")[1][0][1] == BIG
            assert imap.append("INBOX", "", "", BIG)[0] == "OK"
            assert imap.fetch("2", "RFC822.SIZE")[1] == [b"2 (RFC822.SIZE %d)" % len(BIG)]

    await deferToThread(client)


@pytest_twisted.ensureDeferred
async def test_what_is_unsent_to_a_slow_reader_stays_small(server):
    (await server.account()).room("INBOX").add(BIG)

    def begin():
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        connection.connect(server.address)
        read_until(connection, b"ready\r\n")
        connection.sendall(b"a LOGIN lee secret\r\nb SELECT INBOX\r\nc FETCH 1 BODY.PEEK[]\r\nd NOOP\r\n")
        got = read_until(connection, b"BODY[] {")
        return connection, got

    connection, got = await deferToThread(begin)
    (protocol,) = server.door.inside
    transport = protocol.transport
    most = len(transport.dataBuffer) + transport._tempDataLen
    assert most < 512 * 1024

    def finish():
        with connection:
            return got + read_until(connection, b"d OK NOOP completed\r\n")

    assert BIG in await deferToThread(finish)


@pytest_twisted.ensureDeferred
async def test_idle_hears_of_mail_and_of_the_end(server):
    account = await server.account()

    def begin():
        connection = socket.create_connection(server.address)
        connection.sendall(b"a LOGIN lee secret\r\nb SELECT INBOX\r\nc IDLE\r\n")
        read_until(connection, b"+ idling\r\n")
        return connection

    connection = await deferToThread(begin)
    uid = account.room("INBOX").add(b"Subject: new\r\n\r\n")
    account.room("INBOX").tell(appended=[uid])
    await deferToThread(read_until, connection, b"* 1 EXISTS\r\n* 1 RECENT\r\n")
    for protocol in server.door.inside:
        protocol.stop()
    assert b"* BYE" in await deferToThread(read_until, connection, b"shutting down\r\n")
    assert await deferToThread(connection.recv, 100) == b""
    connection.close()
    assert account.room("INBOX").handles == []
