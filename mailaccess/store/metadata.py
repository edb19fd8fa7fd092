"""Annotations of mailboxes and of the account (RFC 5464): read and written as whole small files.

Plain blocking code for the account's serial jobs. Two processes that change one mailbox's annotations in the
same instant are kept apart by the index's write lock.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from mailaccess.model import names
from mailaccess.model.errors import LimitReached, MailboxNotSelectable, NoSuchMailbox
from mailaccess.store import tree
from mailaccess.store.api import MAX_METADATA, MAX_METADATA_OCTETS, AnnotationMark
from mailaccess.store.index.mailboxes import by_name
from mailaccess.store.maildir import metadata
from mailaccess.store.vault import Vault


def entries(vault: Vault, mailbox: str | None) -> dict[str, bytes]:
    """mailbox: None for the account's own. Raises NoSuchMailbox, MailboxNotSelectable."""
    return _read(vault, _path(vault, mailbox))


def change(vault: Vault, mailbox: str | None, values: Mapping[str, bytes | None]) -> None:
    """Set some, remove those that are None: all or nothing. Raises LimitReached besides."""
    _path(vault, mailbox)  # here, since looking for an unknown name begins a transaction of its own
    with vault.transaction() as connection:
        connection.execute(
            "UPDATE account SET unswept = unswept"
        )  # a commit, by which other processes notice
        if mailbox is not None and by_name(connection, mailbox) is None:
            raise NoSuchMailbox  # gone within this moment
        path = _path(vault, mailbox)
        now = _read(vault, path)
        for name, value in values.items():
            if value is None:
                now.pop(name, None)
            else:
                now[name] = value
        octets = sum(len(name) + len(value) for name, value in now.items())
        if len(now) > MAX_METADATA or octets > MAX_METADATA_OCTETS:
            raise LimitReached("There are too many annotations")
        if now:
            vault.files.replace(path, metadata.render(now))
        else:
            vault.files.discard(path)


def copy_from_inbox(vault: Vault, target: str) -> None:
    """RENAME of INBOX: its annotations stay and go along. RFC 5464 §4.1."""
    kept = entries(vault, names.INBOX)
    if kept:
        change(vault, target, kept)


def marks(
    vault: Vault, mailboxes: Sequence[str | None], known: Mapping[str | None, AnnotationMark]
) -> dict[str | None, AnnotationMark]:
    """``Account.annotation_marks``."""
    found: dict[str | None, AnnotationMark] = {}
    for mailbox in mailboxes:
        try:
            path = _path(vault, mailbox)
        except (NoSuchMailbox, MailboxNotSelectable):
            continue
        stamp = _stamp(vault, path)
        before = known.get(mailbox)
        if before is not None and before.stamp == stamp:
            found[mailbox] = before
        else:
            kept = _read(vault, path) if stamp else {}
            digests = {name: blake2b(value, digest_size=8).digest() for name, value in kept.items()}
            found[mailbox] = AnnotationMark(stamp, digests)
    return found


def _stamp(vault: Vault, path: bytes) -> tuple[int, ...]:
    """Empty where there is no such file."""
    try:
        found = vault.files.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size


def _path(vault: Vault, mailbox: str | None) -> bytes:
    if mailbox is None:
        return vault.root + b"/" + metadata.SERVER_FILE
    return vault.folder(tree.find(vault, mailbox).folder) + b"/" + metadata.FILE


def _read(vault: Vault, path: bytes) -> dict[str, bytes]:
    try:
        return metadata.parse(vault.files.read(path))
    except FileNotFoundError:
        return {}
