"""Notices changes of files and folders: inotify where the system has it, else a look at modification times.

One inotify descriptor for the process (the kernel allows 128 a user by default, and 8,192 to 65,536 watches);
paths that could not be watched, because a limit was reached or there is no inotify, are looked at every
``POLL_SECONDS``, at most ``MAX_POLLED`` of them. A path may be asked for several times.

Our own binding and not ``twisted.internet.inotify``: that one makes two FilePaths an event (30 µs, and our own
renames of 10,000 files are 20,000 events), and stops altogether when one watched folder is removed.
"""

import ctypes
import os
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

_log = Logger()

POLL_SECONDS: Final = 3.0
"""Between two looks where there is no inotify: a stat takes 1 µs."""

MAX_POLLED: Final = 2_000
"""Paths looked at each time: 2 to 4 ms of the reactor's time. Others are noticed at the next command."""

READ_AT_ONCE: Final = 64 * 1024
"""Octets of events read in one turn: 800 to 4,000 events."""

REST_SECONDS: Final = 0.01
"""Between two turns of the reactor that read events: a commit gives one, a rename two, and a thousand of ours would be
as many turns. Whoever has to know sooner asks (``catch_up``).
"""

_MODIFY: Final = 0x2
_MOVED: Final = 0x40 | 0x80
_CREATED: Final = 0x100
_DELETED: Final = 0x200 | 0x400
_MOVED_SELF: Final = 0x800
_EXCL_UNLINK: Final = 0x4000000
_MASK: Final = _MODIFY | _MOVED | _CREATED | _DELETED | _MOVED_SELF | _EXCL_UNLINK
_IGNORED: Final = 0x8000
_NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | os.O_CLOEXEC

_EVENT: Final = struct.Struct("=iIII")


@implementer(IReadDescriptor)
class _Inotify:
    """The descriptor. told: called with a watch's number once for each batch of events; -1 is everything."""

    def __init__(self, reactor: Any, told: Callable[[int], None]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = int(self._libc.inotify_init1(_NONBLOCK_CLOEXEC))
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._reactor = reactor
        self._told = told
        self._listening: Any = None
        reactor.addReader(self)

    def add(self, path: bytes) -> int:
        """The watch's number. Raises OSError."""
        number = self._libc.inotify_add_watch(self._descriptor, path, _MASK)
        if number < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch")
        return int(number)

    def remove(self, number: int) -> None:
        self._libc.inotify_rm_watch(self._descriptor, number)

    def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
        self._reactor.removeReader(self)
        os.close(self._descriptor)
        self._descriptor = -1

    # IReadDescriptor

    def fileno(self) -> int:
        return self._descriptor

    def logPrefix(self) -> str:
        return "inotify"

    def doRead(self) -> None:
        """There are events: read them, and look away for a moment."""
        self.read()
        if self._listening is None and self._descriptor >= 0:
            self._reactor.removeReader(self)
            self._listening = self._reactor.callLater(REST_SECONDS, self._listen)

    def _listen(self) -> None:
        self._listening = None
        self._reactor.addReader(self)

    def read(self) -> None:
        """Tell of what has come."""
        try:
            data = os.read(self._descriptor, READ_AT_ONCE)
        except BlockingIOError:
            return
        numbers: set[int] = set()
        offset = 0
        while offset + _EVENT.size <= len(data):
            number, mask, _, length = _EVENT.unpack_from(data, offset)
            offset += _EVENT.size + length
            if not mask & _IGNORED:
                numbers.add(number)
        for number in numbers:
            self._told(number)

    def connectionLost(self, reason: Failure) -> None:
        return None


class InotifyWatcher:
    """``background.Watcher`` for ``reactor``. One for the process."""

    def __init__(self, reactor: Any) -> None:
        try:
            self._inotify: _Inotify | None = _Inotify(reactor, self._told)
        except (OSError, AttributeError) as error:  # no inotify here, or none left
            _log.warn("no inotify, modification times are looked at instead: {error}", error=error)
            self._inotify = None
        self._callbacks: dict[bytes, list[Callable[[], None]]] = {}
        self._numbers: dict[bytes, int] = {}
        self._paths: dict[int, bytes] = {}
        self._polled: dict[bytes, int] = {}
        self._poll = LoopingCall(self._look)
        self._poll.clock = reactor

    def watch(self, paths: Sequence[bytes], changed: Callable[[], None]) -> "PathWatch":
        watched: list[bytes] = []
        for path in paths:
            if path not in self._callbacks:
                if not self._begin(path):
                    continue
                self._callbacks[path] = []
            self._callbacks[path].append(changed)
            watched.append(path)
        return PathWatch(self, watched, changed, all(path in self._numbers for path in paths))

    def catch_up(self) -> None:
        if self._inotify is not None:
            self._inotify.read()

    def _begin(self, path: bytes) -> bool:
        if self._inotify is not None:
            try:
                number = self._inotify.add(path)
            except FileNotFoundError:
                return False
            except OSError as error:
                _log.warn("inotify: {error}; looking at the times instead", error=error)
            else:
                self._numbers[path] = number
                self._paths[number] = path
                return True
        if len(self._polled) >= MAX_POLLED:
            return False
        self._polled[path] = _mtime(path)
        if not self._poll.running:
            self._poll.start(POLL_SECONDS, now=False)
        return True

    def end(self, path: bytes, changed: Callable[[], None]) -> None:
        """Called by ``PathWatch``."""
        callbacks = self._callbacks.get(path)
        if callbacks is None:
            return
        if changed in callbacks:
            callbacks.remove(changed)
        if callbacks:
            return
        del self._callbacks[path]
        number = self._numbers.pop(path, None)
        if number is not None and self._paths.get(number) == path:
            del self._paths[number]
            if self._inotify is not None:
                self._inotify.remove(number)
        self._polled.pop(path, None)
        if not self._polled and self._poll.running:
            self._poll.stop()

    def _told(self, number: int) -> None:
        if number < 0:  # the kernel's queue overflowed
            for path in list(self._callbacks):
                self._tell(path)
            return
        known = self._paths.get(number)
        if known is not None:
            self._tell(known)

    def _tell(self, path: bytes) -> None:
        for changed in list(self._callbacks.get(path, ())):
            changed()

    def _look(self) -> None:
        for path, before in list(self._polled.items()):
            now = _mtime(path)
            if now != before:
                self._polled[path] = now
                self._tell(path)

    def stop(self) -> None:
        """Watch nothing any more."""
        if self._poll.running:
            self._poll.stop()
        self._callbacks.clear()
        self._polled.clear()
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None


class PathWatch:
    def __init__(
        self, owner: InotifyWatcher, paths: list[bytes], changed: Callable[[], None], complete: bool
    ) -> None:
        self.complete = complete
        self._owner = owner
        self._paths = paths
        self._changed = changed

    def close(self) -> None:
        """Stop; harmless a second time."""
        paths, self._paths = self._paths, []
        for path in paths:
            self._owner.end(path, self._changed)


def _mtime(path: bytes) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
