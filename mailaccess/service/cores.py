"""How many cores this process may use: those it is bound to, and no more than its control group has time of.

A container with the time of one core sees all cores of its machine; a worker for each would only take memory.
Source: sched(7); the kernel's "Control Group v2", cpu.max.
"""

import os
from collections.abc import Callable
from pathlib import Path

OWN_GROUP = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def cores(
    own_group: Path = OWN_GROUP,
    groups: Path = GROUPS,
    bound_to: Callable[[], int] = lambda: len(os.sched_getaffinity(0)),
) -> int:
    """At least one. A part of a core's time counts as a core."""
    return max(1, min([bound_to(), *_quotas(own_group, groups)]))


def _quotas(own_group: Path, groups: Path) -> list[int]:
    """Of the group and all those it is in, where they have one."""
    found = []
    try:
        lines = own_group.read_text("ascii").splitlines()
    except (OSError, ValueError):
        return []
    for line in lines:
        if line.startswith("0::/"):  # version 2; in a container, its root is that of the container
            group = groups / line.removeprefix("0::/")
            for folder in (group, *group.parents):
                try:
                    quota, period = (folder / "cpu.max").read_text("ascii").split()
                    found.append(-(-int(quota) // int(period)))
                except (OSError, ValueError, ZeroDivisionError):  # none; "max": as much as there is
                    pass
                if folder == groups:
                    break
    return found
