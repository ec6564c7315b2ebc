"""How long tests search: quick ones with every run, long ones when pytest is given ``--long``."""

from __future__ import annotations

import os
from typing import TypeVar

import hypothesis

T = TypeVar("T")
IS_LONG = os.environ.get("DOORWARD_LONG_TESTS") == "1"


def either(quick: T, long: T) -> T:
    """The size or number that fits this run."""
    return long if IS_LONG else quick


def examples(quick: int, long: int) -> hypothesis.settings:
    """Hypothesis with so many examples, without a limit on the time of one: quick runs play the same every time."""
    return hypothesis.settings(
        max_examples=either(quick, long),
        deadline=None,
        derandomize=not IS_LONG,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
