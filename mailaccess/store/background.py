"""What the store asks of its surroundings besides threads: to know when a queue is empty, to start things of its
own accord, and to be told of changes on disk. Plain Python; ``worker`` and ``watch`` are the implementations
under Twisted.
"""

from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from typing import Any, Protocol, cast

from mailaccess.model.work import InlineRunner, ThreadRunner


class Cancellable(Protocol):
    def cancel(self) -> None:
        """Harmless if it ran or was cancelled already."""
        ...


class Background(ThreadRunner, Protocol):
    def is_idle(self, key: Hashable) -> bool:
        """Whether no job of ``key`` waits or runs, and none has ended whose result is still on its way: then the
        reactor thread may do one itself, to its end, without leaving the order.
        """
        ...

    def hold(self, key: Hashable) -> Awaitable[None]:
        """Wait for the turn of ``key`` and keep it: no job of the key runs until ``release``."""
        ...

    def release(self, key: Hashable) -> None: ...

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that nobody awaits; it catches its own errors."""
        ...

    def later(self, seconds: float, call: Callable[[], None]) -> Cancellable:
        """Have ``call`` called on the reactor thread."""
        ...


class Watch(Protocol):
    @property
    def complete(self) -> bool:
        """Whether every path asked for is watched by the kernel, so that ``catch_up`` tells all there is."""
        ...

    def close(self) -> None: ...


class Watcher(Protocol):
    def watch(self, paths: Sequence[bytes], changed: Callable[[], None]) -> Watch:
        """Call ``changed`` on the reactor thread, soon and at least once, after something changed in these
        folders or files; too many calls do no harm. A path that does not exist is passed over.
        """
        ...

    def catch_up(self) -> None:
        """Make the calls for what happened up to now, as far as the kernel tells."""
        ...


class _Later:
    def __init__(self, owner: "InlineBackground", call: Callable[[], None]) -> None:
        self._owner = owner
        self.call = call

    def cancel(self) -> None:
        if self in self._owner.waiting:
            self._owner.waiting.remove(self)


class InlineBackground(InlineRunner):
    """Everything at once on the calling thread; what is for later waits for ``run_waiting``. For tests and tools."""

    def __init__(self) -> None:
        self.waiting: list[_Later] = []

    def is_idle(self, key: Hashable) -> bool:
        return True

    async def hold(self, key: Hashable) -> None:
        return None

    def release(self, key: Hashable) -> None:
        return None

    def start(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            coroutine.send(None)
        except StopIteration:
            return
        raise RuntimeError("an inline coroutine waits for something")

    def later(self, seconds: float, call: Callable[[], None]) -> Cancellable:
        later = _Later(self, call)
        self.waiting.append(later)
        return later

    def run_waiting(self) -> None:
        """Call what was put off up to now."""
        waiting, self.waiting = self.waiting, []
        for later in waiting:
            later.call()


class _NoWatch:
    complete = False

    def close(self) -> None:
        return None


class NoWatcher:
    """Notices nothing by itself: ``refresh`` and every opening look."""

    def watch(self, paths: Sequence[bytes], changed: Callable[[], None]) -> Watch:
        return _NoWatch()

    def catch_up(self) -> None:
        return None


def complete(runner: ThreadRunner) -> Background:
    """``runner`` as it is if it can start things, else an inline stand-in (it must be an InlineRunner)."""
    if hasattr(runner, "start") and hasattr(runner, "later"):
        return cast(Background, runner)
    if isinstance(runner, InlineRunner):
        return InlineBackground()
    raise TypeError("the store needs a runner that can start things: store.worker.Worker")
