"""Editing the passwd-file: one line is added, changed or removed, everything else stays octet for octet.

An edit holds an exclusive flock on the file, writes a temporary file beside it, fsyncs it, renames it over
the old one and fsyncs the folder: readers see the old file or the new one, also after a power cut. Mode and
owner stay; a new file is readable by its owner only. A symbolic link is followed, not replaced.
"""

import fcntl
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mailaccess.auth.names import Naming

LOCK_TRIES: Final = 100
"""How often the lock is taken anew because another edit replaced the file meanwhile."""

Lines = list[bytes]


class NoSuchUser(LookupError):
    """There is no line for that name."""


class UserExists(ValueError):
    """There is a line for that name already."""


class BadField(ValueError):
    """A value that a line cannot hold: a colon or a line end."""


class Editor:
    """Changes one passwd-file. Every method raises OSError where the file cannot be written."""

    def __init__(self, path: Path, naming: Naming) -> None:
        self._path = path
        self._naming = naming

    def add(self, name: str, password: str, *, home: str = "", extra: str = "") -> None:
        """Append a line for the canonical ``name``; ``password``: a labelled hash. Raises UserExists."""
        fields = [name, password]
        if home or extra:
            fields += ["", "", "", home, "", extra]
        for value in fields[:-1] if extra else fields:
            _check(value, colon=False)
        _check(extra, colon=True)
        line = ":".join(fields).encode("utf-8")

        def change(lines: Lines) -> None:
            if self._find(lines, name) is not None:
                raise UserExists(name)
            if lines and not lines[-1].endswith(b"\n"):
                lines[-1] += b"\n"
            lines.append(line + b"\n")

        self._edit(change, create=True)

    def set_password(self, name: str, password: str) -> None:
        """Replace the password of ``name``; the other fields stay. Raises NoSuchUser."""
        _check(password, colon=False)

        def change(lines: Lines) -> None:
            index = self._must_find(lines, name)
            body, end = _split_end(lines[index])
            user, colon, rest = body.partition(b":")
            _, more, tail = rest.partition(b":")
            lines[index] = user + b":" + password.encode("utf-8") + (more + tail if colon else b"") + end

        self._edit(change)

    def delete(self, name: str) -> None:
        """Remove the line of ``name``. Raises NoSuchUser."""

        def change(lines: Lines) -> None:
            del lines[self._must_find(lines, name)]

        self._edit(change)

    def _must_find(self, lines: Lines, name: str) -> int:
        index = self._find(lines, name)
        if index is None:
            raise NoSuchUser(name)
        return index

    def _find(self, lines: Lines, name: str) -> int | None:
        for index, line in enumerate(lines):
            if line.lstrip().startswith(b"#"):
                continue
            written = _split_end(line)[0].partition(b":")[0].decode("utf-8", "replace").strip()
            if written and self._naming.canonical(written) == name:
                return index
        return None

    def _edit(self, change: Callable[[Lines], None], *, create: bool = False) -> None:
        path = Path(os.path.realpath(self._path))
        with _Locked(path, create=create) as held:
            *ended, last = held.read().split(b"\n")
            lines = [line + b"\n" for line in ended] + ([last] if last else [])
            change(lines)
            _replace(path, b"".join(lines), held.stat)


def _split_end(line: bytes) -> tuple[bytes, bytes]:
    body = line.rstrip(b"\r\n")
    return body, line[len(body) :]


def _check(value: str, *, colon: bool) -> None:
    if any(ord(char) < 0x20 or ord(char) == 0x7F for char in value):
        raise BadField("the value holds a control character")
    if ":" in value and not colon:
        raise BadField("the value holds a colon, which separates fields")


class _Locked:
    """The file, open and exclusively locked; made where ``create`` says so."""

    def __init__(self, path: Path, *, create: bool) -> None:
        self._path = path
        self._flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
        self._descriptor = -1

    def __enter__(self) -> "_Locked":
        for _ in range(LOCK_TRIES):
            descriptor = os.open(self._path, self._flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self.stat = os.fstat(descriptor)
                now = os.stat(self._path)
                if (now.st_ino, now.st_dev) == (self.stat.st_ino, self.stat.st_dev):
                    self._descriptor = descriptor
                    return self
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # it was renamed over while we waited: our lock is on a dead file
        raise BlockingIOError(f"{self._path} is replaced again and again")

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    def read(self) -> bytes:
        with open(os.dup(self._descriptor), "rb") as file:
            return file.read()


def _replace(path: Path, data: bytes, old: os.stat_result) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
            mine = os.fstat(file.fileno())
            if (mine.st_uid, mine.st_gid) != (old.st_uid, old.st_gid):
                os.fchown(file.fileno(), old.st_uid, old.st_gid)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
