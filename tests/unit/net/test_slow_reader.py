"""A slow reader of much costs little memory, over plain TCP and over TLS; nothing is lost or reordered."""

import hashlib
import socket
import ssl

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.protocol import Protocol
from twisted.internet.threads import deferToThread

from mailaccess.net.endpoints import Door, bound, listen, over_tls, parse_address
from mailaccess.net.flow import PIECE, Flow
from mailaccess.net.limits import ConnectionLimits
from mailaccess.net.tls import ServerTls, write_self_signed

SIZE = 24 * 2**20
BLOCK = bytes(range(256)) * 4096  # 1 MiB


class Pouring(Protocol):
    """Sends SIZE octets as fast as it is read, then closes; can switch to TLS at the client's word."""

    tls = None

    def __init__(self):
        self.sent = 0
        self.read = 0
        self.furthest = 0
        self.done = Deferred()

    def connectionMade(self):
        self.flow = Flow(self.transport, reactor)
        if self.tls is None:
            ensureDeferred(self.pour())

    def dataReceived(self, data):
        if data.startswith(b"STARTTLS"):
            self.transport.write(b"OK\r\n")
            self.transport.startTLS(self.tls)
            ensureDeferred(self.pour())

    async def pour(self):
        while self.sent < SIZE:
            await self.flow.send(BLOCK)
            self.sent += len(BLOCK)
        self.flow.close()

    def connectionLost(self, reason):
        self.flow.connection_lost()
        self.done.callback(None)


def read_all(address, context, pouring, starttls):
    """Read it all, looking how far ahead the server runs: digest, octets, the most it was ahead."""
    digest = hashlib.sha256()
    read, ahead = 0, 0
    with socket.create_connection(address, timeout=60) as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
        if starttls:
            raw.sendall(b"STARTTLS\r\n")
            assert raw.recv(4) == b"OK\r\n"
        stream = context.wrap_socket(raw, server_hostname="localhost") if context else raw
        while True:
            try:
                data = stream.recv(PIECE)
            except ssl.SSLEOFError:
                break
            if not data:
                break
            digest.update(data)
            read += len(data)
            ahead = max(ahead, pouring[0].sent - read)
    return digest.digest(), read, ahead


@pytest.mark.parametrize("way", ["plain", "tls", "starttls"])
@pytest_twisted.ensureDeferred
async def test_a_slow_reader_is_waited_for(tmp_path, way):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    write_self_signed(certificate, key, ["localhost"])
    tls = ServerTls(certificate, key)
    made: list[Pouring] = []

    def build(place):
        made.append(Pouring())
        made[-1].tls = tls if way == "starttls" else None
        return made[-1]

    door = Door(build, ConnectionLimits())
    port = listen(reactor, parse_address("127.0.0.1:0"), over_tls(door, tls) if way == "tls" else door)
    context = None if way == "plain" else ssl.create_default_context(cafile=str(certificate))
    address = ("127.0.0.1", bound(port).port)
    digest, read, ahead = await deferToThread(read_all, address, context, made, way == "starttls")
    assert read == SIZE
    assert digest == hashlib.sha256(BLOCK * (SIZE // len(BLOCK))).digest()
    assert ahead < 12 * 2**20  # the kernel's socket buffers, some MiB, and a few pieces; never the whole
    await made[0].done
    await port.stopListening()
