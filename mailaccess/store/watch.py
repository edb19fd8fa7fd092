"""Notices changes of files and folders: inotify where the system has it, else a look at modification times.

One inotify descriptor for the process (the kernel allows 128 a user by default, and 8,192 to 65,536 watches);
paths that could not be watched, because a limit was reached or there is no inotify, are looked at every
``POLL_SECONDS``, at most ``MAX_POLLED`` of them. A path may be asked for several times.

The kernel watches folders and not paths: two paths may lead to one, and one path to another folder than before, when
that was renamed or removed and made anew. So what somebody watches is kept by the kernel's numbers. A folder that has
moved or gone is watched no more; its path is looked at until there is a folder again.

Our own binding and not ``twisted.internet.inotify``: that one makes two FilePaths an event (30 µs, and our own
renames of 10,000 files are 20,000 events), and stops altogether when one watched folder is removed.
"""

import ctypes
import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
"""Octets of events read with one call: 800 to 4,000 events."""

MAX_READS: Final = 80
"""Such calls in one turn: the kernel keeps 16,384 events by default, which are 4.4 MB at most, 30 ms."""

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
_LOST: Final = 0x8000 | _MOVED_SELF
"""The kernel watches it no more (it was removed, or we took it back); or it is now found under another path."""

_NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | os.O_CLOEXEC

_EVENT: Final = struct.Struct("=iIII")
_LARGEST: Final = _EVENT.size + 256


@implementer(IReadDescriptor)
class _Inotify:
    """The descriptor.

    told: called with a watch's number once for each batch of events, -1 is everything; and whether the watch is lost.
    """

    def __init__(self, reactor: Any, told: Callable[[int, bool], None]) -> None:
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
        numbers: dict[int, bool] = {}
        for _ in range(MAX_READS):
            try:
                data = os.read(self._descriptor, READ_AT_ONCE)
            except BlockingIOError:
                break
            offset = 0
            while offset + _EVENT.size <= len(data):
                number, mask, _, length = _EVENT.unpack_from(data, offset)
                offset += _EVENT.size + length
                numbers[number] = bool(mask & _LOST) or numbers.get(number, False)
            if len(data) <= READ_AT_ONCE - _LARGEST:
                break
        for number, is_lost in numbers.items():
            self._told(number, is_lost)

    def connectionLost(self, reason: Failure) -> None:
        return None


@dataclass(slots=True)
class _Polled:
    """A path whose modification time is looked at. awaited: it was watched, and is to be again."""

    mtime: int
    awaited: bool
    watches: "list[PathWatch]" = field(default_factory=list)


class InotifyWatcher:
    """``background.Watcher`` for ``reactor``. One for the process."""

    def __init__(self, reactor: Any) -> None:
        try:
            self._inotify: _Inotify | None = _Inotify(reactor, self._told)
        except (OSError, AttributeError) as error:  # no inotify here, or none left
            _log.warn("no inotify, modification times are looked at instead: {error}", error=error)
            self._inotify = None
        self._watches: dict[int, list[PathWatch]] = {}
        self._polled: dict[bytes, _Polled] = {}
        self._warned = False
        self._poll = LoopingCall(self._look)
        self._poll.clock = reactor

    def watch(self, paths: Sequence[bytes], changed: Callable[[], None]) -> "PathWatch":
        watch = PathWatch(self, len(set(paths)), changed)
        for path in paths:
            if self._inotify is None or not self._begin(self._inotify, watch, path):
                self._begin_polling(watch, path, awaited=False)
        return watch

    def catch_up(self) -> None:
        if self._inotify is not None:
            self._inotify.read()

    def _begin(self, inotify: _Inotify, watch: "PathWatch", path: bytes) -> bool:
        """False where the kernel does not watch the path, though there is something."""
        try:
            number = inotify.add(path)
        except FileNotFoundError:
            return True
        except OSError as error:
            if not self._warned:
                self._warned = True
                _log.warn("inotify: {error}; looking at the times instead", error=error)
            return False
        watch.numbers[path] = number
        self._watches.setdefault(number, []).append(watch)
        return True

    def _begin_polling(self, watch: "PathWatch", path: bytes, *, awaited: bool) -> None:
        polled = self._polled.get(path)
        if polled is None:
            if len(self._polled) >= MAX_POLLED:
                return
            polled = self._polled[path] = _Polled(_mtime(path), awaited)
        polled.awaited |= awaited
        polled.watches.append(watch)
        watch.polled.append(path)
        if not self._poll.running:
            self._poll.start(POLL_SECONDS, now=False)

    def end(self, watch: "PathWatch") -> None:
        """Called by ``PathWatch``."""
        for number in watch.numbers.values():
            self._take_from(number, watch)
        for path in watch.polled:
            polled = self._polled.get(path)
            if polled is not None:
                polled.watches.remove(watch)
                if not polled.watches:
                    del self._polled[path]
        self._rest()

    def _take_from(self, number: int, watch: "PathWatch") -> None:
        watches = self._watches.get(number)
        if watches is None:  # all has stopped
            return
        watches.remove(watch)
        if not watches:
            del self._watches[number]
            if self._inotify is not None:
                self._inotify.remove(number)

    def _rest(self) -> None:
        if not self._polled and self._poll.running:
            self._poll.stop()
            self._warned = False

    def _told(self, number: int, is_lost: bool) -> None:
        if number < 0:  # the kernel's queue overflowed
            watches = [watch for each in self._watches.values() for watch in each]
        else:
            watches = list(self._watches.get(number, ()))
        for watch in watches if is_lost and number >= 0 else ():
            for path in [path for path, own in watch.numbers.items() if own == number]:
                del watch.numbers[path]
                self._take_from(number, watch)
                self._begin_polling(watch, path, awaited=True)
        for watch in dict.fromkeys(watches):
            _tell(watch)

    def _look(self) -> None:
        for path, polled in list(self._polled.items()):
            now = _mtime(path)
            watches = list(polled.watches)
            again = polled.awaited and now and self._watch_again(path, polled)
            if again or now != polled.mtime:
                polled.mtime = now
                for watch in watches:
                    _tell(watch)
        self._rest()

    def _watch_again(self, path: bytes, polled: _Polled) -> bool:
        """There is something at the path: whether the kernel watches it now."""
        for watch in list(polled.watches):
            if (
                self._inotify is not None
                and self._begin(self._inotify, watch, path)
                and path in watch.numbers
            ):
                polled.watches.remove(watch)
                watch.polled.remove(path)
        if polled.watches:
            return False
        del self._polled[path]
        return True

    def stop(self) -> None:
        """Watch nothing any more."""
        if self._poll.running:
            self._poll.stop()
        self._watches.clear()
        self._polled.clear()
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None


class PathWatch:
    """numbers: the kernel's, by path.  polled: paths that it does not watch."""

    __slots__ = ("_owner", "_wanted", "changed", "numbers", "polled")

    def __init__(self, owner: InotifyWatcher, wanted: int, changed: Callable[[], None]) -> None:
        self._owner: InotifyWatcher | None = owner
        self._wanted = wanted
        self.changed = changed
        self.numbers: dict[bytes, int] = {}
        self.polled: list[bytes] = []

    @property
    def complete(self) -> bool:
        return len(self.numbers) == self._wanted

    def close(self) -> None:
        """Stop; harmless a second time."""
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.end(self)


def _tell(watch: PathWatch) -> None:
    """One that fails keeps nobody else from being told, nor the reactor from listening on."""
    try:
        watch.changed()
    except Exception:
        _log.failure("whoever watches a folder failed")


def _mtime(path: bytes) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
