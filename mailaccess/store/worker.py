"""Threads for blocking calls under Twisted: ``background.Background``.

A bounded number of threads take jobs from one queue; one of them computes at a time (``lane``). Jobs with a key run
one after another: such a key is a queue of its own, of which at most one job is with the threads at any time, so that
10,000 accounts need no 10,000 threads. Results come back in batches: the first job to finish wakes the reactor once (a
pipe written to), the others that finish until it looks are fired in the same turn, in the order in which they finished;
for one key that is the order in which they ran.

A job that was queued is run, and its caller is answered, even if the caller was cancelled meanwhile: its effects
must reach the columns. Threads are daemonic; ``stop`` waits for what is queued.
"""

import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from mailaccess.store.background import Cancellable
from mailaccess.store.lane import Lane

P = ParamSpec("P")
T = TypeVar("T")

_log = Logger()

STOP_SECONDS: Final = 30.0
"""How long ``stop`` waits for a thread that is in the middle of a job."""


class _Answer(Deferred[Any]):
    """Fires with a job's result; cancelling whoever waits for it does not undo the job, so it changes nothing."""

    def cancel(self) -> None:
        return None


class _Job:
    __slots__ = ("answer", "args", "call", "failed", "key", "kwargs", "result")

    def __init__(
        self, key: Hashable, call: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.key = key
        self.call = call
        self.args = args
        self.kwargs = kwargs
        self.answer: Deferred[Any] = _Answer()
        self.result: Any = None
        self.failed = False

    def run(self) -> None:
        try:
            self.result = self.call(*self.args, **self.kwargs)
        except BaseException as error:  # whatever it is belongs to the caller
            self.result = error
            self.failed = True
        self.args, self.kwargs = (), {}


class _Turn:
    """Somebody who waits to hold a key."""

    __slots__ = ("answer",)

    def __init__(self) -> None:
        self.answer: Deferred[None] = _Answer()


class Worker:
    """``reactor`` is Twisted's; ``threads`` the most that run at once. Used on the reactor thread only."""

    def __init__(self, reactor: Any, threads: int = 8) -> None:
        self._reactor = reactor
        self._most = max(1, threads)
        self._ready: SimpleQueue[_Job | None] = SimpleQueue()
        self._queues: dict[Hashable, deque[_Job | _Turn]] = {}
        self._finished: deque[_Job] = deque()
        self._woken = False
        self._lock = threading.Lock()
        self._lane = Lane()
        self._threads: list[threading.Thread] = []
        self._running = 0
        self._stopped = False
        self._granted: deque[_Turn] = deque()

    # model.work.ThreadRunner

    def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        job = _Job(None, call, args, kwargs)
        self._submit(job)
        return job.answer

    def run_in_order(
        self, key: Hashable, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        job = _Job(key, call, args, kwargs)
        queue = self._queues.get(key)
        if queue is None:
            self._queues[key] = deque()
            self._submit(job)
        else:
            queue.append(job)
        return job.answer

    def pause(self) -> Awaitable[None]:
        answer: Deferred[None] = Deferred()
        self._reactor.callLater(0, _fire, answer)
        return answer

    # background.Background

    def is_idle(self, key: Hashable) -> bool:
        return key not in self._queues

    def hold(self, key: Hashable) -> Awaitable[None]:
        turn = _Turn()
        queue = self._queues.get(key)
        if queue is None:
            self._queues[key] = deque()
            self._grant(turn)
        else:
            queue.append(turn)
        return turn.answer

    def release(self, key: Hashable) -> None:
        self._next(key)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        def failed(failure: Failure) -> None:
            _log.failure("a background task of the store failed", failure)

        Deferred.fromCoroutine(coroutine).addErrback(failed)

    def later(self, seconds: float, call: Callable[[], None]) -> Cancellable:
        return _Later(self._reactor.callLater(seconds, call))

    # The threads' side

    def _submit(self, job: _Job) -> None:
        if self._stopped:
            raise RuntimeError("the worker has stopped")
        self._running += 1
        if self._running > len(self._threads) and len(self._threads) < self._most:
            thread = threading.Thread(target=self._work, name=f"store-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._ready.put(job)

    def _work(self) -> None:
        take, finished, lock, lane = self._ready.get, self._finished, self._lock, self._lane
        while True:
            job = take()
            if job is None:
                return
            if job.key is None:
                job.run()
            else:
                lane.enter()
                job.run()  # raises nothing
                lane.leave()
            with lock:
                finished.append(job)
                wake = not self._woken
                self._woken = True
            if wake:
                self._reactor.callFromThread(self._deliver)
            del job

    def _deliver(self) -> None:
        """On the reactor thread: start each key's next job, then answer."""
        with self._lock:
            self._woken = False
            jobs = list(self._finished)
            self._finished.clear()
        for job in jobs:
            self._running -= 1
            if job.key is not None:
                self._next(job.key)
        for job in jobs:
            if job.failed:
                job.answer.errback(Failure(job.result))
            else:
                job.answer.callback(job.result)

    def _next(self, key: Hashable) -> None:
        queue = self._queues[key]
        if not queue:
            del self._queues[key]
            return
        following = queue.popleft()
        if isinstance(following, _Turn):
            self._grant(following)
        else:
            self._submit(following)

    def _grant(self, turn: "_Turn") -> None:
        """Not within the release that made way for it: a hundred deliveries may wait for one account."""
        self._granted.append(turn)
        if len(self._granted) == 1:
            while self._granted:
                self._granted[0].answer.callback(None)
                self._granted.popleft()

    def stop(self) -> None:
        """End the threads once they did what is queued; jobs submitted later are refused. Blocks."""
        self._stopped = True
        for _ in self._threads:
            self._ready.put(None)
        for thread in self._threads:
            thread.join(STOP_SECONDS)


def _fire(answer: "Deferred[None]") -> None:
    answer.callback(None)


class _Later:
    def __init__(self, call: Any) -> None:
        self._call = call

    def cancel(self) -> None:
        if self._call.active():
            self._call.cancel()
