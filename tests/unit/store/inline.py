"""A store that runs everything at once, for the tests of this room and its neighbours."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from mailaccess.config import sections
from mailaccess.model.account import AccountLocation, QuotaLimit
from mailaccess.model.flags import FlagSet
from mailaccess.model.sequence import UidSet
from mailaccess.observe.events import Recorder
from mailaccess.store.account import MaildirAccount
from mailaccess.store.api import Appended, Change, NewMessage
from mailaccess.store.background import InlineBackground
from mailaccess.store.engine import MaildirStore
from mailaccess.store.mailbox import MailboxHandle
from mailaccess.store.maildir.files import Files

T = TypeVar("T")

EVERYTHING = UidSet(((1, 2**32 - 1),))


def now(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine that never waits returns."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


class Clock:
    def __init__(self) -> None:
        self.time = 1_764_000_000.0

    def __call__(self) -> float:
        return self.time


class House:
    """One account in ``folder``. Nothing owed is done before ``settle``."""

    def __init__(
        self, folder: Path, *, quota: QuotaLimit | None = None, files: Files | None = None, **settings: Any
    ) -> None:
        self.folder = folder
        self.maildir = folder / "Maildir"
        self.index = folder / "index"
        self.files = files
        self.clock = Clock()
        self.log = Recorder()
        self.settings = sections.Store(**{"fsync": False, "autocreate": {}, **settings})
        self.location = AccountLocation(
            "lee@naver.com", folder, self.maildir, self.index, quota=quota or QuotaLimit()
        )
        self.start()

    def start(self) -> None:
        """Another process on the same folder; what was there before is as if killed."""
        self.background = InlineBackground()
        self.store = MaildirStore(self.settings, self.background, None, self.log, self.clock)
        if self.files is not None:
            files = self.files
            self.store.make_files = lambda location: files  # type: ignore[method-assign]
        self.account: MaildirAccount = now(self.store.open(self.location))

    def restart(self) -> None:
        now(self.store.close())
        self.start()

    def settle(self) -> None:
        """Have the Maildir follow."""
        self.account.start_work()
        assert not self.account.vault.owing

    def append(
        self, body: bytes, name: str = "INBOX", flags: FlagSet = frozenset(), date: int | None = None
    ) -> Appended:
        upload = self.account.upload(10**7)
        now(upload.write(body))
        return now(self.account.append(name, [NewMessage(upload, flags, date)]))

    def open(self, name: str = "INBOX") -> "Session":
        return Session(self, name)

    def names(self) -> list[str]:
        return [info.name for info in now(self.account.mailboxes())]

    def drop(
        self, file: str | bytes, body: bytes = b"A: b\n\nc\n", folder: str = "", place: str = "new"
    ) -> Path:
        """What another program delivers."""
        path = (
            self.maildir
            / folder
            / place
            / (file if isinstance(file, str) else file.decode("utf-8", "surrogateescape"))
        )
        path.write_bytes(body)
        self.clock.time += 1
        return path

    def files_of(self, folder: str = "", place: str = "cur") -> list[str]:
        return sorted(path.name for path in (self.maildir / folder / place).iterdir())


class Session:
    """A handle, with what it was told."""

    def __init__(self, house: House, name: str) -> None:
        self.changes: list[Change] = []
        self.box: MailboxHandle = now(house.account.open_mailbox(name, self.changes.append))

    def refresh(self) -> None:
        now(self.box.refresh())

    @property
    def uids(self) -> list[int]:
        return list(self.box.columns.uids)

    def flags(self) -> dict[int, FlagSet]:
        columns = self.box.columns
        return {
            uid: columns.flag_sets[number] for uid, number in zip(columns.uids, columns.flag_ids, strict=True)
        }

    def bodies(self) -> dict[int, bytes]:
        return dict(zip(self.uids, now(self.box.read(self.uids)), strict=True))  # type: ignore[misc]
