"""Of the jobs of accounts one computes at a time; one that waits for the disk, or takes long, does not count.

The interpreter runs one thread at a time anyway, but eight that want to run cost more than one: each statement of
SQLite gives the interpreter's lock away and has to get it back from seven others, and the reactor's thread has to get
it from all of them. With 20 clients that worked without pause a command took a sixth more processor time, and half of
the commands took more than 18 instead of 8 ms.

A job has the lane from its beginning to its end, but for what it does under ``aside_of_it`` and after ``step_aside``.
Nothing but speed depends on it: whoever has waited for PATIENCE opens another lane, and the one that is stuck (in a
file system that does not answer, behind another process's transaction) has the old one for itself.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PATIENCE: Final = 0.1
"""Seconds: longer than nearly all jobs take, and short for whoever waits for one that does not."""

_mine = threading.local()


class Lane:
    """One for the threads of a pool."""

    def __init__(self) -> None:
        self._free = threading.Lock()
        self._opening = threading.Lock()

    def enter(self) -> None:
        """Wait for the turn of this thread."""
        lock = self._free
        _mine.lane = self
        _mine.lock = lock if lock.acquire(timeout=PATIENCE) else self._open(lock)

    def _open(self, stuck: threading.Lock) -> "threading.Lock | None":
        """Another lane, unless somebody has opened one meanwhile; None where that one is busy for long, too."""
        with self._opening:
            if self._free is stuck:
                self._free = threading.Lock()
            lock = self._free
        return lock if lock.acquire(timeout=PATIENCE) else None

    def leave(self) -> None:
        """Let the next one have it."""
        lock, _mine.lock = _mine.lock, None
        if lock is not None:
            lock.release()


def step_aside() -> None:
    """What follows in this job may take long, and nobody's short one is to wait for it."""
    if getattr(_mine, "lock", None) is not None:
        _mine.lane.leave()


@contextmanager
def aside_of_it() -> Iterator[None]:
    """Around what keeps a thread waiting and the interpreter free. Outside the store's threads it does nothing."""
    if getattr(_mine, "lock", None) is None:
        yield
        return
    lane: Lane = _mine.lane
    lane.leave()
    try:
        yield
    finally:
        lane.enter()
