"""CREATE, DELETE and RENAME: a folder of the Maildir++ and the row of its mailbox, in one transaction.

Plain blocking code for the account's serial jobs.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from mailaccess.model import names
from mailaccess.model.errors import (
    BadMailboxName,
    LimitReached,
    MailboxExists,
    MailboxHasChildren,
    NoSuchMailbox,
    OverQuota,
    TemporaryFailure,
    UseAttribute,
)
from mailaccess.store.api import MailboxInfo
from mailaccess.store.changes import Delta
from mailaccess.store.index import mailboxes
from mailaccess.store.index.mailboxes import Box
from mailaccess.store.layout import make_folder
from mailaccess.store.maildir import folders
from mailaccess.store.tree import MAX_MAILBOXES, adopt, has_children, info, sync
from mailaccess.store.vault import Vault


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
            make_folder(vault, folder)
        except FileExistsError:
            raise MailboxExists from None
        box = adopt(vault, folder, special_use)
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
        raise MailboxHasChildren if has_children(vault.connection, name) else NoSuchMailbox
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
    if mailboxes.by_name(connection, new) is not None or has_children(connection, new):
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
