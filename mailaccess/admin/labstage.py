"""What the lab shows, line by line, and what its servers tell it: the events of their logs, past or to come."""

import sys
import time
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred

from mailaccess.admin.labwire import Show

PATIENCE: Final = 60.0
"""Seconds within which anything that is to happen must happen; only a slow machine needs more than a few."""

WIDEST: Final = 150
"""Characters of a line that are shown."""

Event = dict[str, Any]


class Stage:
    """The terminal, and the servers' events in the order in which they came."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._begun = time.monotonic()
        self._events: list[tuple[str, Event]] = []
        self._waiting: list[tuple[Callable[[str, Event], bool], Deferred[Event]]] = []

    def say(self, text: str = "") -> None:
        """A line of text."""
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def title(self, text: str) -> None:
        """A step, with its time."""
        self.say(f"\n[{time.monotonic() - self._begun:6.2f} s] {text}")

    def show(self, who: str, line: str) -> None:
        """A line that somebody said."""
        printable = "".join(char if char.isprintable() else "?" for char in line.expandtabs(4))
        self.say(f"    {who}: {printable[:WIDEST]}")

    def from_reactor(self) -> Show:
        """As ``show``, for threads."""
        return lambda who, line: self._reactor.callFromThread(self.show, who, line)

    def question(self, name: str, kind: str, answers: list[str]) -> None:
        """A question to the name server, and what it answered."""
        self.title(f"DNS  {name} {kind}?")
        for answer in answers or ["(none)"]:
            self.say(f"    {answer[:WIDEST]}")

    def told(self, domain: str) -> Callable[[Event], None]:
        """Takes the events of a server."""

        def told(event: Event) -> None:
            self._events.append((domain, event))
            if event.get("event") == "deferred":
                self.title(f"Queue: {domain} keeps it and tries again; the reason: {event.get('reply')}")
            for each in tuple(self._waiting):
                if each[0](domain, event):
                    self._waiting.remove(each)
                    each[1].callback(event)

        return told

    @property
    def now(self) -> int:
        """A place among the events, for ``event``."""
        return len(self._events)

    async def event(self, domain: str, name: str, since: int = 0, **fields: Any) -> Event:
        """The first event of that name with these fields since ``since``. Raises RuntimeError past PATIENCE."""

        def fits(where: str, event: Event) -> bool:
            same = where == domain and event.get("event") == name
            return same and all(event.get(field) == value for field, value in fields.items())

        for where, event in self._events[since:]:
            if fits(where, event):
                return event
        waiting: Deferred[Event] = Deferred()
        self._waiting.append((fits, waiting))
        waiting.addTimeout(PATIENCE, self._reactor, lambda failure, seconds: _never(domain, name))
        return await waiting


def _never(domain: str, name: str) -> Event:
    raise RuntimeError(f"{domain} did not say {name!r} within {PATIENCE:.0f} s")
