"""How an engine has plain blocking code run elsewhere, without knowing of Twisted."""

from collections.abc import Awaitable, Callable, Hashable
from typing import ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ThreadRunner(Protocol):
    """Runs blocking calls in a bounded pool of threads; awaiting gives the result or raises."""

    def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Run ``call`` beside others, in no order."""
        ...

    def run_in_order(
        self, key: Hashable, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Run ``call`` after every earlier one with the same ``key``, never two of them at once."""
        ...

    def pause(self) -> Awaitable[None]:
        """Let whatever else is ready run first. Long plain Python awaits it after each 1 to 2 ms slice."""
        ...


class InlineRunner:
    """Runs everything at once on the calling thread: for tests and command-line tools."""

    def run(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        return _done(call, *args, **kwargs)

    def run_in_order(
        self, key: Hashable, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        return _done(call, *args, **kwargs)

    def pause(self) -> Awaitable[None]:
        return _nothing()


async def _nothing() -> None:
    return None


async def _done(call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return call(*args, **kwargs)
