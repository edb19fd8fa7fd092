"""Addresses as written, listeners as opened."""

import os
import socket
import stat

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.threads import deferToThread

from mailaccess.net.endpoints import (
    Door,
    ListenError,
    TcpAddress,
    UnixAddress,
    bound,
    describe,
    listen,
    parse_address,
    textual,
)
from mailaccess.net.limits import ConnectionLimits
from tests.interop.running import free_ports


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:1143", TcpAddress("127.0.0.1", 1143)),
        ("[::]:143", TcpAddress("::", 143)),
        ("[::1]:0", TcpAddress("::1", 0)),
        ("localhost:1143", TcpAddress("localhost", 1143)),
        ("*:143", TcpAddress("", 143)),
        (":143", TcpAddress("", 143)),
        ("unix:lmtp.sock", UnixAddress("/var/lib/mailaccess/lmtp.sock")),
        ("unix:/run/lmtp.sock", UnixAddress("/run/lmtp.sock")),
    ],
)
def test_an_address_is_read(text, expected):
    assert parse_address(text, "/var/lib/mailaccess") == expected


@pytest.mark.parametrize(
    "text", ["1143", "host", "host:65536", "::1:143", "host:imap", "unix:", "unix:" + "x" * 200]
)
def test_what_is_no_address_is_refused_in_words(text):
    with pytest.raises(ListenError):
        parse_address(text, "/tmp")


def test_a_description_reads_back():
    for text in ("127.0.0.1:1143", "[::1]:143", "*:143", "unix:/run/lmtp.sock"):
        assert describe(parse_address(text)) == text


class Greeter(Protocol):
    def __init__(self):
        self.done = Deferred()

    def connectionMade(self):
        self.transport.write(b"hello\r\n")

    def connectionLost(self, reason):
        self.done.callback(None)


class House:
    def __init__(self, **limits):
        self.limits = ConnectionLimits(**limits)
        self.protocols: list[Greeter] = []
        self.door = Door(self.build, self.limits, b"full\r\n")

    def build(self, place):
        self.protocols.append(Greeter())
        return self.protocols[-1]


def connect(family, address):
    made = socket.socket(family, socket.SOCK_STREAM)
    made.settimeout(10)
    made.connect(address)
    return made


@pytest_twisted.ensureDeferred
async def test_a_connection_passes_the_door_and_leaves_it(tmp_path):
    house = House(total=1)
    port = listen(reactor, parse_address("127.0.0.1:0"), house.door)
    address = ("127.0.0.1", bound(port).port)
    one = await deferToThread(connect, socket.AF_INET, address)
    assert await deferToThread(one.recv, 100) == b"hello\r\n"
    assert house.door.inside == {house.protocols[0]} and house.limits.open == 1
    other = await deferToThread(connect, socket.AF_INET, address)
    assert await deferToThread(other.recv, 100) == b"full\r\n"
    one.close()
    other.close()
    await house.protocols[0].done
    assert house.door.inside == set() and house.limits.open == 0
    await port.stopListening()


@pytest_twisted.ensureDeferred
async def test_ipv6_and_ipv4_listen_on_the_same_port():
    house = House()
    (number,) = free_ports(1)  # one that no client is given: that may be in use for IPv4 alone
    try:
        six = listen(reactor, TcpAddress("::", number), house.door)
    except ListenError as error:
        pytest.skip(str(error))
    four = listen(reactor, TcpAddress("0.0.0.0", number), house.door)
    client = await deferToThread(connect, socket.AF_INET6, ("::1", number))
    assert await deferToThread(client.recv, 100) == b"hello\r\n"
    client.close()
    await house.protocols[0].done
    await six.stopListening()
    await four.stopListening()


@pytest_twisted.ensureDeferred
async def test_a_stale_socket_is_replaced_and_a_served_one_is_not(tmp_path):
    path = str(tmp_path / "lmtp.sock")
    stale = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stale.bind(path)
    stale.close()
    house = House()
    port = listen(reactor, UnixAddress(path), house.door)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o666
    with pytest.raises(ListenError, match="another server"):
        listen(reactor, UnixAddress(path), house.door)
    client = await deferToThread(connect, socket.AF_UNIX, path)
    assert await deferToThread(client.recv, 100) == b"hello\r\n"
    client.close()
    await house.protocols[0].done
    await port.stopListening()
    assert not os.path.exists(path)


def test_a_file_in_the_way_of_a_socket_stays(tmp_path):
    path = tmp_path / "lmtp.sock"
    path.write_text("mail")
    with pytest.raises(ListenError, match="not a socket"):
        listen(reactor, UnixAddress(str(path)), House().door)
    assert path.read_text() == "mail"


def test_a_taken_port_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"127.0.0.1:{port}: Address already in use"):
            listen(reactor, TcpAddress("127.0.0.1", port), House().door)


@pytest.mark.parametrize(
    ("address", "shown"),
    [("::ffff:192.0.2.1", "192.0.2.1"), ("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("", "")],
)
def test_an_ipv4_client_of_an_ipv6_port_has_its_own_address(address, shown):
    assert textual(address) == shown


def test_a_door_may_hold_back_one_address_and_never_this_machine():
    from twisted.internet.address import IPv4Address
    from twisted.internet.testing import StringTransport

    limits = ConnectionLimits()
    door = Door(lambda place: Protocol(), limits, b"421 full\r\n", per_address=2)

    def connect(address):
        protocol = door.buildProtocol(IPv4Address("TCP", address, 1))
        protocol.makeConnection(StringTransport())
        return protocol

    first, _ = connect("192.0.2.1"), connect("192.0.2.1")
    refused = connect("192.0.2.1")
    assert refused.transport.value() == b"421 full\r\n" and limits.refused["address"] == 1
    connect("192.0.2.2")
    assert all(connect("127.0.0.1") in door.inside for _ in range(5))
    first.connectionLost()
    assert connect("192.0.2.1") in door.inside
