"""One fsync of a folder for all who wait for one: with eight messages on their way in, an eighth of the cost each.

A sync does for everybody who asked before it began. Used from several threads.
"""

import os
import threading


class _Round:
    """One sync: who asks before it has begun takes part."""

    def __init__(self) -> None:
        self.begun = False
        self.done = False
        self.problem: OSError | None = None


class FolderSync:
    """folder: its path."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._condition = threading.Condition()
        self._next = _Round()
        self._running = False

    def __call__(self) -> None:
        """What was renamed or removed in the folder before the call is on disk after it. Raises OSError."""
        with self._condition:
            mine = self._next
            while not mine.done and (mine.begun or self._running):
                self._condition.wait()
            if not mine.done:
                mine.begun = self._running = True
                self._next = _Round()
        if not mine.done:
            self._run(mine)
        if mine.problem is not None:
            raise OSError(mine.problem.errno, mine.problem.strerror)

    def _run(self, mine: _Round) -> None:
        try:
            sync(self._folder)
        except OSError as error:
            mine.problem = error
        finally:
            with self._condition:
                mine.done = True
                self._running = False
                self._condition.notify_all()


def sync(folder: str) -> None:
    """Have the folder itself on disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
