"""The PROXY protocol: its two headers, and listeners behind it."""

import socket
from ipaddress import ip_address, ip_network

import pytest
import pytest_twisted
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.protocol import Protocol
from twisted.internet.threads import deferToThread

from mailaccess.net.endpoints import Door, TcpAddress, bound, listen
from mailaccess.net.limits import ConnectionLimits
from mailaccess.net.proxied import Proxied
from mailaccess.observe.events import Recorder
from mailaccess.proto.proxyline import MAX_BINARY, MAX_LINE, SIGNATURE, BadHeader, read
from mailaccess.proto.proxyline import Proxied as Header


def binary(client="203.0.113.9", server="192.0.2.1", ports=(40000, 25), command=1, tlvs=b""):
    addresses = ip_address(client).packed + ip_address(server).packed
    family = 0x11 if ip_address(client).version == 4 else 0x21
    body = addresses + ports[0].to_bytes(2, "big") + ports[1].to_bytes(2, "big") + tlvs
    return SIGNATURE + bytes((0x20 | command, family)) + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (
            b"PROXY TCP4 203.0.113.9 192.0.2.1 40000 25\r\nEHLO x\r\n",
            Header(43, "203.0.113.9", 40000, "192.0.2.1", 25),
        ),
        (
            b"PROXY TCP6 2001:db8::9 2001:db8::1 40000 25\r\n",
            Header(45, "2001:db8::9", 40000, "2001:db8::1", 25),
        ),
        (b"PROXY UNKNOWN\r\n", Header(15)),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", Header(59)),
        (binary() + b"EHLO", Header(28, "203.0.113.9", 40000, "192.0.2.1", 25)),
        (binary("2001:db8::9", "2001:db8::1"), Header(52, "2001:db8::9", 40000, "2001:db8::1", 25)),
        (
            binary(tlvs=b"\x04\x00\x03abc"),
            Header(34, "203.0.113.9", 40000, "192.0.2.1", 25),
        ),
        (binary(command=0), Header(28)),
        (SIGNATURE + b"\x20\x00\x00\x00", Header(16)),
        (SIGNATURE + b"\x21\x31\x00\xd8" + b"/" * 216, Header(232)),
    ],
)
def test_a_header_is_read_however_it_is_cut(octets, expected):
    assert read(octets) == expected
    for end in range(expected.size):
        assert read(octets[:end]) is None


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO client.example\r\n",
        b"\r\n\r\n\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 40000\r\n",
        b"PROXY TCP4 2001:db8::9 192.0.2.1 40000 25\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 70000 25\r\n",
        b"PROXY TCP4 203.0.113.9 192.0.2.1 -1 25\r\n",
        b"PROXY  TCP4 203.0.113.9 192.0.2.1 1 25\r\n",
        b"PROXY UDP4 203.0.113.9 192.0.2.1 1 25\r\n",
        b"PROXY " + b"x" * MAX_LINE,
        SIGNATURE + b"\x11\x11\x00\x0c" + b"x" * 12,
        SIGNATURE + b"\x22\x11\x00\x0c" + b"x" * 12,
        SIGNATURE + b"\x21\x11\x00\x0b" + b"x" * 11,
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_what_is_no_header_is_refused(octets):
    with pytest.raises(BadHeader):
        read(octets)


@given(st.binary(max_size=300))
def test_anything_is_read_or_refused_and_waits_only_within_bounds(octets):
    for start in (b"", b"PROXY ", SIGNATURE, SIGNATURE + b"\x21\x11"):
        try:
            header = read(start + octets)
        except BadHeader:
            continue
        assert header is not None or len(start + octets) < MAX_BINARY


class Tell(Protocol):
    """Says from where the connection comes, then echoes."""

    def __init__(self, place):
        self.place = place

    def connectionMade(self):
        self.transport.write(f"{self.place.address}\n".encode())

    def dataReceived(self, data):
        self.transport.write(data)
        self.transport.loseConnection()


class Listening:
    def __init__(self, network):
        self.log = Recorder()
        self.limits = ConnectionLimits()
        self.door = Door(Tell, self.limits)
        factory = Proxied(self.door, (ip_network(network),), "smtp", self.log, reactor)
        self.listener = listen(reactor, TcpAddress("127.0.0.1", 0), factory)
        self.port = bound(self.listener).port


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize(
    ("network", "octets", "said"),
    [
        ("127.0.0.0/8", b"PROXY TCP4 203.0.113.9 127.0.0.1 4 5\r\nhello", b"203.0.113.9\nhello"),
        ("127.0.0.0/8", binary("2001:db8::9", "2001:db8::1") + b"hello", b"2001:db8::9\nhello"),
        ("127.0.0.0/8", binary("::ffff:203.0.113.9", "2001:db8::1") + b"hello", b"203.0.113.9\nhello"),
        ("127.0.0.0/8", b"PROXY UNKNOWN\r\nhello", b"127.0.0.1\nhello"),
        ("127.0.0.0/8", b"hello", b""),
        ("10.0.0.0/8", b"P", b"127.0.0.1\nP"),
    ],
)
async def test_the_client_is_who_a_trusted_proxy_says(network, octets, said):
    house = Listening(network)
    parts = await deferToThread(whole, house.port, octets)
    await house.listener.stopListening()
    assert parts == said
    if not said:
        assert [event for event, _, _ in house.log.events] == ["proxy-refused"]
    assert house.limits.open == 0


def whole(port, octets):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(octets)
        said = b""
        try:
            while piece := client.recv(1000):
                said += piece
        except ConnectionResetError:
            pass
        return said
