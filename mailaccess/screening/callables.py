"""Python functions of the administrator's own, named in the configuration as ``package.module:function``.

Each runs in a thread of its own small pool, as it may wait. One that takes longer than its time has said nothing;
Python cannot end its thread, so as long as all threads hang, messages pass unseen, and the log says so for each.
"""

import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from mailaccess.model.work import ThreadRunner
from mailaccess.observe.events import EventLog, Level
from mailaccess.screening.api import PASS, Arrived, Message, Verdict

THREADS: Final = 4
"""Functions that may run at once."""

Function = Callable[[Message], Verdict | None]
Within = Callable[[Awaitable[Verdict | None], float], Awaitable[Verdict | None]]
"""The result of the first within so many seconds. Raises TimeoutError."""


class BadFunction(ValueError):
    """A name in ``hooks.python`` that leads to no function; the text says why."""


def find(name: str, folder: Path | None = None) -> Function:
    """The function of that name. folder: where modules are looked for too. Raises BadFunction."""
    module, _, attribute = name.partition(":")
    if folder is not None and str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        found: Function = getattr(import_module(module), attribute)
    except Exception as error:  # whatever the module does when it is imported
        raise BadFunction(f"hooks.python: {name}: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise BadFunction(f"hooks.python: {name} is not a function")
    return found


class Callables:
    """A screen: one function. threads: its pool.  within: bounds a wait.  seconds: the function's time."""

    def __init__(
        self,
        name: str,
        function: Function,
        threads: ThreadRunner,
        within: Within,
        log: EventLog,
        *,
        seconds: float,
        largest: int,
    ) -> None:
        self.name = name
        self.largest = largest
        self._function = function
        self._threads = threads
        self._within = within
        self._log = log
        self._seconds = seconds

    async def look(self, message: Arrived) -> Verdict:
        """What the function says; PASS where it takes too long. Raises what it raises."""
        octets = b"".join([message.header, b"\r\n", *[piece async for piece in message.body()]])
        given = Message(
            octets,
            message.sender,
            message.recipients,
            message.address,
            message.helo,
            message.user,
            message.service,
            message.id,
        )
        try:
            said = await self._within(self._threads.run(self._function, given), self._seconds)
        except TimeoutError:
            self._log.log(
                "hook-too-slow", Level.WARNING, hook=self.name, message=message.id, seconds=self._seconds
            )
            return PASS
        if said is None:
            return PASS
        if not isinstance(said, Verdict):
            raise TypeError(f"{self.name} gave a {type(said).__name__}, not a Verdict or None")
        return said
