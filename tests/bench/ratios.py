"""The arithmetic of a comparison: targets are compared within a round, and rounds are summed up by their median.

Absolute numbers drift with whatever else a machine does; two targets measured seconds apart drift alike. So the ratio is taken
in each round first, and the median of those is quoted with the smallest and the largest.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the range that it comes from."""

    median: float
    least: float
    most: float
    rounds: int


def spread(values: Sequence[float | None]) -> Spread | None:
    """The median and range of the values that are there; None if none is."""
    found = [value for value in values if value is not None]
    if not found:
        return None
    return Spread(statistics.median(found), min(found), max(found), len(found))


def ratio(values: Sequence[float | None], reference: Sequence[float | None]) -> Spread | None:
    """*values* over *reference*, round by round; rounds in which either is missing or the reference is 0 do not count."""
    pairs = zip(values, reference, strict=False)
    return spread([ours / theirs if ours is not None and theirs else None for ours, theirs in pairs])
