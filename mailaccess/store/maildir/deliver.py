"""How a message becomes a file: written in ``tmp/``, synced, renamed into place.

Unique parts are ``seconds.MmicrosecondsPpidQcount.host`` as Dovecot makes them; the count never repeats in a
process, the process and host tell the rest apart.
"""

import itertools
import os
import socket
from collections.abc import Callable

from mailaccess.store.maildir.files import Files

_count = itertools.count(1)
"""Of the process, however many stores it has."""


def host_part(name: str) -> str:
    """A host name fit for a file name: what the grammar uses otherwise is written in octal, as the format says."""
    return (
        "".join(
            [
                char if char.isascii() and (char.isalnum() or char in "-._") else f"\\{ord(char):03o}"
                for char in name
            ]
        )[:64]
        or "localhost"
    )


class UniqueNames:
    """Makes unique parts. clock: seconds since the epoch."""

    def __init__(self, clock: Callable[[], float], host: str = "") -> None:
        self._clock = clock
        self.host = host_part(host or socket.gethostname())
        self._pid = os.getpid()

    def make(self) -> str:
        micros = int(self._clock() * 1_000_000)
        seconds, rest = divmod(micros, 1_000_000)
        return f"{seconds}.M{rest}P{self._pid}Q{next(_count)}.{self.host}"


def stage(files: Files, path: bytes, pieces: list[bytes], date: int | None) -> None:
    """A complete, synced file at ``path`` in ``tmp/``. Nothing stays after an error. Raises OSError."""
    descriptor = files.create(path)
    try:
        try:
            for piece in pieces:
                files.write(descriptor, piece)
            finish(files, descriptor, date)
        finally:
            os.close(descriptor)
    except OSError:
        files.discard(path)
        raise


def finish(files: Files, descriptor: int, date: int | None) -> None:
    """Set the date that becomes INTERNALDATE, and have the octets on disk."""
    if date is not None:
        files.utime(descriptor, date)
    files.fsync(descriptor)
