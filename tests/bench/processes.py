"""What the kernel says of processes: CPU time, memory, children. See proc(5)."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
SETTLED_TICKS = 2
SETTLE_STEP_SECONDS = 0.25


def _stat(process_id: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on: the second is a name, which may hold anything."""
    return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()


def cpu_ticks(process_ids: Iterable[int]) -> int:
    """User and system time of the processes and all their threads, in clock ticks."""
    return sum(int(field) for process_id in process_ids for field in _stat(process_id)[11:13])


def cpu_us(ticks: int) -> float:
    """Clock ticks in microseconds."""
    return ticks * 1e6 / TICKS_PER_SECOND


def resident_kib(process_ids: Iterable[int]) -> int:
    """Resident memory of the processes together, in KiB."""
    total = 0
    for process_id in process_ids:
        for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total


def descendants(process_id: int) -> tuple[int, ...]:
    """All processes below *process_id*, by number."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int(_stat(int(folder.name))[1])
            except OSError:
                continue  # it ended meanwhile
    found: set[int] = set()
    layer = {process_id}
    while layer:
        layer = {child for child, parent in parents.items() if parent in layer}
        found |= layer
    return tuple(sorted(found))


def wait_until_idle(process_ids: Iterable[int], most_seconds: float = 5.0) -> bool:
    """Wait for the processes to finish what they still work at; False when they went on for *most_seconds*."""
    watched = tuple(process_ids)
    deadline = time.monotonic() + most_seconds
    while watched:
        before = cpu_ticks(watched)
        time.sleep(SETTLE_STEP_SECONDS)
        if cpu_ticks(watched) - before <= SETTLED_TICKS:
            break
        if time.monotonic() > deadline:
            return False
    return True
