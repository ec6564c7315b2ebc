"""A clock that is set is noticed; one that is merely kept right is not."""

from __future__ import annotations

import pytest

from doorward.control.clock_watch import TOLERATED_US, ClockWatch, steady_us
from tests.control.gateway import Clock


@pytest.mark.parametrize(
    ("wall_us", "steady_us", "jump_us"),
    [
        (5_000_000, 5_000_000, 0),
        (5_000_000 + TOLERATED_US, 5_000_000, 0),
        (5_000_001 + TOLERATED_US, 5_000_000, TOLERATED_US + 1),
        (-3_600_000_000, 5_000_000, -3_605_000_000),
        (3_600_000_000, 0, 3_600_000_000),
    ],
)
def test_only_a_jump_is_told(wall_us: int, steady_us: int, jump_us: int) -> None:
    """In either direction, and once."""
    wall, steady = Clock(), Clock()
    watch = ClockWatch(wall, steady)
    wall.now_us += wall_us
    steady.now_us += steady_us
    assert watch.jumped_us() == jump_us
    assert watch.jumped_us() == 0


def test_small_corrections_do_not_add_up() -> None:
    """A clock that is slewed for an hour was never set."""
    wall, steady = Clock(), Clock()
    watch = ClockWatch(wall, steady)
    for _ in range(100):
        wall.now_us += 5_100_000
        steady.now_us += 5_000_000
        assert watch.jumped_us() == 0


def test_the_steady_clock_goes() -> None:
    """And is no wall clock."""
    first = steady_us()
    assert first <= steady_us() < 1_000_000_000_000_000
