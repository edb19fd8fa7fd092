"""Dialogues with POP3 sessions without sockets."""

from textwrap import dedent

import pytest

from mailaccess.config.sections import Pop3
from mailaccess.model.work import InlineRunner
from mailaccess.net.served import Client
from mailaccess.observe.events import Recorder
from mailaccess.pop3.house import House
from mailaccess.pop3.session import Session
from tests.session.smallhouse import FakeAuthenticator, FakeStore, FakeWire, Running


class Dialogue:
    """One client's connection."""

    def __init__(self, house: House, address: str, tls_offered: bool, secure: bool) -> None:
        self.wire = FakeWire()
        self.session = Session(
            house, self.wire, Client(address, "192.0.2.1"), tls_offered=tls_offered, secure=secure
        )
        self.running: Running | None = None
        self.session.greet()
        self.greeting = self.wire.take()

    def send(self, octets: bytes) -> bytes:
        """Everything that comes back for ``octets``."""
        self.session.feed(octets)
        self.go()
        return self.wire.take()

    def go(self) -> None:
        if self.running is not None and not self.running.done:
            self.running.go()
        else:
            self.running = Running(self.session.work())

    def lose(self) -> None:
        self.session.gone = True
        self.go()

    def talk(self, script: str) -> None:
        """C: and S: lines; what the server says must be what stands there, up to ``...``."""
        expected: list[str] = []
        said: list[str] = []

        def compare() -> None:
            nonlocal expected, said
            assert len(said) == len(expected), (expected, said)
            for want, have in zip(expected, said, strict=True):
                if want.endswith("..."):
                    assert have.startswith(want[:-3]), (want, have)
                else:
                    assert have == want
            expected, said = [], []

        for line in dedent(script).strip().splitlines():
            if line.startswith("S: "):
                expected.append(line[3:])
            else:
                compare()
                said = self.send(line[3:].encode() + b"\r\n").decode().split("\r\n")[:-1]
        compare()


class Pop3House:
    def __init__(self) -> None:
        self.store = FakeStore()
        self.auth = FakeAuthenticator()
        self.auth.passwords.update({"lee@naver.com": b"one two", "kim@naver.com": b"two"})
        self.log = Recorder()
        self.house = House(self.auth, self.store, Pop3(), InlineRunner(), self.log, hostname="mail.naver.com")

    def given(self, *messages: bytes):
        account = self.store.account("lee@naver.com")
        for message in messages:
            account.put(message)
        return account

    def connect(
        self, *, address: str = "127.0.0.1", tls_offered: bool = True, secure: bool = False
    ) -> Dialogue:
        return Dialogue(self.house, address, tls_offered, secure)

    def login(self) -> Dialogue:
        dialogue = self.connect()
        assert dialogue.send(b"USER lee\r\nPASS one two\r\n").count(b"+OK") == 2
        return dialogue


@pytest.fixture
def pop3() -> Pop3House:
    return Pop3House()
