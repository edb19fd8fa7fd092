"""Clients that cost little: they wait for a whole answer and count what is in it, without parsing it.

That is exact because no letter of ``letters`` has a line that begins like an answer.
"""

import re
import socket
import ssl

PATIENCE = 120
"""Seconds without an octet after which a server counts as stuck."""

PIECE = 1 << 18

Address = tuple[str, int]


class Refused(Exception):
    """NO, BAD, -ERR, 4xx or 5xx."""


class Wrong(Exception):
    """The server said OK, but what it sent is not what was asked for."""


def expect(found: object, wanted: object, what: str) -> None:
    """Raises Wrong where they differ."""
    if found != wanted:
        raise Wrong(f"{what}: {found} instead of {wanted}")


class Wire:
    def __init__(self, address: Address, tls: bool = False, source: Address | None = None) -> None:
        self.socket: socket.socket = socket.create_connection(address, PATIENCE, source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)
        self.pending = bytearray()

    def receive(self) -> None:
        piece = self.socket.recv(PIECE)
        if not piece:
            raise ConnectionError("the server closed the connection")
        self.pending += piece

    def line(self) -> bytes:
        while (end := self.pending.find(b"\n")) < 0:
            self.receive()
        line = bytes(self.pending[: end + 1])
        del self.pending[: end + 1]
        return line

    def say(self, octets: bytes) -> None:
        self.socket.sendall(octets)

    def close(self) -> None:
        self.socket.close()


class Imap(Wire):
    def __init__(self, address: Address, tls: bool = False, source: Address | None = None) -> None:
        super().__init__(address, tls, source)
        self._number = 0
        if not self.line().startswith(b"* OK"):
            raise Refused("no greeting")

    def tag(self) -> bytes:
        self._number += 1
        return b"A%06d" % self._number

    def answer(self, tag: bytes) -> bytes:
        """Everything up to and with the line tagged ``tag``; raises Refused unless that says OK."""
        start = tag + b" "
        data = self.pending
        while True:
            if data.endswith(b"\n"):
                last = data.rfind(b"\n", 0, len(data) - 1) + 1
                if data.startswith(start, last):
                    break
            self.receive()
        self.pending = bytearray()
        if not data.startswith(b"OK", last + len(start)):
            raise Refused(bytes(data[last:]).decode(errors="replace").strip())
        return bytes(data)

    def ask(self, command: str | bytes) -> bytes:
        tag = self.tag()
        self.say(tag + b" " + (command.encode() if isinstance(command, str) else command) + b"\r\n")
        return self.answer(tag)

    def ask_all(self, commands: list[str]) -> bytes:
        """All at once; every one of them has to succeed."""
        tags = [self.tag() for _ in commands]
        self.say(b"".join(b"%b %b\r\n" % (t, c.encode()) for t, c in zip(tags, commands, strict=True)))
        data = self.answer(tags[-1])
        expect(len(re.findall(rb"^A\d{6} OK", data, re.M)), len(commands), "commands that succeeded")
        return data

    def login(self, name: str, password: str) -> None:
        self.ask(f'LOGIN {name} "{password}"')

    def select(self, mailbox: str) -> int:
        """How many messages there are."""
        return number_before(self.ask(f"SELECT {mailbox}"), b"EXISTS")

    def append(self, mailbox: str, letter: bytes, flags: str = "") -> None:
        """With LITERAL+, which RFC 7888 servers have after LOGIN."""
        tag = self.tag()
        self.say(b"%b APPEND %b (%b) {%d+}\r\n%b\r\n" % (
            tag, mailbox.encode(), flags.encode(), len(letter), letter
        ))  # fmt: skip
        self.answer(tag)

    def logout(self) -> None:
        self.ask("LOGOUT")
        self.close()


def untagged(answer: bytes) -> int:
    """Untagged responses in an answer."""
    return answer.count(b"\n* ") + answer.startswith(b"* ")


def number_before(answer: bytes, word: bytes) -> int:
    found = re.search(rb"^\* (\d+) " + word, answer, re.M)
    if found is None:
        raise Wrong(f"no {word.decode()}")
    return int(found[1])


def found_numbers(answer: bytes) -> int:
    """Numbers in ``* SEARCH``."""
    return sum(len(line.split()) - 2 for line in answer.splitlines() if line.startswith(b"* SEARCH"))


class Pop3(Wire):
    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._good()

    def _good(self) -> bytes:
        line = self.line()
        if not line.startswith(b"+OK"):
            raise Refused(line.decode(errors="replace").strip())
        return line

    def ask(self, command: str) -> bytes:
        self.say(command.encode() + b"\r\n")
        return self._good()

    def listing(self, command: str) -> bytes:
        """The lines of a multi-line answer, dots still doubled, without the last."""
        self.ask(command)
        while not (self.pending == b".\r\n" or self.pending.endswith(b"\r\n.\r\n")):
            self.receive()
        data = bytes(self.pending[:-3])
        self.pending.clear()
        return data

    def login(self, name: str, password: str) -> None:
        self.ask(f"USER {name}")
        self.ask(f"PASS {password}")

    def quit(self) -> None:
        self.ask("QUIT")
        self.close()


class Lmtp(Wire):
    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self.code(b"220")
        self.say(b"LHLO bench.example\r\n")
        self.code(b"250")

    def code(self, wanted: bytes) -> None:
        """One reply, of one line or more."""
        while (line := self.line())[3:4] == b"-":
            pass
        if not line.startswith(wanted):
            raise Refused(line.decode(errors="replace").strip())

    def deliver(self, recipient: str, stuffed: bytes) -> None:
        """One message, pipelined as RFC 2920 lets; ``stuffed`` ends with the dot."""
        self.say(b"MAIL FROM:<kim@daum.net>\r\nRCPT TO:<%b>\r\nDATA\r\n" % recipient.encode())
        for code in (b"250", b"250", b"354"):
            self.code(code)
        self.say(stuffed)
        self.code(b"250")

    def quit(self) -> None:
        self.say(b"QUIT\r\n")
        self.code(b"221")
        self.close()


def stuffed(letter: bytes) -> bytes:
    """As DATA wants it: dots doubled, a dot at the end."""
    return letter.replace(b"\r\n.", b"\r\n..") + b".\r\n"
