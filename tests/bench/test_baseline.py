"""A baseline keeps ratios, and names the row that got worse."""

from pathlib import Path

import pytest

from tests.bench import baseline
from tests.bench.baseline import Baseline, Kept, Regression
from tests.bench.runs import cell, run

TPS = {"direct": [100.0, 200.0], "pgbouncer": [50.0, 100.0], "doorward": [40.0, 80.0]}
CPU = {"pgbouncer": [10.0, 10.0], "doorward": [20.0, 30.0]}


def test_rows_are_ratios_of_doorwards_to_what_the_cell_is_judged_against() -> None:
    """The value and the CPU time; other relays are not our business."""
    assert dict(baseline.rows(run(cell("select", TPS, CPU)))) == {
        "select doorward / pgbouncer": Kept(0.8, True),
        "select CPU of doorward / pgbouncer": Kept(2.5, False),
    }


def test_an_unsteady_cell_is_not_kept() -> None:
    """A coin that the scheduler throws is no regression."""
    assert not dict(baseline.rows(run(cell("select", TPS, CPU, is_steady=False))))


@pytest.mark.parametrize(
    ("more_is_better", "ours", "is_worse"),
    [
        (True, 79.9, True),
        (True, 80.1, False),
        (True, 300.0, False),
        (False, 120.1, True),
        (False, 119.9, False),
        (False, 10.0, False),
    ],
)
def test_a_ratio_may_get_worse_by_the_tolerance_and_better_by_anything(
    more_is_better: bool, ours: float, is_worse: bool
) -> None:
    """Throughput falls, time rises."""
    kept = Baseline(0.2, {}, {"rows doorward / direct": Kept(1.0, more_is_better)})
    measured = run(cell("rows", {"direct": [100.0], "doorward": [ours]}, more_is_better=more_is_better, versus="direct"))
    found = baseline.regressions(measured, kept)
    assert [regression.row for regression in found] == (["rows doorward / direct"] if is_worse else [])


def test_a_regression_says_which_row_and_by_how_much() -> None:
    """What CI prints."""
    assert str(Regression("select doorward / pgbouncer", 0.8, 0.5)) == (
        "select doorward / pgbouncer: 0.50, the baseline has 0.80"
    )


def test_only_what_both_have_is_compared() -> None:
    """A cell that is new, or was left out of this run, is no regression."""
    kept = baseline.baseline_of(run(cell("select", TPS), cell("other", TPS)))
    fresh = run(cell("select", TPS), cell("new", TPS))
    assert baseline.compared(fresh, kept) == 1
    assert baseline.regressions(fresh, kept) == []


def test_a_baseline_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    """And holds against the run that it was made of."""
    measured = run(cell("select", TPS, CPU))
    path = tmp_path / "baseline.json"
    baseline.save(baseline.baseline_of(measured), path)
    kept = baseline.load(path)
    assert kept == baseline.baseline_of(measured)
    assert kept.rows
    assert baseline.regressions(measured, kept) == []
