"""The loop of a process beside the server: a request on standard input, its answer on standard output.

It ends when nothing was asked for a while, or when the server is gone. With the argument ``indexing`` it is the one
that indexes whole accounts.
"""

import marshal
import os
import resource
import select
import sys
from collections.abc import Callable
from typing import Any, Final

from mailaccess.store.aside import work
from mailaccess.store.aside.process import INDEXING, frame, read_frame

IDLE_SECONDS: Final = 5.0
"""Without a request: then its 13 to 25 MB are given back. The server starts another, in 0.2 s, when it has work."""

MAX_MEMORY: Final = 2**30
"""Octets of address space: a request holds some MB of messages of at most one each. Past it the process dies alone."""


KINDNESS: Final = 10
"""How much the process that indexes makes way for others. Not more: it holds an account's lock for milliseconds."""

Answer = Callable[[str, list[Any]], list[tuple[Any, ...]]]


def main(answer: Answer) -> None:
    source, target = sys.stdin.fileno(), sys.stdout.fileno()
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    os.chdir("/")
    _write(target, frame(marshal.dumps(work.VERSIONS)))
    while select.select([source], [], [], IDLE_SECONDS)[0]:
        data = read_frame(source)
        if data is None:
            return
        kind, asked = marshal.loads(data)
        _write(target, frame(marshal.dumps(answer(kind, asked))))


def _indexing() -> Answer:
    # Here, since those that answer questions need none of it.
    from mailaccess.store.aside.indexing import Indexes

    os.nice(KINDNESS)
    return Indexes().answer


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


if __name__ == "__main__":
    try:
        main(_indexing() if sys.argv[1:] == [INDEXING] else work.answer)
    except (BrokenPipeError, KeyboardInterrupt):
        pass
