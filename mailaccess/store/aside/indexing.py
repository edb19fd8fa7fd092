"""The process that indexes accounts, in place of the threads of the server: headers, texts and words of new mail, and
rows and structures where the server has left any (``delegation``).

It opens an account's index as a second worker would, and commits in small transactions under SQLite's locks; what it
makes is derived from what is there, so it changes nothing that a session shows. The server keeps its interpreter for
its clients, and what the work takes of memory goes back to the system with the process. The server says which account,
and for how long; whatever goes wrong here, it does the work itself, and there it is logged.

An index that is to be made, rebuilt or taken up after another boot is left to the server, and so is what an account
owes its Maildir.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from mailaccess.model.account import AccountLocation
from mailaccess.model.errors import MailError
from mailaccess.observe.events import Silent
from mailaccess.store import housekeeping
from mailaccess.store.aside import work
from mailaccess.store.aside.process import Aside, Ticket
from mailaccess.store.changes import Delta
from mailaccess.store.index import connection as index_file
from mailaccess.store.maildir.deliver import UniqueNames
from mailaccess.store.maildir.files import Files
from mailaccess.store.vault import Vault

MADE_AT_ONCE: Final = 128
"""Messages whose texts are made before they are committed: 50 ms, then 5 to 10 in which others of the account wait."""


class Asked(NamedTuple):
    """In plain values, as all that goes to and from such a process. seconds: after which no new batch begins."""

    name: str
    maildir: bytes
    index_folder: bytes
    uid: int | None
    gid: int | None
    seconds: float


class Answer(NamedTuple):
    """left: 0 when all is indexed, negative where the server is to see to it.  headed: whether no message lacks what
    headers tell.  resized: of mailboxes by their ids, the UIDs whose size was told otherwise, with what it is.
    """

    left: int
    headed: bool
    resized: list[tuple[str, list[tuple[int, int]]]]


REFUSED: Final = Answer(-1, False, [])


def asked_of(location: AccountLocation, seconds: float) -> Asked:
    return Asked(
        location.name,
        os.fsencode(location.maildir),
        os.fsencode(location.index),
        location.uid,
        location.gid,
        seconds,
    )


class Declined(MailError):
    """The index is not one to go on with here."""


class Indexes:
    """Has one account open."""

    def __init__(self) -> None:
        self._vault: _Vault | None = None

    def answer(self, kind: str, asked: list[Any]) -> list[tuple[Any, ...]]:
        """As ``work.answer``."""
        return [tuple(self.index_some(Asked._make(each))) for each in asked]

    def index_some(self, asked: Asked) -> Answer:
        end = time.monotonic() + asked.seconds
        vault = self._vault_of(asked)
        if vault is None:
            return REFUSED
        try:
            while left := vault.job(housekeeping.make_some, MADE_AT_ONCE):
                vault.checkpoint()
                if time.monotonic() >= end:
                    break
        except (MailError, OSError):
            self.close()
            return REFUSED
        headed = not vault.packed and (vault.described is None or not left)
        resized, vault.resized = vault.resized, []
        if not left:
            self.close()
        return Answer(left, headed, resized)

    def _vault_of(self, asked: Asked) -> "_Vault | None":
        index = Path(os.fsdecode(asked.index_folder))
        if self._vault is not None and self._vault.location.index != index:
            self.close()
        if not os.path.exists(index / index_file.FILE):
            self.close()
            return None
        if self._vault is None:
            maildir = Path(os.fsdecode(asked.maildir))
            location = AccountLocation(asked.name, maildir.parent, maildir, index, asked.uid, asked.gid)
            self._vault = _Vault(location, time.time)
        return self._vault

    def close(self) -> None:
        """Close the account, so that the last to have it open is the server, as a rule."""
        if self._vault is not None:
            self._vault.close()
            self._vault = None


class _Vault(Vault):
    """resized: as ``Answer``."""

    def __init__(self, location: AccountLocation, clock: Callable[[], float]) -> None:
        super().__init__(
            location, Files(location.uid, location.gid), Silent(), clock, _drop, _Derived(), {},
            UniqueNames(clock), location.quota,
        )  # fmt: skip
        self.resized: list[tuple[str, list[tuple[int, int]]]] = []
        self.aside = _Here(0)

    def tell(self, delta: Delta) -> None:
        if delta.resized:
            self.resized.append((delta.mailbox_id, list(delta.resized)))

    def _heal(self, error: Exception) -> bool:
        return False


class _Derived:
    """``vault.Lifecycle``: nothing but what is derived is touched."""

    def opened(self, vault: Vault, *, fresh: bool, rebooted: bool) -> None:
        if fresh or rebooted:
            raise Declined

    def leaving(self, vault: Vault) -> None:
        return None

    def catch_up(self, vault: Vault) -> None:
        return None

    def reload(self, vault: Vault, mailbox_id: str) -> Delta | None:
        return None


class _Here(Aside):
    """What jobs would ask the process beside the server, answered on the spot."""

    def send(self, kind: str, asked: list[Any]) -> Ticket | None:
        return _Told(work.answer(kind, asked))


class _Told(Ticket):
    def __init__(self, told: list[tuple[Any, ...]]) -> None:
        self._told = told

    def answer(self) -> list[tuple[Any, ...]] | None:
        return self._told


def _drop(delta: Delta) -> None:
    """No session has a mailbox open here."""
