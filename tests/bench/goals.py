"""What Doorward is meant to reach, as numbers, and whether a run reached it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.ratios import ratio, spread
from tests.bench.results import Run


@dataclass(frozen=True, slots=True)
class Goal:
    """*target* in *cell* is to be at least, or at most, *bound*: a ratio to *versus*, or in the cell's unit without one."""

    cell: str
    target: str
    versus: str
    at_least: bool
    bound: float


@dataclass(frozen=True, slots=True)
class Reached:
    """A goal and the median that was measured for it."""

    goal: Goal
    value: float

    @property
    def is_met(self) -> bool:
        """Whether the bound is kept."""
        return self.value >= self.goal.bound if self.goal.at_least else self.value <= self.goal.bound


GOALS = (
    *(Goal(f"select-{mode}-8", "doorward", "pgbouncer", True, 0.85) for mode in ("simple", "extended", "prepared")),
    *(Goal(f"select-{mode}-8", "doorward-2-workers", "pgbouncer", True, 1.0) for mode in ("simple", "extended", "prepared")),
    *(Goal(f"select-{mode}-32", "doorward-strict", "pgbouncer", True, 0.6) for mode in ("simple", "extended", "prepared")),
    Goal("rows-text-1-masked", "doorward", "direct", False, 1.15),
    Goal("rows-binary-1-masked", "doorward", "direct", False, 1.15),
    Goal("first-seen-point", "doorward", "", False, 1.0),
    Goal("decision-cached", "doorward", "", False, 5.0),
    Goal("decision-uncached", "doorward", "", False, 300.0),
    Goal("values-clean", "doorward", "", True, 500_000.0),
    Goal("values-dense", "doorward", "", True, 50_000.0),
    Goal("memory-idle-session", "doorward", "", False, 30.0),
)


def reached(run: Run) -> Iterator[Reached]:
    """Every goal that *run* measured."""
    for goal in GOALS:
        cell = run.cell(goal.cell)
        if cell is None:
            continue
        values = cell.values(goal.target)
        found = ratio(values, cell.values(goal.versus)) if goal.versus else spread(values)
        if found is not None:
            yield Reached(goal, found.median)
