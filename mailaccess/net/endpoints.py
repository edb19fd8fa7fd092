"""Listeners: "host:port", "[::]:port" and "unix:path" as written in the configuration, opened.

What is listened on is a port of Twisted's (``stopListening``); who connects passes a ``Door`` first,
which holds the limits and sets what every connection needs, TCP_NODELAY above all: answers go out in
one write, and waiting for an acknowledgement would only delay them by 40 ms.
"""

import errno
import grp
import os
import pwd
import re
import socket
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory

from mailaccess.net.limits import PER_ADDRESS, ConnectionLimits, Place
from mailaccess.net.served import Mover

BACKLOG: Final = 1024
"""Connections the kernel holds for us: phones all come back at once after a restart."""

SOCKET_PATH: Final = 107
"""Octets in a UNIX socket's path, sockaddr_un less its closing zero."""

SOCKET_MODE: Final = 0o666
"""Whoever may enter the folder may connect, as with Dovecot's LMTP socket: an MTA runs as its own user."""

_INET: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})\Z")


class ListenError(Exception):
    """An address that cannot be listened on; the text says which and why."""


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """``host`` is a textual IP or a name; "" is every IPv4 address. Port 0 lets the kernel choose."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """``path`` is that of the socket's file."""

    path: str


Address = TcpAddress | UnixAddress


@dataclass(frozen=True, slots=True)
class SocketAccess:
    """Who may connect to a UNIX socket: its mode, and its owner where it is not ours. user, group: names."""

    mode: int = SOCKET_MODE
    user: str = ""
    group: str = ""

    def apply(self, path: str) -> None:
        """Give the socket away. Raises OSError, also for names that nobody has."""
        try:
            user = pwd.getpwnam(self.user).pw_uid if self.user else -1
            group = grp.getgrnam(self.group).gr_gid if self.group else -1
        except KeyError as error:
            raise OSError(f"nobody on this machine is called {error}") from None
        if (user, group) != (-1, -1):
            os.chown(path, user, group)
        os.chmod(path, self.mode)


EVERYBODY: Final = SocketAccess()


def parse_address(text: str, base: str = "") -> Address:
    """Read an address as written; a relative socket path is below ``base``. Raises ListenError."""
    if text.startswith("unix:"):
        path = os.path.join(base, text.removeprefix("unix:"))
        if not text.removeprefix("unix:") or "\0" in path:
            raise ListenError(f'"{text}" has no path: write "unix:path/of/socket"')
        if len(os.fsencode(path)) > SOCKET_PATH:
            raise ListenError(f'"{path}" is too long for a socket, which may have {SOCKET_PATH} octets')
        return UnixAddress(path)
    match = _INET.match(text)
    if match is None:
        raise ListenError(f'"{text}" is not an address: write "host:port", "[::]:port" or "unix:path"')
    port = int(match["port"])
    if port > 65535:
        raise ListenError(f'"{text}" has no possible port: it must be at most 65535')
    host = match["six"] or match["host"]
    return TcpAddress("" if host == "*" else host, port)


def listen(reactor: Any, address: Address, factory: Any, access: SocketAccess = EVERYBODY) -> IListeningPort:
    """Open a listener. A socket file that nobody serves any more is replaced. Raises ListenError.

    access: of a UNIX socket.
    """
    try:
        if isinstance(address, UnixAddress):
            _clear(address.path)
            port: IListeningPort = reactor.listenUNIX(
                address.path, factory, backlog=BACKLOG, mode=access.mode & 0o700
            )
            access.apply(address.path)
            return port
        return _listen_tcp(reactor, address, factory)
    except CannotListenError as error:
        raise _refusal(address, error.socketError) from error
    except OSError as error:
        raise _refusal(address, error) from error


def _listen_tcp(reactor: Any, address: TcpAddress, factory: Any) -> IListeningPort:
    host = _resolved(address.host)
    if ":" not in host:
        port: IListeningPort = reactor.listenTCP(address.port, factory, backlog=BACKLOG, interface=host)
        return port
    # Twisted has no switch for IPV6_V6ONLY, and without it "[::]:143" takes the port of "0.0.0.0:143".
    opened = _bound(socket.AF_INET6, (host, address.port))
    try:
        opened.listen(BACKLOG)
        adopted: IListeningPort = reactor.adoptStreamPort(opened.fileno(), socket.AF_INET6, factory)
        return adopted
    finally:
        opened.close()  # the port has a duplicate


def open_socket(address: Address, access: SocketAccess = EVERYBODY) -> socket.socket:
    """A socket that listens, for other processes to accept from. Raises ListenError.

    A socket file that nobody serves any more is replaced.  access: of a UNIX socket.
    """
    try:
        if isinstance(address, UnixAddress):
            _clear(address.path)
            opened = _bound(socket.AF_UNIX, address.path, access.mode & 0o700)
            access.apply(address.path)
        else:
            host = _resolved(address.host)
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            opened = _bound(family, (host, address.port))
        opened.listen(BACKLOG)
    except OSError as error:
        raise _refusal(address, error) from error
    return opened


def _bound(family: socket.AddressFamily, where: Any, mode: int = 0o700) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    mask = os.umask(0o777 & ~mode)
    try:
        if family != socket.AF_UNIX:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.setblocking(False)
        opened.bind(where)
    except BaseException:
        opened.close()
        raise
    finally:
        os.umask(mask)
    return opened


def _resolved(host: str) -> str:
    """The address of a name, at the start of the service, before it serves anybody: this may block."""
    if not host or _is_ip(host):
        return host
    return str(socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][4][0])


def describe(address: Address) -> str:
    """The address as it is written in the configuration."""
    if isinstance(address, UnixAddress):
        return f"unix:{address.path}"
    return (
        f"[{address.host}]:{address.port}" if ":" in address.host else f"{address.host or '*'}:{address.port}"
    )


def bound(port: Any) -> Address:
    """Where a listener (IListeningPort) really is, with the port the kernel chose."""
    host = port.getHost()
    if hasattr(host, "name"):
        return UnixAddress(os.fsdecode(host.name))
    return TcpAddress(host.host, host.port)


def _is_ip(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host.partition("%")[0])
        except OSError:
            continue
        return True
    return False


def _clear(path: str) -> None:
    """Remove a socket whose server is gone; anything else in the way stays and is reported."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise ListenError(f"unix:{path}: something that is not a socket is in the way")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except BlockingIOError:
            pass
    raise ListenError(f"unix:{path}: another server listens there")


def _refusal(address: Address, error: BaseException) -> ListenError:
    why = getattr(error, "strerror", None) or str(error)
    if isinstance(error, PermissionError) and isinstance(address, TcpAddress):
        why += "; ports below 1024 need root or CAP_NET_BIND_SERVICE"
    elif getattr(error, "errno", 0) == errno.EADDRINUSE:
        why += "; another program listens there"
    return ListenError(f"{describe(address)}: {why}")


def textual(address: str) -> str:
    """An IPv4 client of a "[::]:port" listener by its own address, not as ``::ffff:192.0.2.1``: else limits,
    throttling, networks and fail2ban would take it for another one. RFC 4291 §2.5.5.2.
    """
    mapped = address.removeprefix("::ffff:")
    return mapped if "." in mapped else address


class Door(Factory):
    """The entrance of one listener: limits, socket options, and the list of who is inside.

    build: makes the protocol of a new connection, given its ``Place``.  full: what is written to a
    connection that finds no place, before it is closed; empty when nothing can be said (TLS).
    per_address: connections that one address may have through this door; 0: as many as everywhere.
    name: of the door, where it has such a limit.
    mover: gives connections away after login, among several processes.
    """

    noisy = False

    def __init__(
        self,
        build: Callable[[Place], Protocol],
        limits: ConnectionLimits,
        full: bytes = b"",
        *,
        per_address: int = 0,
        name: str = "",
    ) -> None:
        self._build = build
        self._limits = limits
        self._full = full
        self._per_address = per_address
        self._name = name
        self.inside: set[Protocol] = set()
        self.accepted = 0
        self.mover: Mover | None = None

    def buildProtocol(self, addr: Any) -> Protocol | None:
        """Twisted's question for a new connection; None closes it."""
        address = textual(getattr(addr, "host", ""))
        tally = self._limits.tally
        crowd = f"d {self._name} {address}" if self._per_address and not _is_this_machine(address) else ""
        if crowd and tally[crowd] >= self._per_address:
            self._limits.refused[PER_ADDRESS] += 1
            return _Full(self._full) if self._full else None
        visit = _Visit(self, crowd)
        place = self._limits.enter(address, visit.drop)
        if place is None:
            return _Full(self._full) if self._full else None
        if crowd:
            tally.add(crowd)
        self.accepted += 1
        return self._admitted(visit, place)

    def readmit(self, address: str) -> Protocol:
        """For a connection that came through this door in another process, where it has been counted."""
        visit = _Visit(self, "")
        return self._admitted(visit, self._limits.reenter(address, visit.drop))

    def _admitted(self, visit: "_Visit", place: Place) -> Protocol:
        protocol = self._build(place)
        protocol.factory = self
        visit.watch(protocol, place)
        return protocol

    def entered(self, protocol: Any) -> None:
        """The connection is there."""
        transport = protocol.transport
        if hasattr(transport, "setTcpNoDelay"):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        self.inside.add(protocol)

    def left(self, protocol: Any, crowd: str) -> None:
        """The connection is gone."""
        self.inside.discard(protocol)
        if crowd:
            self._limits.tally.take(crowd)


class _Visit:
    """Learns of a connection's beginning and end, without a wrapper that every octet would pass."""

    __slots__ = ("_crowd", "_door", "_place", "_protocol")

    def __init__(self, door: Door, crowd: str) -> None:
        self._door = door
        self._crowd = crowd
        self._protocol: Any = None
        self._place: Place | None = None

    def drop(self) -> None:
        """End the connection at once."""
        transport: Any = self._protocol.transport if self._protocol is not None else None
        if transport is not None:
            transport.abortConnection()

    def watch(self, protocol: Any, place: Place) -> None:
        """``protocol`` is the connection's."""
        self._protocol, self._place = protocol, place
        protocol.connectionMade = self._made
        protocol.connectionLost = self._lost

    def _made(self) -> None:
        protocol = self._protocol
        del protocol.connectionMade
        self._door.entered(protocol)
        protocol.connectionMade()

    def _lost(self, *reason: Any) -> None:
        protocol, place = self._protocol, self._place
        self._protocol = None  # else a cycle for the collector
        del protocol.connectionLost
        protocol.__dict__.pop("connectionMade", None)
        self._door.left(protocol, self._crowd)
        if place is not None:
            place.leave()
        protocol.connectionLost(*reason)


def _is_this_machine(address: str) -> bool:
    return not address or address == "::1" or address.startswith("127.")


class _Full(Protocol):
    """Says why, and closes."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def connectionMade(self) -> None:
        """Say it."""
        transport: Any = self.transport
        transport.write(self._text)
        transport.loseConnection()


def over_tls(factory: Any, tls: Any) -> Any:
    """The same factory behind TLS from the first octet (RFC 8314 §3); ``tls`` is a ``ServerTls``."""
    return TLSMemoryBIOFactory(tls, False, factory)
