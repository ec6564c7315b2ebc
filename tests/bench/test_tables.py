"""What people read of a run."""

from tests.bench import tables
from tests.bench.goals import reached
from tests.bench.ratios import Spread
from tests.bench.runs import cell, run

VALUES = {"direct": [1000.0, 2000.0], "pgbouncer": [500.0, 1000.0], "doorward": [450.0, 800.0]}
CPU = {"pgbouncer": [10.0, 12.0], "doorward": [20.0, 30.0]}


def test_numbers_have_as_many_digits_as_mean_anything() -> None:
    """12,345 but 1.23."""
    assert [tables.number(value) for value in (12345.6, 100, 12.345, 1.234, 0.5)] == ["12,346", "100", "12.3", "1.23", "0.50"]


def test_a_range_is_shown_when_there_was_more_than_one_round() -> None:
    """One round has none."""
    assert tables.ranged(Spread(0.8, 0.7, 0.9, 3)) == "0.80 (0.70-0.90)"
    assert tables.ranged(Spread(0.8, 0.8, 0.8, 1)) == "0.80"
    assert tables.ranged(None) == "-"


def test_tables_have_absolute_numbers_ratios_and_cpu_time() -> None:
    """Each of them once a group, by cell and target."""
    lines = list(tables.lines_of(run(cell("select", VALUES, CPU))))
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in lines if line.startswith("| the title")]
    assert rows == [
        ["the title of select", "tps", "1,500", "750", "625"],
        ["the title of select", "0.50 (0.50-0.50)", "0.43 (0.40-0.45)"],
        ["the title of select", "0.85 (0.80-0.90)"],
        ["the title of select", "transaction", "11.0", "25.0"],
    ]
    assert "Times direct (more is better):" in lines


def test_a_target_that_failed_everywhere_leaves_a_gap() -> None:
    """Not a number."""
    lines = tables.lines_of(run(cell("select", {"direct": [1.0], "doorward": [None]})))
    assert [line.split("|")[-2].strip() for line in lines if line.startswith("| the title")] == ["-", "-"]


def test_goals_are_judged_both_ways() -> None:
    """At least for throughput, at most for time; those whose cell was not measured are left out."""
    fast = run(
        cell("select-simple-8", {"pgbouncer": [100.0], "doorward": [85.0], "doorward-2-workers": [99.0]}),
        cell("rows-text-1-masked", {"direct": [1.0], "doorward": [1.2]}, more_is_better=False, unit="s"),
        cell("first-seen-point", {"direct": [0.1], "doorward": [0.9]}, more_is_better=False, unit="ms"),
    )
    found = {(one.goal.cell, one.goal.target): one.is_met for one in reached(fast)}
    assert found == {
        ("select-simple-8", "doorward"): True,
        ("select-simple-8", "doorward-2-workers"): False,
        ("rows-text-1-masked", "doorward"): False,
        ("first-seen-point", "doorward"): True,
    }
    assert sum("**missed**" in line for line in tables.goal_lines(fast)) == 2


def test_the_page_says_what_it_was_measured_on_and_what_was_not() -> None:
    """Numbers without their machine mean nothing."""
    measured = run(cell("select", VALUES, CPU))
    measured.skipped["haproxy"] = "it is not installed"
    page = tables.page(measured)
    assert page.startswith("# Performance\n")
    assert "| system | a test |" in page
    assert "Not measured: haproxy (it is not installed)." in page
