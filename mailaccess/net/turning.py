"""Puts a meter between Twisted's reactor and the system call in which it waits for news.

Twisted tells nobody when a turn begins or ends. Its epoll reactor (the default on Linux) waits in
``_poller.poll``, a private name since 2008; where it is missing, nothing is measured.
"""

from typing import Any

from mailaccess.observe.turns import TurnMeter


class _Metered:
    """Stands where the reactor's poller stood; everything but ``poll`` is the poller's own."""

    def __init__(self, poller: Any, meter: TurnMeter) -> None:
        self._wait = poller.poll
        self._meter = meter
        self.inner = poller
        for name in ("register", "modify", "unregister", "close", "fileno"):
            if hasattr(poller, name):
                setattr(self, name, getattr(poller, name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def poll(self, *arguments: Any) -> Any:
        """As epoll's: a list of (descriptor, events)."""
        self._meter.end()
        try:
            return self._wait(*arguments)
        finally:
            self._meter.begin()


def measure(reactor: Any, meter: TurnMeter) -> bool:
    """Have ``meter`` told of every turn from now on; False where this reactor cannot be measured."""
    poller = getattr(reactor, "_poller", None)
    if not callable(getattr(poller, "poll", None)):
        return False
    reactor._poller = _Metered(poller, meter)
    return True


def leave(reactor: Any) -> None:
    """Undo ``measure``."""
    poller = getattr(reactor, "_poller", None)
    if isinstance(poller, _Metered):
        reactor._poller = poller.inner
