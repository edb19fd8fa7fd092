"""Where the log goes: standard output, or Twisted's own log when a daemon has closed it.

``twistd`` without ``--nodaemon`` gives standard output to ``/dev/null`` and writes ``twistd.log``; events
must not vanish there, so they go through Twisted's log then, which puts its own time before each line.
"""

import os
import stat
from collections.abc import Callable
from typing import Any, Final

from twisted.logger import LogEvent, Logger, LogLevel, globalLogPublisher

from mailaccess.observe.counters import LOG_LOST, Counters
from mailaccess.observe.events import EventLog, Level, Value
from mailaccess.observe.writer import LogWriter

STDOUT: Final = 1


def event_log(
    counters: Counters, *, as_json: bool, worker: int | None = None, timed: bool = True
) -> LogWriter:
    """The process's log; to be made after ``twistd`` has become a daemon, if it does.

    worker: the number of the process, which every line tells.  timed: whether it tells the time, too.
    """
    if worker is not None:
        always: dict[str, Value] = {"worker": worker}
        writer = LogWriter(
            line_writer(STDOUT), as_json=as_json, timed=timed, seen=counters.seen, always=always
        )
    elif is_nowhere(STDOUT):
        logger = Logger("mailaccess")
        writer = LogWriter(
            lambda line: logger.info("{line}", line=line.rstrip("\n")),
            as_json=as_json,
            timed=as_json,
            seen=counters.seen,
        )
    else:
        writer = LogWriter(line_writer(STDOUT), as_json=as_json, seen=counters.seen)
    counters.watch(LOG_LOST, lambda: {(): writer.lost})
    return writer


def line_writer(descriptor: int) -> Callable[[str], object]:
    """Writes each line at once and whole, so that lines of several processes never mix."""

    def write(line: str) -> None:
        os.write(descriptor, line.encode("utf-8", "backslashreplace"))

    return write


def tell_failures(log: EventLog) -> Callable[[], None]:
    """Have errors that nobody handled become events too; returns what ends that.

    Twisted's own log has their tracebacks. The event names the exception and where it was raised.
    """

    def observe(event: LogEvent) -> None:
        if event.get("log_level") is not LogLevel.critical:
            return
        failure = event.get("log_failure")
        if failure is None:
            log.log("internal-error", Level.ERROR, error=str(event.get("log_format", "")))
            return
        frames = failure.frames
        where = f"{os.path.basename(frames[-1][1])}:{frames[-1][2]}" if frames else ""
        log.log("internal-error", Level.ERROR, error=f"{failure.type.__name__}: {failure.value}", where=where)

    publisher: Any = globalLogPublisher
    publisher.addObserver(observe)
    return lambda: publisher.removeObserver(observe)


def is_nowhere(descriptor: int) -> bool:
    """Whether what is written there is lost."""
    try:
        found = os.fstat(descriptor)
        null = os.stat(os.devnull)
    except OSError:
        return True
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == null.st_rdev
