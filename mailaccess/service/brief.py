"""What the supervisor tells a worker before it starts: on standard input, pickled, since both are the same program.

The settings are those that the supervisor has read, so that a worker that is replaced after a year serves as the
others do, whatever stands in the configuration's file by then.
"""

import pickle
from dataclasses import dataclass
from typing import BinaryIO

from mailaccess.config.sections import Settings


@dataclass(frozen=True, slots=True)
class Brief:
    """number: of the worker, from 1.  count: of workers.  control: the descriptor of its line to the supervisor.

    listeners: service, address as written, and descriptor.  key: of what the workers share of failed logins.
    as_json, timed: how the log is written.  first: nobody serves yet, and a failure to start ends everything.
    """

    settings: Settings
    number: int
    count: int
    control: int
    listeners: tuple[tuple[str, str, int], ...]
    key: bytes
    as_json: bool
    timed: bool
    first: bool


def written(brief: Brief) -> bytes:
    """As it goes to the worker."""
    return pickle.dumps(brief)


def read(source: BinaryIO) -> Brief:
    """All of ``source``. Raises EOFError where the supervisor is gone."""
    brief = pickle.loads(source.read())
    assert isinstance(brief, Brief)
    return brief
