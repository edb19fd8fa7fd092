"""The account's mailbox tree: folders of the Maildir++ on one side, rows of ``mailboxes`` on the other.

The folders are the truth. ``sync`` compares them with the rows whenever the Maildir's modification time is
another than at the last comparison: a folder without a row is adopted (with its ``mailaccess-uids``, or what
Dovecot left, or fresh numbers), a row without a folder goes, and a folder whose ``mailaccess-uids`` carries
the id of a row that lost its own was renamed. Folders are made under a name that is no mailbox and renamed
when complete, removed by renaming first: no program ever sees half of one.

Plain blocking code for the account's serial jobs.
"""

import os
import secrets
import sqlite3
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from mailaccess.model import names
from mailaccess.model.errors import (
    BadMailboxName,
    LimitReached,
    MailboxExists,
    MailboxHasChildren,
    MailboxNotSelectable,
    NoSuchMailbox,
    OverQuota,
    TemporaryFailure,
    UseAttribute,
)
from mailaccess.model.sequence import UidSet
from mailaccess.observe.events import Level
from mailaccess.store.api import Mailboxes, MailboxInfo
from mailaccess.store.changes import Delta
from mailaccess.store.forgetting import forget
from mailaccess.store.index import mailboxes
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import folders, subscriptions, uids
from mailaccess.store.vault import MAX_UID, MODSEQS_RESERVED, UIDS_RESERVED, Vault

MAX_MAILBOXES: Final = 10_000
"""Mailboxes in one account: bounds LIST, and what a client can make the server keep in mind."""

TEMPORARY_LIFETIME: Final = 36 * 3600
"""Seconds after which a file in ``tmp/`` is nobody's. Source: http://cr.yp.to/proto/maildir.html."""

_NEW: Final = b"..mailaccess-new."
_SUBFOLDERS: Final = (b"tmp", b"new", b"cur")


# Reading the tree


def find(vault: Vault, name: str) -> Box:
    """The mailbox's row. Raises NoSuchMailbox, MailboxNotSelectable (a name that only has mailboxes below it)."""
    box = mailboxes.by_name(vault.connection, name)
    if box is None and sync(vault):
        box = mailboxes.by_name(vault.connection, name)
    if box is not None:
        return box
    if _has_children(vault.connection, name):
        raise MailboxNotSelectable
    raise NoSuchMailbox


@dataclass(frozen=True, slots=True)
class Listing:
    """The hierarchy, and by what one sees that it is still the same."""

    infos: Mailboxes
    version: int
    root_mtime: int


def listing(vault: Vault) -> Listing:
    """All names, INBOX first."""
    vault.require_thread()
    sync(vault)
    row = vault.connection.execute("SELECT root_mtime FROM account").fetchone()
    found: dict[str, MailboxInfo] = {}
    for box in mailboxes.everything(vault.connection):
        found[box.name] = info(box)
    for name in list(found):
        for parent in names.parents(name):
            if parent not in found:
                found[parent] = MailboxInfo(parent, False, frozenset(), "")
    ordered = sorted(found.values(), key=lambda item: (item.name != names.INBOX, item.name))
    return Listing(Mailboxes(ordered), vault.tree_version, row[0])


def info(box: Box) -> MailboxInfo:
    return MailboxInfo(box.name, True, frozenset(box.special_use.split()), box.mailbox_id)


def _has_children(connection: sqlite3.Connection, name: str) -> bool:
    """Whether there are mailboxes below ``name``: "0" is the character after "/"."""
    row = connection.execute(
        "SELECT 1 FROM mailboxes WHERE name > ? AND name < ? LIMIT 1", (name + "/", name + "0")
    ).fetchone()
    return row is not None


# Comparing


def sync(vault: Vault, *, force: bool = False) -> bool:
    """Bring the rows up to date with the folders; False where nothing had changed since the last time."""
    mtime = vault.files.mtime(vault.root)
    row = vault.connection.execute("SELECT root_mtime FROM account").fetchone()
    if not force and mtime == row[0] and mtime:
        return False
    vault.require_thread()
    vault.tree_version += 1
    with vault.transaction() as connection:
        mtime = vault.files.mtime(vault.root)  # before listing: what comes later shows as another mtime
        there = _folders(vault)
        rows = {box.folder: box for box in mailboxes.everything(connection)}
        lost = {box.mailbox_id: box for folder, box in rows.items() if folder not in there}
        for folder in sorted(there):
            box = rows.get(folder)
            if box is None:
                _adopt(vault, folder, lost)
            else:
                check_uids(vault, box)
        for box in lost.values():
            _lose_moving(vault, box)
            mailboxes.remove(connection, box)
            vault.tell(Delta(box.mailbox_id, gone=True))
        connection.execute("UPDATE account SET root_mtime = ?", (mtime,))
    return True


def _folders(vault: Vault) -> set[bytes]:
    """The folders that are mailboxes, INBOX (the empty name) included: real folders that hold a ``cur``."""
    found = {b""}
    for entry in vault.files.listdir(vault.root):
        if entry.startswith(b".") and not entry.startswith(b"..") and len(entry) > 1:
            try:
                if vault.files.mtime(vault.root + b"/" + entry) and vault.files.mtime(
                    vault.root + b"/" + entry + b"/cur"
                ):
                    found.add(entry)
            except NotADirectoryError:  # a file, or a symbolic link: see files
                continue
            if len(found) > MAX_MAILBOXES:
                break
    return found


def _adopt(
    vault: Vault, folder: bytes, lost: dict[str, Box], special_use: frozenset[str] = frozenset()
) -> Box:
    """A row for a folder that has none; one that was renamed keeps its row, which leaves ``lost``."""
    connection = vault.connection
    _complete(vault, folder)
    known = _read_uids(vault, folder)
    name = _free_name(connection, folder)
    if known is not None and known.mailbox_id in lost:
        box = lost.pop(known.mailbox_id)
        box.folder, box.name = folder, name
        mailboxes.rename(connection, box)
        vault.tell(Delta(box.mailbox_id, name=name))
        return box
    if known is not None and mailboxes.by_mailbox_id(connection, known.mailbox_id) is not None:
        known.mailbox_id = new_mailbox_id()  # a copy of a whole folder
    fresh = known is None
    if known is None:
        known = _from_dovecot(vault, folder)
    if special_use:
        known.special_use = " ".join(sorted(special_use))
    elif fresh and not known.special_use:
        known.special_use = _configured_use(vault, name)
    box = _row(vault, name, folder, known, rebuilt=not fresh)
    vault.write_uids(box)
    mailboxes.save(connection, box)
    return box


def _row(vault: Vault, name: str, folder: bytes, known: uids.Uids, *, rebuilt: bool) -> Box:
    """A row for a mailbox without one. A rebuilt one goes on from the bounds, above all numbers ever given."""
    modseq = known.modseq_bound if rebuilt else 1
    box = Box(
        id=0, name=name, folder=folder, mailbox_id=known.mailbox_id, special_use=known.special_use,
        uidvalidity=known.uidvalidity, uidnext=known.uid_bound,
        uid_bound=min(known.uid_bound + UIDS_RESERVED, MAX_UID), highest_modseq=modseq,
        modseq_bound=max(known.modseq_bound, modseq + MODSEQS_RESERVED), modseq_floor=modseq, first_recent=1,
        messages=0, octets=0, new_mtime=-1, cur_mtime=-1, scanned=0, uids_stamp="",
    )  # fmt: skip
    mailboxes.add(vault.connection, box)
    mailboxes.add_keywords(vault.connection, box, known.keywords.items())
    vault.connection.execute("UPDATE account SET uidvalidity = max(uidvalidity, ?)", (known.uidvalidity,))
    return box


def _read_uids(vault: Vault, folder: bytes) -> uids.Uids | None:
    data = read_control(vault, folder, uids.FILE)
    if data is None:
        return None
    known = uids.parse(data)
    if known is None:
        vault.log.log("uids-damaged", Level.ERROR, user=vault.location.name, folder=repr(folder))
    return known


def read_control(vault: Vault, folder: bytes, file: bytes) -> bytes | None:
    """A control file of a mailbox's folder; None where there is none (or it is no plain file, or huge)."""
    path = vault.folder(folder) + b"/" + file
    try:
        found = vault.files.stat(path)
        if not stat.S_ISREG(found.st_mode) or found.st_size > uids.MAX_FILE:
            return None
        return vault.files.read(path)
    except FileNotFoundError:
        return None


def _from_dovecot(vault: Vault, folder: bytes) -> uids.Uids:
    """What Dovecot kept of the mailbox, or numbers of a new one."""
    data = read_control(vault, folder, uids.UIDLIST)
    listed = uids.parse_uidlist(data) if data is not None else None
    words = read_control(vault, folder, uids.KEYWORDS)
    keywords = uids.parse_keywords(words) if words is not None else {}
    if listed is None:
        return uids.Uids(new_uidvalidity(vault), new_mailbox_id(), keywords=keywords)
    bound = min(listed.uidnext, MAX_UID)
    return uids.Uids(listed.uidvalidity, new_mailbox_id(), uid_bound=bound, keywords=keywords)


def check_uids(vault: Vault, box: Box) -> None:
    """Notice that ``mailaccess-uids`` is gone, or another one (a backup was restored). Within a transaction."""
    stamp = vault.uids_stamp(box.folder)
    if stamp == box.uids_stamp:
        return
    known = _read_uids(vault, box.folder) if stamp else None
    if known is None or known.uidvalidity == box.uidvalidity:
        if known is not None:  # a process was killed between this file and its commit: its bounds count
            box.uid_bound = max(box.uid_bound, known.uid_bound)
            box.modseq_bound = max(box.modseq_bound, known.modseq_bound)
            mine = mailboxes.keywords(vault.connection, box)
            mailboxes.add_keywords(
                vault.connection, box, [item for item in known.keywords.items() if item[0] not in mine]
            )
        vault.write_uids(box)
        mailboxes.save(vault.connection, box)
        return
    mailboxes.remove(vault.connection, box)
    vault.tell(Delta(box.mailbox_id, gone=True))
    anew = _row(vault, box.name, box.folder, known, rebuilt=True)
    vault.write_uids(anew)
    mailboxes.save(vault.connection, anew)


def _lose_moving(vault: Vault, box: Box) -> None:
    """Another program removed a folder in which messages of other mailboxes still had their files."""
    rows = vault.connection.execute(
        "SELECT mailbox, uid FROM messages WHERE home = ? AND home <> mailbox", (box.id,)
    ).fetchall()
    for number in {row[0] for row in rows}:
        other = mailboxes.by_id(vault.connection, number)
        if other is not None:
            forget(vault, other, UidSet.of([uid for mailbox, uid in rows if mailbox == number]))
            mailboxes.save(vault.connection, other)


def _free_name(connection: sqlite3.Connection, folder: bytes) -> str:
    """The name of a folder; an escaped one where another has it (they differ in a way that names do not)."""
    name = folders.name(folder)
    other = mailboxes.by_name(connection, name)
    while other is not None and other.folder != folder:
        name = folders.escaped(folder) if name == folders.name(folder) else name + "_"
        other = mailboxes.by_name(connection, name)
    return name


def new_mailbox_id() -> str:
    """RFC 8474 §4: at most 255 of letters, digits, "-" and "_"; never used again."""
    return secrets.token_hex(12)


def new_uidvalidity(vault: Vault) -> int:
    """Now, or one more than the last one: a mailbox deleted and made anew gets a higher one."""
    row = vault.connection.execute("SELECT uidvalidity FROM account").fetchone()
    value = min(max(int(vault.clock()), int(row[0]) + 1, 1), MAX_UID)
    vault.connection.execute("UPDATE account SET uidvalidity = ?", (value,))
    return value


def _configured_use(vault: Vault, name: str) -> str:
    """A mailbox named like a configured one takes its special use, unless another has that already."""
    use = vault.autocreate.get(name, "")
    taken = use and any(use in box.special_use.split() for box in mailboxes.everything(vault.connection))
    return "" if taken else use


# Opening


def prepare_maildir(vault: Vault, autocreate: Mapping[str, str]) -> None:
    """Make the Maildir, and in a new one the configured mailboxes, subscribed. Clears what a crash left."""
    files = vault.files
    if not files.mtime(vault.root + b"/cur"):
        new = not files.mtime(vault.root)
        files.make_folders(vault.root)
        if new or not any(entry.startswith(b".") for entry in files.listdir(vault.root)):
            _populate(vault, autocreate)
    _complete(vault, b"")
    for entry in files.listdir(vault.root):
        if entry.startswith((folders.REMOVED, _NEW)):
            try:
                files.remove_tree(vault.root + b"/" + entry)
            except OSError as error:
                vault.log.log("cleanup-failed", Level.WARNING, user=vault.location.name, error=str(error))
    clear_temporary(vault)


def _populate(vault: Vault, autocreate: Mapping[str, str]) -> None:
    names_made = [
        names.canonical(name) for name in autocreate if names.problem(names.canonical(name)) is None
    ]
    for name in names_made:
        if name != names.INBOX:
            _make_folder(vault, folders.folder(name))
    path = vault.root + b"/" + subscriptions.FILE
    if not os.path.lexists(path):
        vault.files.replace(path, subscriptions.render([names.INBOX, *names_made]))


def _complete(vault: Vault, folder: bytes) -> None:
    for sub in _SUBFOLDERS:
        path = vault.folder(folder) + b"/" + sub
        if not vault.files.mtime(path):
            vault.files.mkdir(path)


def clear_temporary(vault: Vault) -> None:
    folder = vault.root + b"/tmp/"
    oldest = vault.clock() - TEMPORARY_LIFETIME
    for entry in vault.files.listdir(folder):
        try:
            if vault.files.stat(folder + entry).st_mtime < oldest:
                vault.files.unlink(folder + entry)
        except OSError:
            continue


# Changing the tree


def _make_folder(vault: Vault, folder: bytes) -> None:
    """A complete folder, under its name at once. Raises FileExistsError."""
    files = vault.files
    building = vault.root + b"/" + _NEW + secrets.token_hex(8).encode()
    files.mkdir(building)
    try:
        for sub in _SUBFOLDERS:
            files.mkdir(building + b"/" + sub)
        files.put(building + b"/maildirfolder", b"")
        if os.path.lexists(vault.root + b"/" + folder):
            raise FileExistsError
        files.rename(building, vault.root + b"/" + folder)
    except OSError:
        try:
            files.remove_tree(building)
        except OSError:
            pass
        raise
    files.sync_folder(vault.root)


def create(vault: Vault, name: str, special_use: frozenset[str]) -> MailboxInfo:
    problem = names.problem(name)
    if problem is not None:
        raise BadMailboxName(problem)
    folder = folders.folder(name)
    if not special_use <= frozenset(names.SPECIAL_USES):
        raise UseAttribute
    sync(vault)
    with vault.transaction() as connection, _own_change(vault):
        if mailboxes.by_name(connection, name) is not None or mailboxes.has_folder(connection, folder):
            raise MailboxExists
        count = mailboxes.count(connection)
        if vault.limit.mailboxes is not None and count >= vault.limit.mailboxes:
            raise OverQuota("The account may not have more mailboxes")  # RFC 9208 §5.3
        if count >= MAX_MAILBOXES:
            raise LimitReached("There are too many mailboxes")
        if special_use and any(
            special_use & frozenset(box.special_use.split()) for box in mailboxes.everything(connection)
        ):
            raise UseAttribute("Another mailbox has that special use already")
        try:
            _make_folder(vault, folder)
        except FileExistsError:
            raise MailboxExists from None
        box = _adopt(vault, folder, {}, special_use)
        return info(box)


@contextmanager
def _own_change(vault: Vault) -> Iterator[None]:
    """Around a change of ours in the Maildir's root, within a transaction: it is no reason to read the tree."""
    vault.tree_version += 1
    row = vault.connection.execute("SELECT root_mtime FROM account").fetchone()
    trusted = vault.files.mtime(vault.root) == row[0]
    yield
    if trusted:
        vault.connection.execute("UPDATE account SET root_mtime = ?", (vault.files.mtime(vault.root),))


def delete(vault: Vault, name: str) -> bytes:
    """Take the mailbox away; the folder returned is to be removed in the background."""
    if name == names.INBOX:
        raise BadMailboxName("INBOX cannot be deleted")
    sync(vault)
    box = mailboxes.by_name(vault.connection, name)
    if box is None:
        raise MailboxHasChildren if _has_children(vault.connection, name) else NoSuchMailbox
    if _holds_others(vault, box):
        vault.finish_owed()
        if _holds_others(vault, box):
            raise TemporaryFailure(detail="files of other mailboxes could not be brought away")
    with vault.transaction() as connection, _own_change(vault):
        doomed = vault.root + b"/" + folders.REMOVED + secrets.token_hex(8).encode()
        vault.files.rename(vault.folder(box.folder), doomed)
        vault.files.sync_folder(vault.root)
        mailboxes.remove(connection, box)
        vault.tell(Delta(box.mailbox_id, gone=True))
    return doomed


def _holds_others(vault: Vault, box: Box) -> bool:
    """Whether files of messages that were moved or copied elsewhere still lie in the mailbox's folder."""
    row = vault.connection.execute(
        "SELECT 1 FROM messages WHERE home = ? AND home <> mailbox LIMIT 1", (box.id,)
    ).fetchone()
    return row is not None


def remove_folder(vault: Vault, path: bytes) -> None:
    try:
        vault.files.remove_tree(path)
    except OSError as error:
        vault.log.log("cleanup-failed", Level.WARNING, user=vault.location.name, error=str(error))


def rename(vault: Vault, old: str, new: str) -> None:
    """Not for INBOX itself. Raises what ``Account.rename`` says."""
    problem = names.problem(new)
    if problem is not None:
        raise BadMailboxName(problem)
    if names.is_below(new, old):
        raise BadMailboxName("A mailbox cannot be moved below itself")
    sync(vault)
    connection = vault.connection
    moving = [
        box for box in mailboxes.everything(connection) if box.name == old or names.is_below(box.name, old)
    ]
    if not moving:
        raise NoSuchMailbox
    if mailboxes.by_name(connection, new) is not None or _has_children(connection, new):
        raise MailboxExists
    targets = [(box, new + box.name[len(old) :]) for box in moving]
    paths = [(box, target, folders.folder(target)) for box, target in targets]  # all too-long names show here
    if any(names.problem(target) is not None for _, target in targets):
        raise BadMailboxName("A mailbox below it would get an impossible name")
    with vault.transaction() as connection, _own_change(vault):
        done: list[tuple[bytes, bytes]] = []
        try:
            for box, target, folder in paths:
                source, place = vault.folder(box.folder), vault.folder(folder)
                if os.path.lexists(place):
                    raise MailboxExists
                vault.files.rename(source, place)
                done.append((source, place))
                box.name, box.folder = target, folder
                mailboxes.rename(connection, box)
                vault.tell(Delta(box.mailbox_id, name=target))
            vault.files.sync_folder(vault.root)
        except BaseException:
            for source, place in reversed(done):
                os.rename(place, source)
            raise


def continue_above_bounds(vault: Vault) -> None:
    """After another boot the index may have lost its last commits: numbers go on from the reserved bounds."""
    with vault.transaction() as connection:
        for box in mailboxes.everything(connection):
            box.uidnext = max(box.uidnext, min(box.uid_bound, MAX_UID - UIDS_RESERVED))
            box.highest_modseq = max(box.highest_modseq, box.modseq_bound)
            box.new_mtime = box.cur_mtime = -1
            vault.reserve(box)
            mailboxes.save(connection, box)


# Subscriptions


def subscribed(vault: Vault) -> list[str]:
    data = read_control(vault, b"", subscriptions.FILE)
    return subscriptions.parse(data) if data is not None else []


def set_subscribed(vault: Vault, name: str, wanted: bool) -> None:
    """Rewrite the file; a name that cannot be a mailbox is refused when it is added. Raises LimitReached."""
    now = subscribed(vault)
    if wanted == (name in now):
        return
    if wanted:
        problem = names.problem(name)
        if problem is not None:
            raise BadMailboxName(problem)
        folders.folder(name)
        if len(now) >= subscriptions.MAX_SUBSCRIPTIONS:
            raise LimitReached("There are too many subscriptions")
        now.append(name)
    else:
        now.remove(name)
    vault.files.replace(vault.root + b"/" + subscriptions.FILE, subscriptions.render(now))
