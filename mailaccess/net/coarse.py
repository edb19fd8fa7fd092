"""A clock for thousands of connections, each of which wants to be woken in some minutes if nothing happens until then.

A timer of the reactor takes 480 octets and a place in a heap that every turn looks at. Here all that end in the same
second share one, and each takes a quarter of that. Short ones are the reactor's own.
"""

from collections.abc import Callable
from math import ceil
from typing import Any, Final

COARSE_FROM: Final = 10.0
"""Seconds; timers from here on may fire up to one later."""

AT_ONCE: Final = 50
"""Calls in one turn of the reactor: 5 ms, if each writes a line to its client."""


class Slot:
    """One call that is due; as Twisted's ``IDelayedCall`` as far as it is needed."""

    __slots__ = ("_call", "_others")

    def __init__(self, call: Callable[[], object], others: "dict[Slot, None]") -> None:
        self._call: Callable[[], object] | None = call
        self._others = others

    def active(self) -> bool:
        return self._call is not None

    def cancel(self) -> None:
        """Harmless after it has been called or cancelled."""
        self._call = None
        self._others.pop(self, None)

    def take(self) -> Callable[[], object] | None:
        """The call, which is due now; None where it was cancelled."""
        call, self._call = self._call, None
        return call


class CoarseClock:
    """``seconds`` and ``callLater`` of the reactor, or of a clock that is moved by hand."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._due: dict[int, dict[Slot, None]] = {}
        self.seconds: Callable[[], float] = reactor.seconds

    def callLater(self, seconds: float, call: Callable[..., object], *args: Any, **kwargs: Any) -> Any:
        """As the reactor's; from COARSE_FROM on for a call without arguments a ``Slot``."""
        if seconds < COARSE_FROM or args or kwargs:
            return self._reactor.callLater(seconds, call, *args, **kwargs)
        now = self._reactor.seconds()
        second = ceil(now + seconds)
        others = self._due.get(second)
        if others is None:
            others = self._due[second] = {}
            self._reactor.callLater(max(0.0, second - now), self._end, second)
        slot = Slot(call, others)
        others[slot] = None
        return slot

    def _end(self, second: int) -> None:
        self._call_some(self._due.pop(second))

    def _call_some(self, due: dict[Slot, None]) -> None:
        """One by one: a call may cancel others, and one that fails keeps nobody else from being called."""
        try:
            for _ in range(min(len(due), AT_ONCE)):
                if not due:  # the others were cancelled
                    break
                slot = next(iter(due))
                del due[slot]
                call = slot.take()
                if call is not None:
                    call()
        finally:
            if due:
                self._reactor.callLater(0, self._call_some, due)
