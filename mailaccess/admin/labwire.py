"""What crosses the wire in the lab, shown: a forwarder between two servers, and clients that speak line by line.

The lines that are shown are those that were sent; only passwords are hidden, and a message's text is cut.
"""

import socket
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

from twisted.protocols.portforward import ProxyClient, ProxyClientFactory, ProxyFactory, ProxyServer

Show = Callable[[str, str], None]
"""Shows a line: who speaks (``C`` or ``S``), and what."""

TIMEOUT: Final = 30.0
"""Seconds that a lab's client waits for an answer."""

LONGEST: Final = 64 * 1024
"""Octets of a line kept before it is shown in pieces."""


class Lines:
    """Cuts what one side says into lines, and shows them."""

    def __init__(self, show: Show, who: str) -> None:
        self._show = show
        self._who = who
        self._rest = b""

    def take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST:
            lines.append(self._rest)
            self._rest = b""
        for line in lines:
            self._show(self._who, line.rstrip(b"\r").decode("utf-8", "replace"))


class _Away(ProxyClient):
    def dataReceived(self, data: bytes) -> None:
        """Twisted's name: the server spoke."""
        here: Any = self.peer
        here.server_lines.take(data)
        super().dataReceived(data)


class _AwayFactory(ProxyClientFactory):
    protocol = _Away
    noisy = False


class _Here(ProxyServer):
    clientProtocolFactory = _AwayFactory

    def connectionMade(self) -> None:
        """Twisted's name: go on to the server, from the address that the client has."""
        factory: Any = self.factory
        self.client_lines, self.server_lines = Lines(factory.show, "C"), Lines(factory.show, "S")
        transport: Any = self.transport
        transport.pauseProducing()
        client = self.clientProtocolFactory()
        client.setServer(self)
        factory.reactor.connectTCP(
            factory.host, factory.port, client, bindAddress=(transport.getPeer().host, 0)
        )

    def dataReceived(self, data: bytes) -> None:
        """Twisted's name: the client spoke."""
        self.client_lines.take(data)
        super().dataReceived(data)


class Forwarder(ProxyFactory):
    """Passes connections on to ``host:port`` and shows what is said."""

    protocol = _Here
    noisy = False

    def __init__(self, host: str, port: int, reactor: Any, show: Show) -> None:
        super().__init__(host, port)
        self.reactor = reactor
        self.show = show


class Client:
    """A client that speaks one line after the other, for a thread."""

    def __init__(self, host: str, port: int, show: Show) -> None:
        self._socket = socket.create_connection((host, port), TIMEOUT)
        self._file = self._socket.makefile("rb")
        self._show = show

    def read(self, is_last: Callable[[str], bool]) -> list[str]:
        """Lines up to the one that ends the answer. Raises ConnectionError."""
        lines = []
        while True:
            line = self._file.readline(LONGEST).decode("utf-8", "replace")
            if not line:
                raise ConnectionError("the server closed the connection")
            lines.append(line.rstrip("\r\n"))
            self._show("S", lines[-1])
            if is_last(lines[-1]):
                return lines

    def write(self, line: str, shown: str | None = None) -> None:
        """Say a line. shown: what is shown in its place."""
        self._show("C", line if shown is None else shown)
        self._socket.sendall(line.encode("utf-8") + b"\r\n")

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def submit(host: str, port: int, user: str, password: str, to: str, message: str, show: Show) -> None:
    """Hand in a message as a mail client does (RFC 6409). Raises ConnectionError where it is refused."""
    client = Client(host, port, show)

    def end(line: str) -> bool:
        return line[3:4] == " "

    def say(line: str, shown: str | None = None) -> None:
        client.write(line, shown)
        answer = client.read(end)[-1]
        if answer[:1] not in "23":
            raise ConnectionError(f"submission refused: {answer}")

    try:
        client.read(end)
        say("EHLO laptop.kim")
        secret = b64encode(b"\0" + user.encode() + b"\0" + password.encode()).decode()
        say(f"AUTH PLAIN {secret}", "AUTH PLAIN ********")
        say(f"MAIL FROM:<{user}>")
        say(f"RCPT TO:<{to}>")
        say("DATA")
        for line in message.split("\n"):
            client.write("." + line if line.startswith(".") else line)
        say(".")
        say("QUIT")
    finally:
        client.close()


def read_by_pop3(host: str, port: int, user: str, password: str, show: Show) -> str:
    """The last message of a mailbox, by POP3; "" if there is none."""
    client = Client(host, port, show)

    def say(line: str, shown: str | None = None, many: bool = False) -> list[str]:
        client.write(line, shown)
        return client.read(lambda answer: answer == "." if many else True)

    try:
        client.read(lambda line: True)
        say(f"USER {user}")
        say(f"PASS {password}", "PASS ********")
        count = int(say("STAT")[0].split()[1])
        lines = say(f"RETR {count}", many=True) if count else []
        say("QUIT")
    finally:
        client.close()
    return "\n".join(lines[1:-1])


def read_by_imap(host: str, port: int, user: str, password: str, show: Show) -> str:
    """The last message of INBOX, by IMAP; "" if there is none."""
    client = Client(host, port, show)
    number = 0

    def say(line: str, shown: str | None = None) -> list[str]:
        nonlocal number
        number += 1
        tag = f"a{number}"
        client.write(f"{tag} {line}", None if shown is None else f"{tag} {shown}")
        return client.read(lambda answer: answer.startswith(f"{tag} "))

    try:
        client.read(lambda line: True)
        say(f'LOGIN "{user}" "{password}"', f'LOGIN "{user}" ********')
        found = say("SELECT INBOX")
        exists = next((line.split()[1] for line in found if line.endswith(" EXISTS")), "0")
        lines = say(f"FETCH {exists} (FLAGS BODY.PEEK[])") if exists != "0" else []
        say("LOGOUT")
    finally:
        client.close()
    return "\n".join(lines[1:-2])
