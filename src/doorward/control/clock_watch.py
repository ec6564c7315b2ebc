"""Whether the wall clock goes as time does: a clock that is set would put entries at times that never were."""

from __future__ import annotations

import time
from collections.abc import Callable

# Clocks that are kept right by small steps move less than this between two looks.
TOLERATED_US = 1_000_000


class ClockWatch:
    """Compares the wall clock with one that can't be set. Both give microseconds."""

    def __init__(self, wall: Callable[[], int], steady: Callable[[], int]) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead = wall() - steady()

    def jumped_us(self) -> int:
        """By how much the wall clock was set since the last look: negative when it was set back, 0 when it was not."""
        ahead = self._wall() - self._steady()
        jump = ahead - self._ahead
        self._ahead = ahead
        return jump if abs(jump) > TOLERATED_US else 0


def steady_us() -> int:
    """Time since the machine started, also while it was asleep where the system tells that."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock) // 1_000
