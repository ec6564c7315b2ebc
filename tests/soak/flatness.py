"""Whether a series of memory readings stays flat."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# Allocators keep what they had, and the kernel counts pages: neither is a leak.
GROWTH = 1.10
SLACK_KIB = 16 * 1024
# Caches fill in the first part of a run; the last part is what it came to.
WARM = (0.25, 0.45)
LAST = 0.8


@dataclass(frozen=True, slots=True)
class Flatness:
    """Resident memory once warm, and at the end, in KiB."""

    warm_kib: float
    end_kib: float

    @property
    def is_flat(self) -> bool:
        """Whether the end is within the bound."""
        return self.end_kib <= self.warm_kib * GROWTH + SLACK_KIB

    def __str__(self) -> str:
        return f"{self.warm_kib / 1024:.1f} MiB once warm, {self.end_kib / 1024:.1f} MiB at the end"


def flatness(readings_kib: Sequence[float]) -> Flatness:
    """Compare the medians of the warm part and the end of evenly spaced readings. Raises ValueError for fewer than ten."""
    count = len(readings_kib)
    if count < 10:
        raise ValueError("too few readings of the memory to compare")
    warm = readings_kib[int(count * WARM[0]) : int(count * WARM[1])]
    return Flatness(statistics.median(warm), statistics.median(readings_kib[int(count * LAST) :]))
