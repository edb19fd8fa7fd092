"""What the process as a whole is set to, before it serves.

Figures: two cores, CPython 3.11. One thread of plain Python moves everybody's answers from 0.05 to 4.9 ms;
asked to give way each half millisecond, to 0.6 ms. A collection of the oldest generation walks every object,
those of the imported modules too (some 150,000, 60 ms), unless they are frozen.
"""

import gc
import os
import resource
import sys
from typing import Final

from mailaccess.config.sections import Settings
from mailaccess.observe.events import EventLog, Level

SWITCH_INTERVAL: Final = 0.0005
"""Seconds after which a thread that computes gives way to the reactor's."""

GC_THRESHOLDS: Final = (20_000, 20, 20)
"""A FETCH of 10,000 messages makes and drops many objects; none of them is a cycle."""

SPARE_DESCRIPTORS: Final = 1000
"""File descriptors besides connections: indexes (three each), messages being read, listeners."""

ENOUGH: Final = 0.9
"""Part of the connections that limits allow below which somebody should know: 20,000 descriptors do for 20,000."""

UMASK: Final = 0o077
"""Mail is its owner's alone; what others may use (sockets) gets its mode by name."""


def tune(settings: Settings, log: EventLog | None) -> int:
    """Set umask, descriptors, core dumps, garbage collection, thread switching. Raises nothing.

    log: None where another process tells.  Returns the connections for which there are descriptors.
    """
    os.umask(UMASK)
    _dump_no_core()
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    wanted = settings.limits.connections + SPARE_DESCRIPTORS
    allowed = _raise_descriptors(wanted)
    fit = connections_that_fit(allowed)
    if log is not None and fit < ENOUGH * settings.limits.connections:
        log.log("few-file-descriptors", Level.WARNING, allowed=allowed, wanted=wanted, connections=fit)
    return min(fit, settings.limits.connections)


def _dump_no_core() -> None:
    """Memory holds passwords, keys and mail: no file of it. The hard limit stays, for who looks for a fault."""
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def connections_that_fit(descriptors: int) -> int:
    """Connections that leave enough for the files they ask for, however few descriptors there are."""
    return max(descriptors - SPARE_DESCRIPTORS, descriptors // 2)


def _raise_descriptors(wanted: int) -> int:
    """How many descriptors there are, raised to ``wanted``: the usual 1024 are used up by 1,000 phones."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted and os.geteuid() == 0:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
        except (OSError, ValueError):
            pass
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (OSError, ValueError):  # the kernel has a bound of its own
        return soft
    return most
