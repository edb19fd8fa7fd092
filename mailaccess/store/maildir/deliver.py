"""How a message becomes a file: written in ``tmp/``, synced, renamed into place.

Unique parts are ``seconds.MmicrosecondsPpidQcount.host`` as Dovecot makes them; the count never repeats in a
process, the process and host tell the rest apart.
"""

import itertools
import os
import socket
import time
from collections.abc import Callable
from typing import Final

from mailaccess.store.maildir.files import Files

TICK: Final = 0.02
"""Seconds by which the clock of the file system may lag behind: one tick of the kernel's, of 1 to 10 ms."""

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


def finish(files: Files, descriptor: int, last: bytes, date: int, *, sync: bool = True) -> None:
    """Write the last octets, set the date that becomes INTERNALDATE, and have all on disk if ``sync``. Raises OSError.

    The kernel sets the date itself when it is this second's: a system call less, of eight that a message takes.
    """
    begun = time.time() - TICK
    if last:
        files.write(descriptor, last)
    if not last or int(begun) != date or int(time.time()) != date:
        files.utime(descriptor, date)
    if sync:
        files.fsync(descriptor)
