"""A program that the lab runs beside its own servers: when it is ready, what it said if it never was, its end."""

from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol

KEPT: Final = 4096
"""Octets of what a program said last on standard error: enough for the reason why it did not start."""


class Child(ProcessProtocol):
    """One process. name: as people call it.  ready: fires once it serves, fails where it ended before that."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready: Deferred[None] = Deferred()
        self._ended: Deferred[None] = Deferred()
        self._said = b""

    def heard(self, line: bytes) -> bool:
        """Whether a line on standard error says that it is ready."""
        return False

    def be_ready(self) -> None:
        """It serves."""
        if not self.ready.called:
            self.ready.callback(None)

    def errReceived(self, data: bytes) -> None:
        """Twisted's name."""
        self._said = (self._said + data)[-KEPT:]
        if not self.ready.called and any(self.heard(line) for line in self._said.split(b"\n")):
            self.be_ready()

    def processEnded(self, reason: Any) -> None:
        """Twisted's name."""
        if not self.ready.called:
            text = self._said.decode("utf-8", "replace").strip()
            self.ready.errback(RuntimeError(f"{self.name} did not start: {text}"))
        self._ended.callback(None)

    def signal(self, process: Any) -> None:
        """Ask it to end. process: Twisted's, with a ``pid``."""
        process.signalProcess("TERM")

    async def stop(self) -> None:
        """End it."""
        process: Any = self.transport
        if process is not None and process.pid:
            self.signal(process)
            await self._ended
