"""An authenticator behind the contract of ``auth.api`` that knows nobody but whom a test names."""

from dataclasses import dataclass, field
from pathlib import Path

from mailaccess.auth.api import Challenge, Identity, Malformed, PasswordCredentials, UnknownMechanism
from mailaccess.model import errors
from mailaccess.model.account import AccountLocation
from mailaccess.model.secret import Secret


class FakePlain:
    def __init__(self, authenticator, peer):
        self.authenticator, self.peer = authenticator, peer

    async def step(self, response):
        if response is None:
            return Challenge(b"")
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise Malformed("The PLAIN message is not well formed")
        return await self.authenticator.verify(
            PasswordCredentials(parts[1].decode(), Secret(parts[2]), self.peer)
        )


@dataclass
class FakeAuthenticator:
    """Accounts and their passwords; homes below ``base``."""

    base: Path
    passwords: dict = field(default_factory=lambda: {"lee@naver.com": b"secret", "kim@daum.net": b"secret"})
    asked: list = field(default_factory=list)
    extra: dict = field(default_factory=dict)

    async def verify(self, credentials):
        self.asked.append(credentials)
        name = credentials.name.lower()
        name = name if "@" in name else name + "@naver.com"
        if self.passwords.get(name) != credentials.password.reveal():
            raise errors.AuthenticationFailed
        return self.identity(name)

    def identity(self, name):
        home = self.base / name
        location = AccountLocation(name, home, home / "Maildir", home / "index")
        return Identity(name, location, self.extra.get(name, {}))

    async def lookup(self, name):
        return self.identity(name) if name in self.passwords else None

    def begin(self, mechanism, peer):
        if mechanism.upper() != "PLAIN":
            raise UnknownMechanism
        return FakePlain(self, peer)

    def mechanisms(self, *, plaintext=True):
        return ("PLAIN",) if plaintext else ()
