"""The account's mailbox tree: folders of the Maildir++ on one side, rows of ``mailboxes`` on the other.

The folders are the truth. ``sync`` compares them with the rows whenever the Maildir's modification time is
another than at the last comparison: a folder without a row is adopted (with its ``mailaccess-uids``, or what
Dovecot left, or fresh numbers), a row without a folder goes, and a folder whose ``mailaccess-uids`` carries
the id of a row that lost its own was renamed. Folders are made under a name that is no mailbox and renamed
when complete, removed by renaming first: no program ever sees half of one.

Plain blocking code for the account's serial jobs.
"""

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from mailaccess.model import names
from mailaccess.model.errors import (
    MailboxNotSelectable,
    NoSuchMailbox,
)
from mailaccess.model.sequence import UidSet
from mailaccess.observe.events import Level
from mailaccess.store.api import Mailboxes, MailboxInfo
from mailaccess.store.bounds import (
    MAX_UID,
    MODSEQS_RESERVED,
    UIDS_RESERVED,
    highest_uidvalidity,
    reserve,
    write_uids,
)
from mailaccess.store.changes import Delta
from mailaccess.store.control import read_control
from mailaccess.store.forgetting import forget
from mailaccess.store.index import mailboxes
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.layout import complete
from mailaccess.store.maildir import folders, uids
from mailaccess.store.vault import Vault

MAX_MAILBOXES: Final = 10_000
"""Mailboxes in one account: bounds LIST, and what a client can make the server keep in mind."""

ENTRY: Final = 16
"""Octets that a message takes in its folder at the least, as the folder's own size tells."""


# Reading the tree


def find(vault: Vault, name: str) -> Box:
    """The mailbox's row. Raises NoSuchMailbox, MailboxNotSelectable (a name that only has mailboxes below it)."""
    box = mailboxes.by_name(vault.connection, name)
    if box is None and sync(vault):
        box = mailboxes.by_name(vault.connection, name)
    if box is not None:
        return box
    if has_children(vault.connection, name):
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


def has_children(connection: sqlite3.Connection, name: str) -> bool:
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
        adopted: list[Adopted] = []
        for folder in sorted(there):
            box = rows.get(folder)
            if box is None:
                adopted.append(_adopt(vault, folder, lost))
            else:
                check_uids(vault, box)
        if adopted:
            _have_on_disk(vault, rows.get(b"") or adopted[0].box, adopted)  # INBOX's folder is the first
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


def adopt(vault: Vault, folder: bytes, special_use: frozenset[str]) -> Box:
    """A row for a folder made this moment, whose numbers are on disk."""
    box = _adopt(vault, folder, {}, special_use).box
    vault.files.sync_file(_uids_path(vault, box))
    return box


class Adopted(NamedTuple):
    """A mailbox with a new row. on_disk: whether the file with its numbers is.  is_new: whether its UIDVALIDITY is."""

    box: Box
    on_disk: bool
    is_new: bool


def _have_on_disk(vault: Vault, inbox: Box, adopted: Sequence[Adopted]) -> None:
    """Have on disk, before anybody is told of the numbers, what makes sure that they are not given again.

    The file of a mailbox that had no numbers may wait. If the machine loses its power before it is on disk, the
    mailbox is as if never looked at: its UIDVALIDITY will be another one, later by the clock, and nothing told under
    the old one counts. That the clock has gone on after a boot is what all UIDVALIDITYs rest on that are made without
    an index. One that is ahead of the clock, since many were made in one second, waits only if INBOX's file says on
    disk how far they went. A mailbox with numbers of its own, ours or Dovecot's, would keep its UIDVALIDITY and could
    give UIDs above those in its lists once more: it may not wait. A file that was not synced may also be there in
    part: such a one is damaged, so as good as none.
    """
    for each in adopted:
        if not each.on_disk and not each.is_new:
            vault.files.sync_file(_uids_path(vault, each.box))
    waiting = [each.box for each in adopted if not each.on_disk and each.is_new]
    if any(box.uidvalidity > vault.clock() for box in waiting):
        write_uids(vault, inbox)
        mailboxes.save(vault.connection, inbox)
    for box in waiting:
        vault.sync_later(_uids_path(vault, box))


def _uids_path(vault: Vault, box: Box) -> bytes:
    return vault.folder(box.folder) + b"/" + uids.FILE


def _adopt(
    vault: Vault, folder: bytes, lost: dict[str, Box], special_use: frozenset[str] = frozenset()
) -> Adopted:
    """A row for a folder that has none; one that was renamed keeps its row, which leaves ``lost``."""
    connection = vault.connection
    complete(vault, folder)
    known = _read_uids(vault, folder)
    name = _free_name(connection, folder)
    if known is not None and known.mailbox_id in lost:
        box = lost.pop(known.mailbox_id)
        box.folder, box.name = folder, name
        mailboxes.rename(connection, box)
        vault.tell(Delta(box.mailbox_id, name=name))
        return Adopted(box, True, False)
    if known is not None and mailboxes.by_mailbox_id(connection, known.mailbox_id) is not None:
        known.mailbox_id = new_mailbox_id()  # a copy of a whole folder
    fresh, is_new = known is None, False
    if known is None:
        known, is_new = _from_dovecot(vault, folder)
    if special_use:
        known.special_use = " ".join(sorted(special_use))
    elif fresh and not known.special_use:
        known.special_use = _configured_use(vault, name)
    box = _row(vault, name, folder, known, rebuilt=not fresh)
    write_uids(vault, box, sync=not fresh)  # what replaces another file is on disk before it does
    mailboxes.save(connection, box)
    return Adopted(box, not fresh, is_new)


def _row(vault: Vault, name: str, folder: bytes, known: uids.Uids, *, rebuilt: bool) -> Box:
    """A row for a mailbox without one. A rebuilt one goes on from the bounds, above all numbers ever given."""
    modseq = known.modseq_bound if rebuilt else 1
    reserved = max(UIDS_RESERVED, _most_messages(vault, folder))  # else the first look raised it again
    box = Box(
        id=0, name=name, folder=folder, mailbox_id=known.mailbox_id, special_use=known.special_use,
        uidvalidity=known.uidvalidity, uidnext=known.uid_bound,
        uid_bound=min(known.uid_bound + reserved, MAX_UID), highest_modseq=modseq,
        modseq_bound=max(known.modseq_bound, modseq + MODSEQS_RESERVED), modseq_floor=modseq, first_recent=1,
        messages=0, octets=0, new_mtime=-1, cur_mtime=-1, scanned=0, uids_stamp="",
    )  # fmt: skip
    mailboxes.add(vault.connection, box)
    mailboxes.add_keywords(vault.connection, box, known.keywords.items())
    _note_uidvalidity(vault, known)
    return box


def _note_uidvalidity(vault: Vault, known: uids.Uids) -> None:
    highest = max(known.uidvalidity, known.uidvalidity_bound)
    vault.connection.execute("UPDATE account SET uidvalidity = max(uidvalidity, ?)", (highest,))


def _most_messages(vault: Vault, folder: bytes) -> int:
    """About the most messages that lie in a mailbox's folder, without a look at them."""
    path = vault.folder(folder)
    return sum([vault.files.stat(path + place).st_size for place in (b"/new", b"/cur")]) // ENTRY


def _read_uids(vault: Vault, folder: bytes) -> uids.Uids | None:
    data = read_control(vault, folder, uids.FILE)
    if data is None:
        return None
    known = uids.parse(data)
    if known is None:
        vault.log.log("uids-damaged", Level.ERROR, user=vault.location.name, folder=repr(folder))
    return known


def _from_dovecot(vault: Vault, folder: bytes) -> tuple[uids.Uids, bool]:
    """What Dovecot kept of the mailbox, or numbers of a new one; and whether its UIDVALIDITY is new."""
    data = read_control(vault, folder, uids.UIDLIST)
    listed = uids.parse_uidlist(data) if data is not None else None
    words = read_control(vault, folder, uids.KEYWORDS)
    keywords = uids.parse_keywords(words) if words is not None else {}
    if listed is None:
        return uids.Uids(new_uidvalidity(vault), new_mailbox_id(), keywords=keywords), True
    bound = min(listed.uidnext, MAX_UID)
    return uids.Uids(listed.uidvalidity, new_mailbox_id(), uid_bound=bound, keywords=keywords), False


def check_uids(vault: Vault, box: Box) -> None:
    """Notice that ``mailaccess-uids`` is gone, or another one (a backup was restored). Within a transaction."""
    stamp = vault.uids_stamp(box.folder)
    if stamp == box.uids_stamp:
        return
    known = _read_uids(vault, box.folder) if stamp else None
    if known is not None:
        _note_uidvalidity(vault, known)
    if known is None or known.uidvalidity == box.uidvalidity:
        if known is not None:  # a process was killed between this file and its commit: its bounds count
            box.uid_bound = max(box.uid_bound, known.uid_bound)
            box.modseq_bound = max(box.modseq_bound, known.modseq_bound)
            mine = mailboxes.keywords(vault.connection, box)
            mailboxes.add_keywords(
                vault.connection, box, [item for item in known.keywords.items() if item[0] not in mine]
            )
        write_uids(vault, box)
        mailboxes.save(vault.connection, box)
        return
    mailboxes.remove(vault.connection, box)
    vault.tell(Delta(box.mailbox_id, gone=True))
    anew = _row(vault, box.name, box.folder, known, rebuilt=True)
    write_uids(vault, anew)
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
    value = min(max(int(vault.clock()), highest_uidvalidity(vault) + 1, 1), MAX_UID)
    vault.connection.execute("UPDATE account SET uidvalidity = ?", (value,))
    return value


def _configured_use(vault: Vault, name: str) -> str:
    """A mailbox named like a configured one takes its special use, unless another has that already."""
    use = vault.autocreate.get(name, "")
    taken = use and any(use in box.special_use.split() for box in mailboxes.everything(vault.connection))
    return "" if taken else use


def continue_above_bounds(vault: Vault) -> None:
    """After another boot the index may have lost its last commits: numbers go on from the reserved bounds."""
    with vault.transaction() as connection:
        for box in mailboxes.everything(connection):
            box.uidnext = max(box.uidnext, min(box.uid_bound, MAX_UID - UIDS_RESERVED))
            box.highest_modseq = max(box.highest_modseq, box.modseq_bound)
            box.new_mtime = box.cur_mtime = -1
            reserve(vault, box)
            mailboxes.save(connection, box)
