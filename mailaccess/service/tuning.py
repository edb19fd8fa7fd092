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

UMASK: Final = 0o077
"""Mail is its owner's alone; what others may use (sockets) gets its mode by name."""


def tune(settings: Settings, log: EventLog) -> None:
    """Set umask, descriptors, garbage collection, thread switching. Raises nothing."""
    os.umask(UMASK)
    sys.setswitchinterval(SWITCH_INTERVAL)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    _raise_descriptors(settings.limits.connections + SPARE_DESCRIPTORS, log)


def _raise_descriptors(wanted: int, log: EventLog) -> None:
    """As many descriptors as the limits promise; the default of 1024 is used up by 1,000 phones."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted and os.geteuid() == 0:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return
        except (OSError, ValueError):
            pass
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < wanted:
        log.log("few-file-descriptors", Level.WARNING, allowed=most, wanted=wanted)
