"""How many connections each of several processes has, in memory that all of them see; and whose turn it is.

A new connection belongs to the process with the fewest; of those that have hardly more to the one with the lowest
number. So the connections of a busy server are spread evenly, however quick or slow each process is at the moment; and
where one client comes after the other, all find the process that still knows in memory what the last one asked for.
"""

import mmap
from typing import Final

ABSENT: Final = -1
"""Stands for the connections of a process that does not serve."""

HARDLY_MORE: Final = 1
"""Connections: who logs out and comes back at once is not always gone before."""


class Shares:
    """To be made before the processes are, which inherit it. count: of processes; their numbers begin with 1."""

    def __init__(self, count: int) -> None:
        self._memory = mmap.mmap(-1, 4 * count)
        self._open = memoryview(self._memory).cast("i")
        for place in range(count):
            self._open[place] = ABSENT

    def set(self, number: int, open: int) -> None:
        """Process ``number`` has so many now."""
        self._open[number - 1] = open

    def leave(self, number: int) -> None:
        """Process ``number`` serves nobody any more."""
        self._open[number - 1] = ABSENT

    def is_turn_of(self, number: int) -> bool:
        """Whether the next connection is process ``number``'s."""
        present = [open for open in self._open if open != ABSENT]
        most = min(present, default=0) + HARDLY_MORE
        for place, open in enumerate(self._open, 1):
            if open != ABSENT and open <= most:
                return place == number
        return True
