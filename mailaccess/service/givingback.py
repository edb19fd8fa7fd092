"""Gives memory back to the system when the work that needed it is over.

Opening an account's index, or listing a large folder, takes and frees some hundred KB here and there in the
allocator's heaps; what is free there stays the process's until somebody asks for it to be given back. After 400
accounts were opened once, that was two thirds of what the process had grown by. Giving back takes a millisecond
or two for each 10 MB, and taking it again costs page faults: so it is done after growth, once there is quiet. And
after work, also without growth, in which what a cache lets go of does not show.
"""

import ctypes
import os
from collections.abc import Callable
from time import process_time
from typing import Final

LOOK_SECONDS: Final = 0.5
"""Between two looks, and how long the process has not grown before it counts as quiet."""

WORTH: Final = 4 * 2**20
"""Octets of growth since the last time that make it worth trying."""

STILL: Final = 2**20
"""Octets of growth between two looks that still count as quiet."""

MUCH: Final = 4 * WORTH
"""Octets of growth whose end is not waited for: a thousand who connect leave most of it free, and then texts are
indexed."""

WORKED: Final = 0.25
"""Seconds of processor time since the last time that make it worth trying, whatever the growth: a hundred indexes are
opened and closed in it, which leave 20 MB. It takes a tenth of that."""

BUSY: Final = 4.0
"""The same while it works on, as when it indexes what a program dropped in: half a percent of that time."""

RESTING: Final = 0.05
"""Seconds of processor time between two looks that count as doing nothing."""

RESTLESS: Final = 4
"""Looks (2 seconds) between two times without quiet."""


def resident() -> int:
    """Octets of memory the process has now; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def trimmer() -> Callable[[], object] | None:
    """The C library's ``malloc_trim``, for a thread: it lets go of the interpreter. None where there is none (musl)."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    return lambda: trim(0)


class GivingBack:
    """To be asked to ``look`` every LOOK_SECONDS. start: has a call run in a thread."""

    def __init__(
        self,
        start: Callable[[Callable[[], object]], object],
        trim: Callable[[], object] | None,
        resident: Callable[[], int] = resident,
        worked: Callable[[], float] = process_time,
    ) -> None:
        self._start = start
        self._trim = trim
        self._resident = resident
        self._worked = worked
        self._worked_then = self._worked_last = worked()
        self._base = self._last = resident()
        self._restless = 0

    def look(self) -> None:
        """Give back, if the process has grown since the last time and has stopped growing, or never stops."""
        now, last = self._resident(), self._last
        self._last = now
        self._base = min(self._base, now)
        worked, worked_last = self._worked(), self._worked_last
        self._worked_last = worked
        if self._trim is None:
            return
        if now - self._base < WORTH:
            rests = worked - worked_last <= RESTING
            if worked - self._worked_then >= (WORKED if rests else BUSY):
                self._start(self._give)
            return
        self._restless += 1
        if now - last <= STILL or (now - self._base >= MUCH and self._restless >= RESTLESS):
            self._restless = 0
            self._start(self._give)

    def _give(self) -> None:
        assert self._trim is not None
        self._trim()
        self._base = self._last = self._resident()
        self._worked_then = self._worked()
