"""Asks the process beside the server: starts it when there is work, survives its death, waits for it in threads.

It is spawned, never forked from the process that has the reactor; it speaks frames over two pipes. Whoever asks is
in a thread of the store, so that waiting costs the reactor nothing, and does the work itself where the answer is
None: while the process starts, while it answers somebody else, after it died. One that dies or hangs again and again
is left alone for a while. There are two kinds: those that answer questions (``Aside``), and the one that indexes
(``Indexing``), for which nobody but the background waits.

Frame: length in 4 octets, then a value in ``marshal``'s form. It is our own program that wrote it.
"""

import contextlib
import marshal
import os
import select
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

HANG_SECONDS: Final = 60.0
"""For an answer: a request takes some tenths of a second; with all other processes of a busy machine, seconds."""

REST_SECONDS: Final = 60.0
"""After a death that was not of old age."""

MAX_FRAME: Final = 256 * 2**20
"""Octets of an answer: far above what READ_OCTETS of messages come to."""

INDEXING: Final = "indexing"
"""The argument with which the process is started that indexes, and what it is asked."""

_LENGTH: Final = struct.Struct("<I")


def frame(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def read_frame(source: int, deadline: float | None = None) -> bytes | None:
    """One frame; None at the end of the stream, or when the deadline (``time.monotonic``) has passed."""
    head = _exactly(source, _LENGTH.size, deadline)
    if head is None:
        return None
    (length,) = _LENGTH.unpack(head)
    return _exactly(source, length, deadline) if length <= MAX_FRAME else None


def _exactly(source: int, length: int, deadline: float | None) -> bytes | None:
    pieces: list[bytes] = []
    while length:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0 or not _readable(source, left):
                return None
        piece = os.read(source, min(length, 2**20))
        if not piece:
            return None
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _readable(descriptor: int, seconds: float) -> bool:
    """Whether there is something to read within that time, or the other end is closed."""
    return _ready_for(select.POLLIN, descriptor, seconds)


def _ready_for(what: int, descriptor: int, seconds: float) -> bool:
    waiting = select.poll()  # select(2) takes no descriptor above 1,023, and every connection is one
    waiting.register(descriptor, what)
    return bool(waiting.poll(seconds * 1000))


class Ticket:
    """A request under way; ``answer`` must be called, in the thread that made it."""

    def __init__(self, owner: "_One") -> None:
        self._owner = owner

    def answer(self) -> list[tuple[Any, ...]] | None:
        """What the process answers; None where it does not."""
        return self._owner.receive()


class _One:
    """One process. ``lock`` is held from a request to its answer.  arguments: it is started with."""

    def __init__(self, versions: tuple[int, ...], *arguments: str) -> None:
        self._versions = versions
        self._arguments = arguments
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._rest_until = 0.0

    @property
    def rests(self) -> bool:
        """Whether it died or hung a short while ago."""
        return time.monotonic() < self._rest_until

    def send(self, kind: str, asked: list[Any], *, patient: bool = False) -> Ticket | None:
        """patient: wait until the process is there, and nobody else asks it."""
        if not self._lock.acquire(blocking=patient):
            return None
        try:
            if self._is_ready(HANG_SECONDS if patient else 0) and self._sent(kind, asked):
                return Ticket(self)
        except BaseException:
            self._lock.release()
            raise
        self._lock.release()
        return None

    def _is_ready(self, seconds: float) -> bool:
        process = self._process
        if process is not None and process.poll() is not None:
            self._end(failed=process.returncode != 0)
            process = None
        if process is None:
            if not self.rests:
                self._start()
            process = self._process
            if process is None or not seconds:
                return False
        if not self._ready:
            assert process.stdout is not None
            descriptor = process.stdout.fileno()
            if not _readable(descriptor, seconds):
                return False
            told = read_frame(descriptor, time.monotonic() + HANG_SECONDS)
            if told is None or marshal.loads(told) != self._versions:
                self._end(failed=True)
                return False
            self._ready = True
        return True

    def _start(self) -> None:
        root = Path(__file__).parents[3]
        path = os.pathsep.join([os.fspath(root), *filter(None, [os.environ.get("PYTHONPATH")])])
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mailaccess.store.aside", *self._arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env={"PATH": os.environ.get("PATH", ""), "PYTHONPATH": path},
            )
            assert self._process.stdin is not None
            os.set_blocking(self._process.stdin.fileno(), False)  # our end alone, for ``_sent``
        except OSError:
            self._rest_until = time.monotonic() + REST_SECONDS

    def _sent(self, kind: str, asked: list[Any]) -> bool:
        process = self._process
        assert process is not None and process.stdin is not None
        view = memoryview(frame(marshal.dumps((kind, asked))))
        target, end = process.stdin.fileno(), time.monotonic() + HANG_SECONDS
        try:
            while view:
                if not _ready_for(select.POLLOUT, target, max(0.0, end - time.monotonic())):
                    raise TimeoutError("it does not read")
                view = view[os.write(target, view) :]
        except TimeoutError:
            self._end(failed=True)
            return False
        except OSError:  # it ended of old age this moment, or died
            self._end(failed=process.poll() not in (0, None))
            return False
        return True

    def receive(self) -> list[tuple[Any, ...]] | None:
        try:
            process = self._process
            if process is None or process.stdout is None:
                return None
            data = read_frame(process.stdout.fileno(), time.monotonic() + HANG_SECONDS)
            if data is None:
                self._end(failed=True)
                return None
            answer: list[tuple[Any, ...]] = marshal.loads(data)
            return answer
        except (OSError, ValueError, EOFError, TypeError):
            self._end(failed=True)
            return None
        finally:
            self._lock.release()

    def _end(self, *, failed: bool) -> None:
        process, self._process, self._ready = self._process, None, False
        if failed:
            self._rest_until = time.monotonic() + REST_SECONDS
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def stop(self) -> None:
        with self._lock:
            self._end(failed=False)

    @property
    def pid(self) -> int | None:
        """Of the process, where one is ready."""
        return self._process.pid if self._process is not None and self._ready else None


class Indexing:
    """The process that indexes whole accounts (``indexing``), where there is one. Asked in threads of the store.

    versions: as ``Aside``.
    """

    def __init__(self, wanted: bool, versions: tuple[int, ...] = ()) -> None:
        self._one = _One(versions, INDEXING) if wanted else None

    @property
    def helps(self) -> bool:
        """Whether it is worth asking."""
        return self._one is not None and not self._one.rests

    def ask(self, asked: tuple[Any, ...]) -> tuple[Any, ...] | None:
        """Have ``asked`` done (``indexing.Answer``): blocks until it is. None where it is not."""
        ticket = self._one.send(INDEXING, [asked], patient=True) if self._one is not None else None
        answer = ticket.answer() if ticket is not None else None
        return answer[0] if answer else None

    def stop(self) -> None:
        """End the process, after what it is asked now."""
        if self._one is not None:
            self._one.stop()

    @property
    def pid(self) -> int | None:
        return self._one.pid if self._one is not None else None


class Aside:
    """count: the most processes; 0 for none.  versions: ``work.VERSIONS``.  Asked in threads of the store."""

    def __init__(self, count: int, versions: tuple[int, ...] = ()) -> None:
        self._all = [_One(versions) for _ in range(count)]

    def send(self, kind: str, asked: list[Any]) -> Ticket | None:
        """Have ``asked`` answered (``work``); None where nobody can do it now. The ticket's answer must be taken."""
        for one in self._all:
            ticket = one.send(kind, asked)
            if ticket is not None:
                return ticket
        return None

    def stop(self) -> None:
        """End the processes. Blocks for as long as one is asked."""
        for one in self._all:
            one.stop()

    def pids(self) -> list[int]:
        return [one.pid for one in self._all if one.pid is not None]
