"""A mailbox's ``new/`` and ``cur/`` on disk: what they hold, and when they changed last by whom.

The modification times are kept in the mailbox's row: as they were before the last listing, or as our own
operations left them, if they were as recorded just before. An operation of ours may so hide a change that
another program made in the same instant; ``is_doubtful`` tells.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from mailaccess.store.index.mailboxes import Box
from mailaccess.store.maildir import scan
from mailaccess.store.vault import Vault

GRAIN: Final = 20_000_000
"""Nanoseconds: modification times advance with the kernel's tick, of 1 to 10 ms."""


class Disk:
    """``scan.Folder`` on the real disk. only_new: ``cur/`` is as it was, and shows nothing at the first look."""

    def __init__(self, vault: Vault, folder: bytes, *, only_new: bool = False) -> None:
        self.vault = vault
        self.folder = folder
        self._hidden = only_new

    def listing(self, place: int) -> list[bytes]:
        if place and self._hidden:
            self._hidden = False
            return []
        return self.vault.files.listdir(self.vault.path(self.folder, place, b""))

    def inode(self, entry: scan.Entry) -> int:
        try:
            return self.vault.files.stat(self.vault.path(self.folder, *entry)).st_ino
        except FileNotFoundError:
            return 0


def folder_times(vault: Vault, box: Box) -> tuple[int, int]:
    return folder_time(vault, box, 0), folder_time(vault, box, 1)


def folder_time(vault: Vault, box: Box, place: int) -> int:
    """Of ``new/`` (0) or ``cur/`` (1)."""
    return vault.files.mtime(vault.path(box.folder, place, b"")[:-1])


def is_doubtful(box: Box) -> bool:
    """Whether our own operations came after the last listing, or within the clock's grain of it."""
    return max(box.new_mtime, box.cur_mtime) > box.scanned - GRAIN


@contextmanager
def own_changes(vault: Vault, boxes: Iterable[Box]) -> Iterator[None]:
    """Around operations of ours in these folders: they are no reason to list them. Within a transaction;
    the caller saves ``boxes``.
    """
    trusted = [box for box in boxes if folder_times(vault, box) == (box.new_mtime, box.cur_mtime)]
    yield
    for box in trusted:
        box.new_mtime, box.cur_mtime = folder_times(vault, box)
