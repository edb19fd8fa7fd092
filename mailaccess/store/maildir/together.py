"""Many new files brought to disk at once: one ``syncfs`` (Linux) in place of an fsync each.

An fsync costs 0.1 ms of processor time and the wait for a disk; a ``syncfs`` after 50 small files costs what three of
them do. It is as good only where three things hold, and is not done elsewhere:
- The file system is known to have all on disk when it returns. One in another process, or on another machine, may not
  be asked at all (FUSE before Linux 5.15).
- It reports what could not be written: Linux 5.8 and later, to whoever opened the file system before that was tried.
- Little else waits to be written, for it is brought to disk as well: a copy of a disk image that runs beside us must
  not keep a client waiting for a minute.
"""

import ctypes
import os
import platform
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

FROM: Final = 16
"""Files for which this is worth it."""

MOST_WAITING: Final = 64 * 2**20
"""Octets that may wait to be written in the whole machine: half a second of a slow disk, which 50 files with an
fsync each may take as well."""

_KNOWN: Final = frozenset((0xEF53, 0x58465342, 0x9123683E))
"""ext2 to ext4, XFS, btrfs: ``f_type`` of statfs(2)."""

_STATFS_OCTETS: Final = 512
"""More than any system's ``struct statfs``, whose first word is ``f_type``."""

_WAITING: Final = re.compile(rb"^(?:Dirty|Writeback):\s+([0-9]+) kB$", re.M)


@lru_cache(maxsize=1)
def _library() -> "ctypes.CDLL | None":
    """The C library, where the system has syncfs and reports errors of it."""
    version = re.match(r"([0-9]+)\.([0-9]+)", platform.release())
    if platform.system() != "Linux" or version is None or tuple(map(int, version.groups())) < (5, 8):
        return None
    library = ctypes.CDLL(None, use_errno=True)
    return library if hasattr(library, "syncfs") and hasattr(library, "fstatfs") else None


def sync_with(descriptor: int) -> Callable[[], None] | None:
    """What brings all of the file system to disk that is written from now on, or was before; None: not here, not now.

    descriptor: of a folder, open until then. The call blocks, and raises OSError; then each file is to be synced.
    """
    library = _library()
    if library is None or not _is_known(library, descriptor) or _waiting() > MOST_WAITING:
        return None

    def sync() -> None:
        if library.syncfs(descriptor) < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))

    return sync


def _is_known(library: ctypes.CDLL, descriptor: int) -> bool:
    found = ctypes.create_string_buffer(_STATFS_OCTETS)
    return library.fstatfs(descriptor, found) == 0 and ctypes.c_ulong.from_buffer(found).value in _KNOWN


def _waiting() -> int:
    """Octets that wait to be written, of all file systems."""
    try:
        with open("/proc/meminfo", "rb", buffering=0) as file:
            return sum(map(int, _WAITING.findall(file.read(8192)))) * 1024
    except OSError:
        return MOST_WAITING + 1
