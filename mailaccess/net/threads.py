"""A bounded pool of threads for blocking calls, and serial queues over it.

Satisfies ``model.work.ThreadRunner``. Only calls that wait or release the interpreter lock belong here
(fsync, password hashes, directory scans, large SQLite statements): plain Python in a thread fights the
reactor for the lock.

Two things keep the hop short (50 to 60 µs, half of it Twisted's pool before): jobs go through a
``SimpleQueue``, which is C and never wakes more than one thread, and results come back in batches, one
wake-up of the reactor for all that finished meanwhile.

A serial queue is a list of jobs for a key, not a thread: 10,000 accounts are 10,000 keys. The thread
that runs a key's job goes on with the key's next one, at most ``TURN`` in a row, then the key goes to
the end of the line so that a busy account does not hold up the others.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

P = ParamSpec("P")
T = TypeVar("T")

TURN: Final = 32
"""Jobs of one key in a row before others have theirs."""


class _Job:
    __slots__ = ("args", "call", "failed", "kwargs", "outcome", "result")

    def __init__(self, call: Callable[..., Any], args: Any, kwargs: Any) -> None:
        self.call = call
        self.args = args
        self.kwargs = kwargs
        self.outcome: Any = None
        self.failed = False
        self.result: Deferred[Any] = Deferred()

    def run(self) -> None:
        try:
            self.outcome = self.call(*self.args, **self.kwargs)
        except BaseException:
            self.outcome = Failure(captureVars=False)
            self.failed = True
        # The arguments may be large (a message); they must not live until the reactor comes round.
        self.call = self.args = self.kwargs = None  # type: ignore[assignment]


class _Serial:
    """The jobs of one key that have not run yet; ``busy`` while a thread has the key."""

    __slots__ = ("busy", "jobs", "key")

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.jobs: deque[_Job] = deque()
        self.busy = False


class Threads:
    """Runs blocking calls; used from the reactor thread, which also gets all results.

    reactor: Twisted's.  size: the most threads; they are started when needed.
    """

    def __init__(self, reactor: Any, size: int, name: str = "mailaccess") -> None:
        self._reactor = reactor
        self._size = size
        self._name = name
        self._work: SimpleQueue[_Job | _Serial | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._serials: dict[Hashable, _Serial] = {}
        self._finished: deque[_Job] = deque()
        self._told = False  # whether the reactor has been asked to collect
        self._pending = 0  # jobs without a result; reactor thread only
        self._idle: list[Deferred[None]] = []
        self._stopped = False

    @property
    def pending(self) -> int:
        """Calls that wait or run."""
        return self._pending

    def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Deferred[T]":
        """Run ``call`` in a thread, beside others; the Deferred has its result or its exception."""
        job = self._job(call, args, kwargs)
        self._put(job)
        return job.result

    def run_in_order(
        self, key: Hashable, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> "Deferred[T]":
        """Run ``call`` after every earlier one with ``key``, never two of them at once."""
        job = self._job(call, args, kwargs)
        with self._lock:
            serial = self._serials.get(key)
            if serial is None:
                serial = self._serials[key] = _Serial(key)
            serial.jobs.append(job)
            start = not serial.busy
            serial.busy = True
        if start:
            self._put(serial)
        return job.result

    def pause(self) -> "Deferred[None]":
        """Let whatever else is ready run first."""
        going_on: Deferred[None] = Deferred()
        self._reactor.callLater(0, going_on.callback, None)
        return going_on

    async def idle(self) -> None:
        """Wait until nothing is pending; new calls may still come in."""
        if self._pending:
            waiting: Deferred[None] = Deferred()
            self._idle.append(waiting)
            await waiting

    def stop(self) -> None:
        """End the threads once what they have is done. Blocks; to be called when ``idle`` has returned."""
        self._stopped = True
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _job(self, call: Callable[..., Any], args: Any, kwargs: Any) -> _Job:
        if self._stopped:
            raise RuntimeError("the threads have been stopped")
        self._pending += 1
        return _Job(call, args, kwargs)

    def _put(self, work: _Job | _Serial) -> None:
        self._work.put(work)
        if len(self._threads) < self._size and self._pending > len(self._threads):
            thread = threading.Thread(
                target=self._loop, name=f"{self._name}-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    # In the threads.

    def _loop(self) -> None:
        while (work := self._work.get()) is not None:
            if isinstance(work, _Job):
                work.run()
                self._finish(work)
            else:
                self._take_turn(work)

    def _take_turn(self, serial: _Serial) -> None:
        for _ in range(TURN):
            with self._lock:
                if not serial.jobs:
                    serial.busy = False
                    self._serials.pop(serial.key, None)
                    return
                job = serial.jobs.popleft()
            job.run()
            self._finish(job)
        self._work.put(serial)

    def _finish(self, job: _Job) -> None:
        self._finished.append(job)
        with self._lock:
            tell = not self._told
            self._told = True
        if tell:
            self._reactor.callFromThread(self._collect)

    # Back on the reactor thread.

    def _collect(self) -> None:
        with self._lock:
            self._told = False
        finished = self._finished
        for _ in range(len(finished)):
            job = finished.popleft()
            self._pending -= 1
            if job.failed:
                job.result.errback(job.outcome)
            else:
                job.result.callback(job.outcome)
        if not self._pending:
            waiting, self._idle = self._idle, []
            for each in waiting:
                each.callback(None)
