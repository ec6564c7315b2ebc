"""Ratios of a run that was found good, kept so that a later run can be held against them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.bench.ratios import ratio
from tests.bench.results import Run

PATH = Path(__file__).with_name("baseline.json")
# Ratios of quiet runs on one machine lie within a tenth of each other; twice that leaves CI its noise.
TOLERANCE = 0.2
OURS = "doorward"


class Kept(msgspec.Struct, frozen=True):
    """One ratio and which way is worse."""

    ratio: float
    more_is_better: bool


class Baseline(msgspec.Struct):
    """Ratios by row. *tolerance* is the part of a ratio by which it may get worse; *about* says where it was measured."""

    tolerance: float
    about: dict[str, str]
    rows: dict[str, Kept]


class Regression(msgspec.Struct, frozen=True):
    """A row that got worse by more than the tolerance."""

    row: str
    was: float
    is_now: float

    def __str__(self) -> str:
        return f"{self.row}: {self.is_now:.2f}, the baseline has {self.was:.2f}"


def rows(run: Run) -> Iterator[tuple[str, Kept]]:
    """The ratios of *run* that a baseline keeps: for each steady cell and each Doorward, the value and the relay's CPU time."""
    for cell in run.cells:
        if not cell.is_steady:
            continue
        for target in cell.rounds:
            if not target.startswith(OURS):
                continue
            value = ratio(cell.values(target), cell.values(cell.versus))
            if value is not None:
                yield f"{cell.name} {target} / {cell.versus}", Kept(round(value.median, 3), cell.more_is_better)
            cpu = ratio(cell.cpu_us(target), cell.cpu_us(cell.versus))
            if cpu is not None:
                yield f"{cell.name} CPU of {target} / {cell.versus}", Kept(round(cpu.median, 3), False)


def baseline_of(run: Run, tolerance: float = TOLERANCE) -> Baseline:
    """*run* as a baseline."""
    return Baseline(tolerance, dict(run.about), dict(rows(run)))


def regressions(run: Run, baseline: Baseline) -> list[Regression]:
    """The rows of *run* that are worse than *baseline* allows. What only one of them has is not compared."""
    found = []
    for row, now in rows(run):
        was = baseline.rows.get(row)
        if was is None:
            continue
        bound = was.ratio * (1 - baseline.tolerance if was.more_is_better else 1 + baseline.tolerance)
        is_worse = now.ratio < bound if was.more_is_better else now.ratio > bound
        if is_worse:
            found.append(Regression(row, was.ratio, now.ratio))
    return found


def compared(run: Run, baseline: Baseline) -> int:
    """How many rows both have."""
    return sum(row in baseline.rows for row, _kept in rows(run))


def save(baseline: Baseline, path: Path = PATH) -> None:
    """Write *baseline* as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(baseline), indent=1) + b"\n")


def load(path: Path = PATH) -> Baseline:
    """Read a baseline. Raises OSError when there is none, and msgspec.DecodeError or ValidationError for what is none."""
    return msgspec.json.decode(path.read_bytes(), type=Baseline)
