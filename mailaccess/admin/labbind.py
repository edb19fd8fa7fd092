"""BIND 9 as the lab's name server: a process of the user's own, behind a forwarder that shows questions and answers."""

from pathlib import Path
from shutil import which
from typing import Any, Final

from twisted.internet.protocol import DatagramProtocol
from twisted.names import dns

from mailaccess.admin.labdns import Told, tell
from mailaccess.admin.labprocess import Child
from mailaccess.admin.labwire import Forwarder

STARTS: Final = 30.0
"""Seconds that BIND may take to start."""

MOST_ASKERS: Final = 1000
"""Questions under way at once; the lab's servers ask a handful."""


class BindMissing(Exception):
    """There is no BIND on this machine; the text says how to get it."""


def program() -> str:
    """Where BIND is. Raises BindMissing."""
    found = which("named", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        raise BindMissing(
            "there is no BIND; on Debian, as root: apt-get install --no-install-recommends bind9"
        )
    return found


class Bind:
    """One process, and what stands before it. told: is told each question with its answers."""

    def __init__(self, folder: Path, port: int, inner: int, told: Told) -> None:
        self._folder = folder
        self._port = port
        self._inner = inner
        self._tap = _Tap(("127.0.0.1", inner), told)
        self._taps: list[Any] = []
        self._process = _Named("BIND")

    @property
    def broken(self) -> bool:
        """Whether every question is answered with SERVFAIL."""
        return self._tap.broken

    @broken.setter
    def broken(self, is_broken: bool) -> None:
        self._tap.broken = is_broken

    async def start(self, reactor: Any) -> None:
        """Start it and wait until it answers. Raises BindMissing, RuntimeError."""
        command = [program(), "-g", "-n", "1", "-c", "named.conf"]
        reactor.spawnProcess(self._process, command[0], command, env=None, path=str(self._folder))
        self._process.ready.addTimeout(STARTS, reactor)
        await self._process.ready
        self._tap.reactor = reactor
        self._taps.append(reactor.listenUDP(self._port, self._tap, interface="127.0.0.1"))
        forwarder = Forwarder("127.0.0.1", self._inner, reactor, lambda who, line: None)
        self._taps.append(reactor.listenTCP(self._port, forwarder, interface="127.0.0.1"))

    async def stop(self) -> None:
        """End it in order."""
        for tap in self._taps:
            await tap.stopListening()
        self._tap.close()
        await self._process.stop()


class _Named(Child):
    """``named -g``: its log is its standard error."""

    def heard(self, line: bytes) -> bool:
        """The last line of its start."""
        return line.endswith(b" running")


class _Tap(DatagramProtocol):
    """Passes datagrams on to ``server``, each asker's from a port of its own, and tells of the answers."""

    def __init__(self, server: tuple[str, int], told: Told) -> None:
        self.reactor: Any = None
        self._server = server
        self._told = told
        self._away: dict[Any, tuple[Any, _Away]] = {}
        self.broken = False

    def datagramReceived(self, data: bytes, address: Any) -> None:
        """Twisted's name: somebody asks."""
        if self.broken:
            self._refuse(data, address)
            return
        if address not in self._away:
            if len(self._away) >= MOST_ASKERS:
                self._forget(next(iter(self._away)))
            away = _Away(lambda answer: self._answered(answer, address))
            self._away[address] = (self.reactor.listenUDP(0, away, interface="127.0.0.1"), away)
        _write(self._away[address][1], data, self._server)

    def _answered(self, data: bytes, address: Any) -> None:
        message = dns.Message()
        message.fromStr(data)
        tell(message, self._told)
        _write(self, data, address)

    def _refuse(self, data: bytes, address: Any) -> None:
        message = dns.Message()
        message.fromStr(data)
        message.answer, message.rCode = 1, dns.ESERVER
        tell(message, self._told)
        _write(self, message.toStr(), address)

    def _forget(self, address: Any) -> None:
        port, _ = self._away.pop(address)
        port.stopListening()

    def close(self) -> None:
        """Forget everybody who asked."""
        for address in tuple(self._away):
            self._forget(address)


def _write(protocol: DatagramProtocol, data: bytes, address: Any) -> None:
    transport: Any = protocol.transport
    if transport is not None:
        transport.write(data, address)


class _Away(DatagramProtocol):
    """The side towards the server."""

    def __init__(self, answered: Any) -> None:
        self._answered = answered

    def datagramReceived(self, data: bytes, address: Any) -> None:
        """Twisted's name: the server answers."""
        self._answered(data)
