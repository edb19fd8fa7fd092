"""One server with what the rows need of it: sessions, mailboxes full of letters, sizes."""

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.bench.letters import letter
from tests.bench.measuring import Lap, Missing, Record, measured, rest
from tests.bench.servers import Peer, User
from tests.bench.speaking import Address, Imap, Refused, expect

QUIET = 2.5
"""Seconds after which a Maildir counts as unchanged: within that of a change, servers look again."""


@dataclass(frozen=True)
class Sizes:
    """How much every row does."""

    messages: int = 10_000
    flags: int = 100_000
    octets: int = 5 * 1024
    seconds: float = 3.0
    connections: int = 8
    singles: int = 1000
    repeats: int = 5
    folders: int = 200
    idle: int = 400
    notifications: int = 100
    maildrop: int = 2000
    clients: int = 20
    mixed_seconds: float = 10.0
    quiet: float = QUIET


QUICK = Sizes(
    messages=1000, flags=5000, seconds=1.0, singles=200, folders=50, idle=100, notifications=30, maildrop=300,
    clients=8, mixed_seconds=3.0,
)  # fmt: skip

TINY = Sizes(
    messages=180, flags=200, octets=1500, seconds=0.0, connections=2, singles=5, repeats=1, folders=3, idle=4,
    notifications=3, maildrop=7, clients=2, mixed_seconds=0.3, quiet=0.0,
)  # fmt: skip
"""What the ordinary tests run: enough of everything to be wrong."""


class Corpus:
    """Letters as files with bare newlines, as deliverers write them; made once, linked into Maildirs."""

    def __init__(self, folder: Path, octets: int) -> None:
        self._folder = folder
        self.octets = octets
        self._sizes: dict[int, tuple[int, int]] = {}
        folder.mkdir(exist_ok=True)

    def letter(self, number: int) -> bytes:
        """In wire form."""
        return letter(number, self.octets)

    def wire_octets(self, count: int) -> int:
        return sum(self.sizes(number)[1] for number in range(count))

    def sizes(self, number: int) -> tuple[int, int]:
        """(octets of the file, octets in wire form)."""
        if number not in self._sizes:
            wire = self.letter(number)
            stored = wire.replace(b"\r\n", b"\n")
            (self._folder / str(number)).write_bytes(stored)
            self._sizes[number] = len(stored), len(wire)
        return self._sizes[number]

    def drop(self, maildir: Path, count: int, *, size: int = 0) -> Iterator[Path]:
        """Put the letters 0 to ``count`` - 1 into ``maildir``/cur, seen; ``size``: repeat after that many."""
        now = int(time.time()) - 1_000_000
        (maildir / "cur").mkdir(exist_ok=True)
        for number in range(count):
            source = number % size if size else number
            stored, wire = self.sizes(source)
            path = maildir / "cur" / f"{now + number}.M{number}P1.bench,S={stored},W={wire}:2,S"
            try:
                os.link(self._folder / str(source), path)
            except OSError:  # another file system, or too many links
                path.write_bytes((self._folder / str(source)).read_bytes())
            yield path


class Bench:
    """A peer, and the means to use it. Users are dealt out by purpose, so that no row disturbs another."""

    LOGIN, MIXED, DELIVERED = range(20), range(20, 40), range(40, 50)
    FOLDERS, IDLE, POP3, APPENDED = 50, range(40), 51, range(52, 60)

    def __init__(self, peer: Peer, sizes: Sizes, corpus: Corpus, record: Record) -> None:
        self.peer = peer
        self.sizes = sizes
        self.corpus = corpus
        self.record = record
        self._filled: set[User] = set()
        self._names = itertools.count(1)
        self._start = f"bench{os.getpid()}x{int(time.time()) % 10**6}x"

    def user(self, number: int) -> User:
        return self.peer.users[number % len(self.peer.users)]

    def measure(self, name: str, unit: str) -> AbstractContextManager[Lap]:
        return measured(self.record, self.peer.name, self.peer.pid, name, unit)

    def value(self, name: str, unit: str, value: float) -> None:
        with self.measure(name, unit) as lap:
            lap.value = value

    def address(self, service: str) -> Address:
        address: Address | None = getattr(self.peer, service)
        if address is None:
            raise Missing(f"no {service}")
        return address

    def login(self, user: User, mailbox: str = "", service: str = "imap") -> Imap:
        imap = Imap(self.address(service), tls=service == "imaps")
        imap.login(user.name, user.password)
        if mailbox:
            imap.select(mailbox)
        return imap

    @contextmanager
    def session(self, user: User, mailbox: str = "", service: str = "imap") -> Iterator[Imap]:
        imap = self.login(user, mailbox, service)
        try:
            yield imap
            imap.logout()
        finally:
            imap.close()

    @contextmanager
    def mailbox(self, count: int, *, opened: bool = True, repeated: int = 0) -> Iterator[tuple[User, str]]:
        """A new mailbox with the letters 0 to ``count`` - 1, gone in the end.

        opened: it has been selected, left alone and selected again, so nothing need be looked at any more.
        repeated: after so many letters they begin again.
        """
        user, name = self.user(self.FOLDERS), f"{self._start}{next(self._names)}"
        with self.session(user) as imap:
            imap.ask(f"CREATE {name}")
        try:
            self.fill(user, name, count, repeated)
            if opened:
                self.settle(user, name, count)
            yield user, name
        finally:
            with suppress(OSError, Refused), self.session(user) as imap:
                imap.ask(f"DELETE {name}")

    def settle(self, user: User, name: str, count: int) -> None:
        for pause in (0.0, self.sizes.quiet):
            rest(pause)
            with self.session(user) as imap:
                expect(imap.select(name), count, "EXISTS")

    def fill(self, user: User, name: str, count: int, repeated: int = 0) -> None:
        maildir = self.peer.maildir(user)
        if maildir is None:
            with self.session(user) as imap:
                for number in range(count):
                    imap.append(name, self.corpus.letter(number % repeated if repeated else number), "\\Seen")
            return
        folder = maildir if name == "INBOX" else maildir / f".{name}"
        if name == "INBOX" and not (folder / "cur").is_dir():
            with self.session(user, "INBOX"):
                pass
        for _ in self.corpus.drop(folder, count, size=repeated):
            pass

    def fill_inbox(self, user: User, count: int) -> None:
        """At least ``count`` letters in the INBOX; once for each user."""
        if user in self._filled:
            return
        self._filled.add(user)
        with self.session(user) as imap:
            present = imap.select("INBOX")
        if present < count:
            self.fill(user, "INBOX", count - present)
            with self.session(user) as imap:
                expect(imap.select("INBOX"), count, "EXISTS")
