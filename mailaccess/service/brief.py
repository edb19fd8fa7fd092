"""What the supervisor tells the workers before they start: the nursery reads it from standard input, pickled, since
both are the same program, and each worker that is forked there has it with what is its own.

The settings are those that the supervisor has read, so that a worker that is replaced after a year serves as the
others do, whatever stands in the configuration's file by then.
"""

import pickle
from dataclasses import dataclass
from typing import BinaryIO

from mailaccess.config.sections import Settings
from mailaccess.net.shares import Shares


@dataclass(frozen=True, slots=True)
class Brief:
    """count: of workers.  listeners: service, address as written, and descriptor.

    key: of what the workers share of failed logins.  as_json, timed: how the log is written.
    boxes: by which connections go from one worker to another, two descriptors each; none where they do not.
    Of one worker: number: from 1.  control: the descriptor of its line to the supervisor.  first: nobody serves
    yet, and a failure to start ends everything.  shares: the connections of all.
    """

    settings: Settings
    count: int
    listeners: tuple[tuple[str, str, int], ...]
    key: bytes
    as_json: bool
    timed: bool
    boxes: tuple[tuple[int, int], ...] = ()
    number: int = 0
    control: int = -1
    first: bool = False
    shares: Shares | None = None

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What the nursery inherits, and the workers from it."""
        listening = (descriptor for _, _, descriptor in self.listeners)
        return (*listening, *(end for box in self.boxes for end in box))


def written(brief: Brief) -> bytes:
    """As it goes to the nursery."""
    return pickle.dumps(brief)


def read(source: BinaryIO) -> Brief:
    """All of ``source``. Raises EOFError where the supervisor is gone."""
    brief = pickle.loads(source.read())
    assert isinstance(brief, Brief)
    return brief
