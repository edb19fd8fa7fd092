"""Dialogues with SMTP and LMTP sessions without sockets."""

from pathlib import Path
from textwrap import dedent

import pytest

from mailaccess.auth.api import Identity
from mailaccess.config.sections import Smtp
from mailaccess.delivery.local import LocalDelivery
from mailaccess.delivery.recipients import Recipients
from mailaccess.model.work import InlineRunner
from mailaccess.net.served import Client
from mailaccess.observe.events import Recorder
from mailaccess.smtp.house import House
from mailaccess.smtp.inbound import Inbound
from mailaccess.smtp.lmtp import Lmtp
from mailaccess.smtp.session import Session
from mailaccess.smtp.submission import Submission
from tests.session.smallhouse import FakeAuthenticator, FakeStore, FakeWire, Running, location

POLICIES = {"inbound": Inbound, "submission": Submission, "lmtp": Lmtp}


class Dialogue:
    """One client's connection."""

    def __init__(self, house: House, policy: str, address: str, tls_offered: bool, secure: bool) -> None:
        self.wire = FakeWire()
        self.session = Session(
            house,
            POLICIES[policy](house),
            self.wire,
            Client(address, "192.0.2.1"),
            tls_offered=tls_offered,
            secure=secure,
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

    def codes(self, octets: bytes) -> list[str]:
        """The codes of the final lines, with their enhanced ones."""
        found = []
        for line in self.send(octets).decode().splitlines():
            if line[3:4] == " ":
                words = line.split(" ")
                found.append(" ".join(words[: 2 if words[1].count(".") == 2 else 1]))
        return found

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
                assert line.startswith("C: ") or line == "C:"
                compare()
                said = self.send(line[3:].encode() + b"\r\n").decode().splitlines()
        compare()


class SmtpHouse:
    def __init__(self, tmp: Path) -> None:
        self.store = FakeStore()
        self.auth = FakeAuthenticator()
        self.auth.passwords.update(
            {"lee@naver.com": b"one", "kim@naver.com": b"two", "park@daum.net": b"three"}
        )
        self.log = Recorder()
        self.tmp = tmp
        self.aliases = tmp / "aliases"
        self.build()

    def build(self, *, message_size: int = 2**20, **settings) -> None:
        runner = InlineRunner()
        section = Smtp(aliases=self.aliases if self.aliases.exists() else None, **settings)
        recipients = Recipients(
            *(self.auth, section, ("naver.com", "daum.net"), runner, self.log),
            unclaimed=lambda name: Identity(name, location(name)),
        )
        delivery = LocalDelivery(self.store, runner, self.log, limit=message_size, spool=self.tmp / "spool")
        self.house = House(
            self.auth,
            recipients,
            delivery,
            section,
            self.log,
            hostname="mail.naver.com",
            message_size=message_size,
            now=lambda: 1764028800.0,
        )

    def connect(
        self,
        policy: str = "inbound",
        *,
        address: str = "198.51.100.7",
        tls_offered: bool = True,
        secure: bool = False,
        hello: bool = True,
    ) -> Dialogue:
        dialogue = Dialogue(self.house, policy, address, tls_offered, secure)
        if hello:
            dialogue.send(b"LHLO mta.example\r\n" if policy == "lmtp" else b"EHLO client.example\r\n")
        return dialogue

    def inbox(self, name: str, mailbox: str = "INBOX") -> list[bytes]:
        return self.store.account(name).messages(mailbox)


@pytest.fixture
def smtp(tmp_path: Path) -> SmtpHouse:
    return SmtpHouse(tmp_path)
