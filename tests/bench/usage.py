"""What processes use: CPU time and memory of one and all it started, from Linux' /proc."""

import os
from collections import defaultdict
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def family(root: int) -> dict[int, list[bytes]]:
    """``root`` and its descendants: the fields of /proc/PID/stat from the third on."""
    fields: dict[int, list[bytes]] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                found = Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()
            except OSError:
                continue
            fields[int(name)] = found
            children[int(found[1])].append(int(name))
    result: dict[int, list[bytes]] = {}
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        if pid in fields:
            result[pid] = fields[pid]
            waiting += children[pid]
    return result


def cpu(root: int) -> float:
    """CPU seconds that the family has used, with those that ended (these in whole ticks)."""
    total = 0.0
    for pid, fields in family(root).items():
        total += (int(fields[13]) + int(fields[14])) / TICKS
        exact = 0.0
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                exact += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_bytes().split()[0]) / 1e9
        except OSError:
            pass
        # Threads that ended are missing from the exact figure.
        total += max(exact, (int(fields[11]) + int(fields[12])) / TICKS)
    return total


def memory(root: int) -> float:
    """KiB of the family; what processes share is shared out among them (PSS)."""
    total = 0
    for pid in family(root):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return float(total)


def status(pid: int, name: str) -> float:
    """MiB that one process holds (``VmRSS``) or has held at most (``VmHWM``)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name + ":")) / 1024


def forget_peak(pid: int) -> None:
    """Let ``VmHWM`` begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def load() -> float:
    """The machine's load of the last minute."""
    return os.getloadavg()[0]
