"""A house in memory for the dialogues of POP3, SMTP and delivery: a store and a passdb made of dicts.

Every call is a coroutine that never waits, so a dialogue runs to its end by itself; where a test wants
something to wait, it makes the engine wait for a ``Gate``.
"""

from array import array
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from mailaccess.auth.api import Challenge, Identity, Malformed, PasswordCredentials, UnknownMechanism
from mailaccess.model.account import AccountLocation
from mailaccess.model.errors import (
    AuthenticationFailed,
    InUse,
    MailError,
    NoSuchMailbox,
    OverQuota,
    TooBig,
)
from mailaccess.model.flags import SEEN
from mailaccess.model.secret import Secret
from mailaccess.model.sequence import UidSet
from mailaccess.store.api import Appended, Expunged, Fact, FlagOperation, FlagsStored, Mailboxes, MailboxInfo


class Gate:
    """Something to wait for: ``await gate`` stops the coroutine until ``open``."""

    def __init__(self) -> None:
        self.opened = False

    def __await__(self):
        while not self.opened:
            yield self


class Running:
    """A coroutine that is gone on with by hand."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.coroutine = coroutine
        self.done = False
        self.result: Any = None
        self.go()

    def go(self) -> None:
        try:
            self.coroutine.send(None)
        except StopIteration as stop:
            self.done, self.result = True, stop.value


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    running = Running(coroutine)
    assert running.done, "the coroutine waits for something"
    return running.result


def location(name: str) -> AccountLocation:
    home = Path("/nowhere") / name
    return AccountLocation(name, home, home / "Maildir", home / "index")


class FakeUpload:
    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.data = b""
        self.discarded = False
        self.fails: MailError | None = None

    async def write(self, data: bytes) -> None:
        if self.fails is not None:
            raise self.fails
        self.data += data
        self.size = len(self.data)
        if self.size > self.limit:
            raise TooBig()

    async def discard(self) -> None:
        self.discarded = True


class FakeColumns:
    def __init__(self) -> None:
        self.uids = array("I")
        self.sizes = array("Q")

    def __len__(self) -> int:
        return len(self.uids)


class FakeBody:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.closed = False

    async def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]

    def close(self) -> None:
        self.closed = True


class FakeBodies:
    """Every second message has to be waited for."""

    def __init__(self, held: dict[int, Any]) -> None:
        self.held = held

    def present(self, place: int) -> bytes | None:
        found = self.held[place] if place % 2 else None
        return found if isinstance(found, bytes) else None

    async def read(self, place: int) -> Any:
        return self.held[place]

    def close(self) -> None:
        for each in self.held.values():
            if isinstance(each, FakeBody):
                each.close()


class FakeMailbox:
    def __init__(self, account: "FakeAccount", name: str) -> None:
        self.account = account
        self.name = name
        self.uidvalidity = account.uidvalidity
        self.columns = FakeColumns()
        for uid, data in account.boxes[name].items():
            self.columns.uids.append(uid)
            self.columns.sizes.append(len(data))
        self.reads: list[list[int]] = []
        self.open_bodies: list[FakeBody] = []
        self.closed = False

    async def read(self, uids):
        self.reads.append(list(uids))
        found: list[Any] = []
        for uid in uids:
            data = self.account.boxes[self.name].get(uid)
            if data is not None and len(data) > 2**20:
                self.open_bodies.append(FakeBody(data))
                found.append(self.open_bodies[-1])
            else:
                found.append(data)
        return found

    async def bodies(self, uids):
        found = await self.read(uids)
        held = dict(enumerate(found))
        return FakeBodies(held)

    async def facts(self, uids, wanted):
        assert list(wanted) == [Fact.HEADER]
        found = []
        for uid in uids:
            data = self.account.boxes[self.name].get(uid)
            found.append(None if data is None else (data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n",))
        return found

    async def set_flags(self, uids, operation, flags, *, unchanged_since=None):
        assert operation is FlagOperation.ADD and flags == {SEEN}
        self.account.seen |= set(uids)
        return FlagsStored(uids, UidSet(), 1)

    async def remove(self, uids):
        if self.account.remove_fails is not None:
            raise self.account.remove_fails
        gone = UidSet.of(uid for uid in uids if uid in self.account.boxes[self.name])
        for uid in gone:
            del self.account.boxes[self.name][uid]
        return Expunged(gone, 1)

    async def close(self) -> None:
        self.closed = True


class FakeLock:
    def __init__(self, account: "FakeAccount") -> None:
        self.account = account

    def release(self) -> None:
        self.account.locked = False


class FakeAccount:
    def __init__(self, name: str) -> None:
        self.location = location(name)
        self.uidvalidity = 0x65432100
        self.boxes: dict[str, dict[int, bytes]] = {"INBOX": {}}
        self.next_uid = 1
        self.full = False
        self.append_fails: MailError | None = None
        self.write_fails: MailError | None = None
        self.remove_fails: MailError | None = None
        self.gate: Gate | None = None
        self.locked = False
        self.seen: set[int] = set()
        self.uploads: list[FakeUpload] = []
        self.opened: list[FakeMailbox] = []

    def put(self, data: bytes, name: str = "INBOX") -> int:
        uid, self.next_uid = self.next_uid, self.next_uid + 1
        self.boxes.setdefault(name, {})[uid] = data
        return uid

    def messages(self, name: str = "INBOX") -> list[bytes]:
        return list(self.boxes.get(name, {}).values())

    async def mailboxes(self):
        return Mailboxes(MailboxInfo(name, True, frozenset(), name) for name in self.boxes)

    async def open_mailbox(self, name, listener):
        if name not in self.boxes:
            raise NoSuchMailbox()
        self.opened.append(FakeMailbox(self, name))
        return self.opened[-1]

    def upload(self, limit: int) -> FakeUpload:
        self.uploads.append(FakeUpload(limit))
        self.uploads[-1].fails = self.write_fails
        return self.uploads[-1]

    async def append(self, name, messages):
        if self.gate is not None:
            await self.gate
        if self.append_fails is not None:
            raise self.append_fails
        if self.full:
            raise OverQuota()
        if name not in self.boxes:
            raise NoSuchMailbox()
        return Appended(self.uidvalidity, [self.put(each.upload.data, name) for each in messages], 1)

    async def check_quota(self, octets: int, messages: int = 1) -> None:
        if self.full:
            raise OverQuota()

    async def lock(self, purpose: str) -> FakeLock:
        if self.locked:
            raise InUse()
        self.locked = True
        return FakeLock(self)


class FakeStore:
    def __init__(self) -> None:
        self.accounts: dict[str, FakeAccount] = {}
        self.fails: MailError | None = None

    def account(self, name: str) -> FakeAccount:
        return self.accounts.setdefault(name, FakeAccount(name))

    async def open(self, where: AccountLocation) -> FakeAccount:
        if self.fails is not None:
            raise self.fails
        return self.account(where.name)


class FakeExchange:
    """PLAIN, and LOGIN with its two questions."""

    def __init__(self, house: "FakeAuthenticator", mechanism: str, peer) -> None:
        self.house, self.mechanism, self.peer = house, mechanism, peer
        self.name: str | None = None

    async def step(self, response: bytes | None):
        if self.mechanism == "PLAIN":
            if response is None:
                return Challenge(b"")
            if response.count(b"\0") != 2:
                raise Malformed("That is not a PLAIN message")
            _, name, password = response.split(b"\0")
            return await self._verify(name.decode("utf-8", "replace"), password)
        if response is None:
            return Challenge(b"Username:")
        if self.name is None:
            self.name = response.decode("utf-8", "replace")
            return Challenge(b"Password:")
        return await self._verify(self.name, response)

    async def _verify(self, name: str, password: bytes):
        return await self.house.verify(
            PasswordCredentials(name, Secret(password), self.peer, mechanism=self.mechanism)
        )


class FakeAuthenticator:
    def __init__(self, domain: str = "naver.com") -> None:
        self.domain = domain
        self.passwords: dict[str, bytes] = {}
        self.fails: MailError | None = None
        self.gate: Gate | None = None
        self.offered: tuple[str, ...] = ("PLAIN", "LOGIN")

    def _full(self, name: str) -> str:
        return name if "@" in name else f"{name}@{self.domain}"

    async def verify(self, credentials: PasswordCredentials) -> Identity:
        if self.gate is not None:
            await self.gate
        if self.fails is not None:
            raise self.fails
        name = self._full(credentials.name.lower())
        if self.passwords.get(name) != credentials.password.reveal():
            raise AuthenticationFailed()
        return Identity(name, location(name))

    async def lookup(self, name: str) -> Identity | None:
        if self.gate is not None:
            await self.gate
        if self.fails is not None:
            raise self.fails
        name = self._full(name)
        return Identity(name, location(name)) if name in self.passwords else None

    def begin(self, mechanism: str, peer) -> FakeExchange:
        if mechanism.upper() not in self.offered:
            raise UnknownMechanism()
        return FakeExchange(self, mechanism.upper(), peer)

    def mechanisms(self, *, plaintext: bool = True) -> tuple[str, ...]:
        return self.offered if plaintext else tuple(name for name in self.offered if name.startswith("SCRAM"))


class FakeWire:
    """Keeps what was written; ``tls`` and ``closed`` tell what was asked for."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.tls = False
        self.closed = False
        self.vouched = False
        self.users: list[str] = []
        self.full = False
        self.gate: Gate | None = None
        self.elsewhere: set[str] = set()
        self.offered: list[Any] = []
        self.moves = False
        self.held = False

    def belongs_elsewhere(self, user: str) -> bool:
        return user in self.elsewhere

    async def move(self, luggage: Any) -> bool:
        self.offered.append(luggage)
        return self.moves

    def hold_input(self) -> None:
        self.held = True

    def take_input(self) -> None:
        self.held = False

    def write_all(self, parts: list[bytes]) -> None:
        self.write(b"".join(parts))

    def write(self, data: bytes) -> None:
        self.written.append(data)

    async def drain(self) -> None:
        if self.gate is not None:
            await self.gate

    def start_tls(self) -> None:
        self.tls = True

    def tls_description(self) -> str:
        return "TLSv1.3 cipher TLS_AES_256_GCM_SHA384"

    def vouch(self) -> None:
        self.vouched = True

    def log_in(self, user: str) -> bool:
        self.users.append(user)
        return not self.full

    def close(self) -> None:
        self.closed = True

    def take(self) -> bytes:
        octets = b"".join(self.written)
        self.written.clear()
        return octets
