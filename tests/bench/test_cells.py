"""The cells themselves: what they count, and that goals name some that exist."""

import pytest

from tests.bench.baseline import OURS
from tests.bench.cells import CELLS, TPS, TRANSACTIONS, _Occurrences, analytic_query, point_select
from tests.bench.decisions import BATCH, RULES, cached_us, policy, uncached_us
from tests.bench.goals import GOALS
from tests.bench.runner import chosen_cells
from tests.bench.targets import DOORWARDS, OPENED


def test_names_are_unique_and_targets_can_be_opened() -> None:
    """A row is found by its name in a baseline."""
    names = [cell.name for cell in CELLS]
    assert len(set(names)) == len(names)
    assert {target for cell in CELLS for target in cell.targets} == set(OPENED)
    assert all(cell.versus in cell.targets for cell in CELLS)


def test_goals_name_cells_and_targets_that_are_measured() -> None:
    """A goal for a misspelled cell would be met by silence."""
    targets = {cell.name: cell.targets for cell in CELLS}
    for goal in GOALS:
        assert goal.target in targets[goal.cell]
        assert not goal.versus or goal.versus in targets[goal.cell]


def test_every_doorward_is_named_as_one() -> None:
    """The baseline finds them so."""
    assert all(name.startswith(OURS) for name in DOORWARDS)


@pytest.mark.parametrize("size", [1, 3, 7, 8, 64])
def test_a_word_that_is_cut_by_a_chunk_counts_once(size: int) -> None:
    """However the stream is cut."""
    stream = b"clear-a-1clear-bb-2xxclear-a-clear-a-"
    seen = _Occurrences({"clear-a-": 0, "clear-bb-": 0, "clear-c-": 0})
    for start in range(0, len(stream), size):
        seen.take(memoryview(stream[start : start + size]))
    assert seen.totals() == {"clear-a-": 3, "clear-bb-": 1, "clear-c-": 0}


def test_unseen_statements_differ_in_more_than_literals() -> None:
    """A cache by shape must miss as well."""
    assert point_select(1).partition(" FROM")[0] != point_select(2).partition(" FROM")[0]
    assert 58 <= analytic_query(7).count("\n") + 1 <= 66


def test_pgbenchs_report_is_read() -> None:
    """In its own words."""
    said = "number of transactions actually processed: 4321\nlatency average = 0.1 ms\ntps = 1234.567 (without initial)\n"
    assert TPS.search(said)[1] == "1234.567"  # type: ignore[index]
    assert TRANSACTIONS.search(said)[1] == "4321"  # type: ignore[index]


def test_cells_are_chosen_by_name_or_group() -> None:
    """And without a choice, the quick ones are fewer."""
    assert [cell.name for cell in chosen_cells(["select-simple-"], quick=True)] == [f"select-simple-{n}" for n in (1, 8, 32)]
    assert {cell.group for cell in chosen_cells(["memory"], quick=False)} == {"memory"}
    assert chosen_cells(["nothing"], quick=False) == []
    assert 0 < len(chosen_cells([], quick=True)) < len(chosen_cells([], quick=False)) == len(CELLS)


def test_decisions_are_measured_under_as_many_rules_as_they_say() -> None:
    """And what is called unseen was not seen, what is called seen was."""
    assert len(policy().in_force.rules) == RULES
    _median, first = uncached_us(0)
    assert first == 1
    assert cached_us(0)[1] == BATCH
