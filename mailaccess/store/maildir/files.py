"""Every operation on files that the store makes, in one place: faults are injected here.

Paths are octets. Symbolic links are not followed: neither to a message nor to a folder, since a mail
user who may write into the Maildir must not make the server read or write elsewhere. Everything raises OSError.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Final

from mailaccess.store.lane import aside_of_it
from mailaccess.store.maildir import together

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
PRESENT: Final = 2 * 2**20 + 1
"""The most that ``read_present`` reads."""

_NO_WAIT: Final[int | None] = getattr(os, "RWF_NOWAIT", None)
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def present_octets(descriptor: int, length: int, offset: int) -> bytes | None:
    """``os.pread`` of what the kernel has in memory, at most PRESENT octets; None where it has nothing.

    Raises nothing.
    """
    if _NO_WAIT is None:
        return None
    # What a BytesIO gives up is the object that was read into: a buffer copied from costs a third more a message.
    room = BytesIO(bytes(length))
    try:
        with room.getbuffer() as view:
            length = os.preadv(descriptor, (view,), offset, _NO_WAIT)
    except OSError:  # not in memory, no plain file, or a file system that cannot tell
        return None
    room.truncate(length)
    return room.getvalue()


def _nothing() -> None:
    """In place of a sync, where none is wanted."""


class Files:
    """The real file system, for one owner. A subclass may fail, or stop the process, at any operation.

    uid, gid: the owner of what is made, where the server runs as root; None leaves it.  sync: False skips fsync.
    """

    def __init__(self, uid: int | None = None, gid: int | None = None, *, sync: bool = True) -> None:
        own = os.geteuid() == 0
        self._uid = uid if own and uid is not None else -1
        self._gid = gid if own and gid is not None else -1
        self._sync = sync

    def step(self, operation: str, path: bytes) -> None:
        """Called before each operation that changes something: the place for faults."""

    # Reading

    def listdir(self, folder: bytes) -> list[bytes]:
        return os.listdir(folder)

    def plain(self, folder: bytes) -> list[bytes]:
        """The names of its plain files, hidden ones too; most file systems tell without a look at each."""
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_file(follow_symlinks=False)]

    def stat(self, path: bytes) -> os.stat_result:
        return os.stat(path, follow_symlinks=False)

    def stat_plain(self, paths: Sequence[bytes]) -> list[os.stat_result | None]:
        """Of each path; None where there is no plain file. In one loop: a new folder has 100,000 of them."""
        look, is_plain = os.lstat, stat.S_ISREG
        result: list[os.stat_result | None] = []
        for path in paths:
            try:
                found = look(path)
            except FileNotFoundError:
                result.append(None)
                continue
            result.append(found if is_plain(found.st_mode) else None)
        return result

    def mtime(self, folder: bytes) -> int:
        """In nanoseconds; 0 where there is no such folder. Raises NotADirectoryError for what is none."""
        try:
            found = os.stat(folder, follow_symlinks=False)
        except FileNotFoundError:
            return 0
        if not stat.S_ISDIR(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "not a folder")
        return found.st_mtime_ns

    def open(self, path: bytes) -> int:
        """A descriptor for reading a regular file."""
        descriptor = os.open(path, _READ)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file")
        return descriptor

    def read(self, path: bytes) -> bytes:
        descriptor = self.open(path)
        try:
            size = os.fstat(descriptor).st_size
            pieces: list[bytes] = []
            while True:
                piece = os.read(descriptor, size + 1 if size < 1 << 24 else 1 << 24)
                if not piece:
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
                pieces.append(piece)
        finally:
            os.close(descriptor)

    def read_present(self, path: bytes, most: int) -> bytes | None:
        """The file's first ``most`` octets (at most PRESENT) where the kernel has them in memory; else None.

        Never waits for the disk, so it may be called on the reactor thread. What it gives may end early, where
        the rest is not in memory: the caller knows how long the message is. Raises nothing; what is wrong with
        the file is for ``open`` to say.
        """
        if most > PRESENT:
            return None
        try:
            descriptor = os.open(path, _READ)
        except OSError:
            return None
        try:
            return present_octets(descriptor, most, 0)
        finally:
            os.close(descriptor)

    # Writing

    def create(self, path: bytes) -> int:
        """A descriptor for writing a new file."""
        self.step("create", path)
        descriptor = os.open(path, _WRITE, FILE_MODE)
        if self._uid != -1 or self._gid != -1:
            os.fchown(descriptor, self._uid, self._gid)
        return descriptor

    def write(self, descriptor: int, data: bytes) -> None:
        self.step("write", b"")
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def fsync(self, descriptor: int) -> None:
        self.step("fsync", b"")
        if self._sync:
            with aside_of_it():
                os.fsync(descriptor)

    @contextmanager
    def syncing_together(self, folder: bytes) -> "Iterator[Callable[[], None] | None]":
        """Gives what brings all files to disk that are written within, in that folder's file system, all at once.

        None where that cannot be (``together``). The call may raise OSError: then each is to be synced by itself.
        """
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sync = together.sync_with(descriptor) if self._sync else _nothing

            def stepping() -> None:
                assert sync is not None
                self.step("sync_together", folder)
                with aside_of_it():
                    sync()

            yield None if sync is None else stepping
        finally:
            os.close(descriptor)

    def sync_folder(self, folder: bytes) -> None:
        """Have the folder's entries on disk."""
        self.step("sync_folder", folder)
        if self._sync:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                with aside_of_it():
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def sync_file(self, path: bytes) -> None:
        """Have a file, and its name, on disk; nothing where it is gone."""
        try:
            descriptor = self.open(path)
        except FileNotFoundError:
            return
        try:
            self.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.sync_folder(os.path.dirname(path))

    def put(self, path: bytes, data: bytes, *, mtime: int | None = None, sync: bool = True) -> None:
        """A new file with ``data``, on disk when this returns, if ``sync``; nothing of it after an error."""
        descriptor = self.create(path)
        try:
            try:
                self.write(descriptor, data)
                if mtime is not None:
                    self.utime(descriptor, mtime)
                if sync:
                    self.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            self.discard(path)
            raise

    def replace(self, path: bytes, data: bytes, *, sync: bool = True) -> None:
        """Write a small file whole or not at all, on disk when this returns, if ``sync``."""
        beside = path + b".tmp.%d" % os.getpid()
        self.discard(beside)
        self.put(beside, data, sync=sync)
        try:
            self.rename(beside, path)
        except OSError:
            self.discard(beside)
            raise
        if sync:
            self.sync_folder(os.path.dirname(path))

    def utime(self, target: int | bytes, seconds: int) -> None:
        os.utime(target, (seconds, seconds))

    def rename(self, source: bytes, target: bytes) -> None:
        self.step("rename", target)
        os.rename(source, target)

    def link(self, source: bytes, target: bytes) -> None:
        self.step("link", target)
        os.link(source, target, follow_symlinks=False)

    def unlink(self, path: bytes) -> None:
        self.step("unlink", path)
        os.unlink(path)

    def discard(self, path: bytes) -> None:
        """Remove a file that may not be there, or may not be removable: best effort."""
        try:
            os.unlink(path)
        except OSError:
            pass

    def mkdir(self, path: bytes) -> None:
        self.step("mkdir", path)
        os.mkdir(path, FOLDER_MODE)
        if self._uid != -1 or self._gid != -1:
            os.chown(path, self._uid, self._gid, follow_symlinks=False)

    def make_folders(self, path: bytes) -> None:
        """``path`` with its parents, where they are missing."""
        missing: list[bytes] = []
        while path and not os.path.isdir(path):
            missing.append(path)
            path = os.path.dirname(path)
        for folder in reversed(missing):
            try:
                self.mkdir(folder)
            except FileExistsError:
                pass

    def remove_tree(self, path: bytes) -> None:
        """Remove a mailbox's folder: three levels at most are ours, anything deeper or foreign goes too."""
        self.step("remove_tree", path)
        with os.scandir(path) as entries:
            for entry in list(entries):
                if entry.is_dir(follow_symlinks=False):
                    self.remove_tree(entry.path)
                else:
                    os.unlink(entry.path)
        os.rmdir(path)
