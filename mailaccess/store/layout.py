"""The folders of a Maildir on disk: made whole, completed, removed; what a crash left is cleared away.

A mailbox's folder is made under a name that is no mailbox and renamed when complete, and removed by renaming first:
no program ever sees half of one.

Plain blocking code for the account's serial jobs.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Mapping
from typing import Final

from mailaccess.model import names
from mailaccess.observe.events import Level
from mailaccess.store.maildir import folders, subscriptions
from mailaccess.store.vault import Vault

TEMPORARY_LIFETIME: Final = 36 * 3600
"""Seconds after which a file in ``tmp/`` is nobody's. Source: http://cr.yp.to/proto/maildir.html."""

NEW_LIFETIME: Final = 600
"""Seconds after which a folder that is not complete is nobody's: another worker may be making it this moment."""

_NEW: Final = b"..mailaccess-new."
_SUBFOLDERS: Final = (b"tmp", b"new", b"cur")


def prepare_maildir(vault: Vault, autocreate: Mapping[str, str]) -> None:
    """Make the Maildir, and in a new one the configured mailboxes, subscribed. Clears what a crash left."""
    files = vault.files
    if not files.mtime(vault.root + b"/cur"):
        new = not files.mtime(vault.root)
        files.make_folders(vault.root)
        made = [entry for entry in files.listdir(vault.root) if entry.startswith(b".")]
        if new or all(entry.startswith(_NEW) for entry in made):
            _populate(vault, autocreate)
    complete(vault, b"")
    for entry in files.listdir(vault.root):
        if entry.startswith((folders.REMOVED, _NEW)):
            try:
                _clear(vault, entry)
            except FileNotFoundError:  # another worker cleared it
                continue
            except OSError as error:
                vault.log.log("cleanup-failed", Level.WARNING, user=vault.location.name, error=str(error))
    clear_temporary(vault)


def _clear(vault: Vault, entry: bytes) -> None:
    path = vault.root + b"/" + entry
    if entry.startswith(_NEW) and vault.files.stat(path).st_mtime > vault.clock() - NEW_LIFETIME:
        return
    vault.files.remove_tree(path)


def _populate(vault: Vault, autocreate: Mapping[str, str]) -> None:
    names_made = [
        names.canonical(name) for name in autocreate if names.problem(names.canonical(name)) is None
    ]
    for name in names_made:
        if name != names.INBOX:
            with contextlib.suppress(
                FileExistsError
            ):  # by another worker that has the account open for the first time
                make_folder(vault, folders.folder(name))
    path = vault.root + b"/" + subscriptions.FILE
    if not os.path.lexists(path):
        vault.files.replace(path, subscriptions.render([names.INBOX, *names_made]))


def complete(vault: Vault, folder: bytes) -> None:
    for sub in _SUBFOLDERS:
        path = vault.folder(folder) + b"/" + sub
        if not vault.files.mtime(path):
            with contextlib.suppress(FileExistsError):  # made by another worker meanwhile
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


def make_folder(vault: Vault, folder: bytes) -> None:
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
    except OSError as error:
        with contextlib.suppress(OSError):
            files.remove_tree(building)
        if error.errno == errno.ENOTEMPTY:  # made by another worker meanwhile
            raise FileExistsError from error
        raise
    files.sync_folder(vault.root)


def remove_folder(vault: Vault, path: bytes) -> None:
    try:
        vault.files.remove_tree(path)
    except OSError as error:
        vault.log.log("cleanup-failed", Level.WARNING, user=vault.location.name, error=str(error))
