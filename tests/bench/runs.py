"""Runs for tests, made of plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.results import CellResult, Measured, Run


def cell(
    name: str,
    values: Mapping[str, Sequence[float | None]],
    cpu_us: Mapping[str, Sequence[float]] | None = None,
    *,
    more_is_better: bool = True,
    is_steady: bool = True,
    versus: str = "pgbouncer",
    unit: str = "tps",
) -> CellResult:
    """A row with these values by target, and CPU times for some of them."""
    made = CellResult(name, f"the title of {name}", "statements", unit, more_is_better, versus=versus, is_steady=is_steady)
    for target, rounds in values.items():
        times = (cpu_us or {}).get(target, [None] * len(rounds))
        made.rounds[target] = [
            None if value is None else Measured(value, time) for value, time in zip(rounds, times, strict=True)
        ]
    return made


def run(*cells: CellResult) -> Run:
    """A run of these rows."""
    return Run({"system": "a test"}, list(cells))
