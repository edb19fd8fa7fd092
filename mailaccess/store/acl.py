"""An account's access control lists: the ``dovecot-acl`` files of its mailboxes, and what is known of them.

The files are the truth, also for other programs that change them. They are looked at, one stat a mailbox, when
somebody asks and the last look is too old; what this process changes counts at once. Whenever a look shows
other identifiers than the last one, the account's rows of ``shares`` follow.
"""

import contextlib
import stat
from collections.abc import Callable, Mapping

from mailaccess.model import names
from mailaccess.model.errors import LimitReached, NoSuchMailbox, TemporaryFailure
from mailaccess.model.rights import MAX_ENTRIES, NONE, Acl
from mailaccess.observe.events import Level
from mailaccess.store import tree, treechanges
from mailaccess.store.api import MailboxInfo
from mailaccess.store.index import mailboxes
from mailaccess.store.maildir import acl as acl_file
from mailaccess.store.shares import Shares
from mailaccess.store.surroundings import Engine
from mailaccess.store.vault import Vault

Stamp = tuple[int, int, int, int]


class AclBook:
    """What an account on the reactor thread knows of its lists. shares: None where nothing is looked up by it."""

    def __init__(self, engine: Engine, shares: Shares | None) -> None:
        self._engine = engine
        self._shares = shares
        self._known: dict[str, Acl] = {}
        self._looked: float | None = None
        self._forgotten = 0
        self._published: frozenset[str] | None = None
        self._read: dict[bytes, tuple[Stamp, Acl]] = {}

    async def current(self, max_age: float) -> Mapping[str, Acl]:
        """The lists of those mailboxes that have one, by name, at most ``max_age`` seconds old."""
        now = self._engine.clock()
        if self._looked is not None and 0 <= now - self._looked < max_age:
            return self._known
        forgotten = self._forgotten
        known = await self._engine.run(_look, self._read)
        self._known = known
        self._looked = now if forgotten == self._forgotten else None  # else the next one looks again
        keys = frozenset[str]().union(*[acl.keys() for acl in known.values()]) if known else NONE
        if keys != self._published and self._shares is not None:
            # Own mail goes on when that file fails; it is in the log, and the next look tries again.
            with contextlib.suppress(TemporaryFailure):
                await self._shares.publish(self._engine.vault.location.name, keys)
                self._published = keys
        return known

    async def change(self, name: str, rewrite: Callable[[Acl], Acl]) -> Acl:
        """Replace a mailbox's list by what ``rewrite`` makes of it; on disk when this returns."""
        try:
            return await self._engine.run(_change, name, rewrite)
        finally:
            self.forget()
            await self.current(0)

    def forget(self) -> None:
        """The tree or a list changed: the next question is answered from the disk, not from memory."""
        self._looked = None
        self._forgotten += 1

    def created(self, name: str, inherited: bool) -> None:
        """A new mailbox without a list changes nothing else: a look at thousands for each CREATE would."""
        if inherited:
            self.forget()
        elif name in self._known:  # of an earlier mailbox of that name
            self._known = {known: acl for known, acl in self._known.items() if known != name}


def _look(vault: Vault, read: dict[bytes, tuple[Stamp, Acl]]) -> dict[str, Acl]:
    """All lists. read: those that were read before, by folder; those whose files are gone leave it."""
    tree.sync(vault)
    known: dict[str, Acl] = {}
    folders = vault.connection.execute("SELECT name, folder FROM mailboxes").fetchall()
    lost = set(read)
    for name, folder in folders:
        found = _read(vault, folder, read.get(folder))
        if found is not None:
            read[folder] = found
            known[name] = found[1]
            lost.discard(folder)
    for folder in lost:
        del read[folder]
    return known


def _read(vault: Vault, folder: bytes, before: tuple[Stamp, Acl] | None = None) -> tuple[Stamp, Acl] | None:
    """A mailbox's list with the stamp of its file; None where it has none. Damage is logged when it is new."""
    path = vault.folder(folder) + b"/" + acl_file.FILE
    try:
        found = vault.files.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    stamp = (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
    if before is not None and before[0] == stamp:
        return before
    acl = acl_file.DAMAGED
    if stat.S_ISREG(found.st_mode) and found.st_size <= acl_file.MAX_FILE:
        try:
            acl = acl_file.parse(vault.files.read(path))
        except OSError:  # unreadable for us, or replaced by something else this moment: grants nothing
            pass
    if acl.damaged:
        vault.log.log("acl-damaged", Level.WARNING, user=vault.location.name, folder=repr(folder))
    return stamp, acl


def _change(vault: Vault, name: str, rewrite: Callable[[Acl], Acl]) -> Acl:
    """Raises NoSuchMailbox, MailboxNotSelectable, LimitReached. The index's lock keeps other processes apart."""
    number = tree.find(vault, name).id
    with vault.transaction() as connection:
        box = mailboxes.by_id(connection, number)
        if box is None:
            raise NoSuchMailbox
        connection.execute(
            "UPDATE account SET unswept = unswept"
        )  # a commit, by which other processes notice
        now = _read(vault, box.folder)
        acl = rewrite(now[1] if now is not None else Acl())
        _write(vault, box.folder, acl)
    return acl


def _write(vault: Vault, folder: bytes, acl: Acl) -> None:
    if len(acl.entries) > MAX_ENTRIES:
        raise LimitReached("The access control list has too many entries")
    path = vault.folder(folder) + b"/" + acl_file.FILE
    if acl.entries:
        vault.files.replace(path, acl_file.render(acl))
    else:
        vault.files.discard(path)
    vault.files.discard(vault.root + b"/" + acl_file.LIST_FILE)


def create(vault: Vault, name: str, special_use: frozenset[str]) -> tuple[MailboxInfo, bool]:
    """``treechanges.create``; the new mailbox takes the list of the nearest mailbox above it (RFC 4314 §4).

    In a namespace of nobody the root's list, its INBOX's, stands above all. Returns with it whether it took one.
    """
    made = treechanges.create(vault, name, special_use)
    above = [*reversed(names.parents(name)), *([names.INBOX] if vault.location.shared else [])]
    for parent in above:
        box = mailboxes.by_name(vault.connection, parent)
        if box is not None:
            found = _read(vault, box.folder)
            mine = mailboxes.by_name(vault.connection, name)
            if found is not None and mine is not None and not found[1].damaged:
                _write(vault, mine.folder, found[1])
                return made, True
            break
    return made, False
