"""The loop of the process beside the server: a request on standard input, its answer on standard output.

It ends when nothing was asked for a while, or when the server is gone.
"""

import marshal
import os
import resource
import select
import sys
from typing import Final

from mailaccess.store.aside import work
from mailaccess.store.aside.process import frame, read_frame

IDLE_SECONDS: Final = 5.0
"""Without a request: then its 13 to 25 MB are given back. The server starts another, in 0.2 s, when it has work."""

MAX_MEMORY: Final = 2**30
"""Octets of address space: a request holds some MB of messages of at most one each. Past it the process dies alone."""


def main() -> None:
    source, target = sys.stdin.fileno(), sys.stdout.fileno()
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    os.chdir("/")
    _write(target, frame(marshal.dumps(work.VERSIONS)))
    while select.select([source], [], [], IDLE_SECONDS)[0]:
        data = read_frame(source)
        if data is None:
            return
        kind, asked = marshal.loads(data)
        _write(target, frame(marshal.dumps(work.answer(kind, asked))))


def _write(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


if __name__ == "__main__":
    try:
        main()
    except (BrokenPipeError, KeyboardInterrupt):
        pass
