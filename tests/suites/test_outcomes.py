"""What counts as a difference, which of them are explained, and that the page says what the list says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.suites.outcomes import PASSED, Comparison, Difference, Outcome, read_differences
from tests.suites.runner import SUITES, main
from tests.suites.suite import Unfinished
from tests.suites.table import DIFFERENCES, PAGE, RESULTS, part, put_part, render_differences


def compared(direct: dict[str, Outcome], through: dict[str, Outcome]) -> Comparison:
    return Comparison("one", "1", direct, through)


@pytest.mark.parametrize(
    ("before", "after", "is_same"),
    [
        (Outcome(PASSED), Outcome(PASSED), True),
        (Outcome(PASSED, "at 12:00"), Outcome(PASSED, "at 12:01"), True),
        (Outcome(PASSED), Outcome("failed"), False),
        (Outcome("failed", "x"), Outcome("failed", "x"), True),
        (Outcome("failed", "x"), Outcome("failed", "y"), False),
        (Outcome("done", "x"), Outcome("done", "y"), False),
        (Outcome("skipped"), Outcome(PASSED), False),
        (Outcome(PASSED), None, False),
        (None, Outcome(PASSED), False),
    ],
)
def test_a_test_is_the_same_when_its_suite_or_else_its_output_says_so(
    before: Outcome | None, after: Outcome | None, is_same: bool
) -> None:
    """One that ran on one road alone is different."""
    found = compared({"t": before} if before else {}, {"t": after} if after else {})
    assert found.tests == ("t",)
    assert (found.different == ()) is is_same


def test_a_difference_that_nobody_listed_is_unexplained() -> None:
    """Another suite's entry explains nothing, and a star stands for anything while a bracket is a bracket."""
    found = compared({"a[1]": Outcome(PASSED), "a1": Outcome(PASSED), "b": Outcome(PASSED)}, {"b": Outcome(PASSED)})
    assert found.unexplained([]) == ("a[1]", "a1")
    assert found.unexplained([Difference("one", ("a[1]",), "known")]) == ("a1",)
    assert found.unexplained([Difference("one", ("a*",), "known")]) == ()
    assert found.unexplained([Difference("other", ("*",), "known")]) == ("a[1]", "a1")


def test_a_listed_difference_that_is_gone_is_outdated() -> None:
    """Each pattern by itself; those that come and go may be gone, and other suites' are not asked about."""
    found = compared({"a": Outcome(PASSED), "b": Outcome(PASSED)}, {"a": Outcome("failed"), "b": Outcome(PASSED)})
    assert found.outdated([Difference("one", ("a", "b", "c"), "known")]) == ("b", "c")
    assert found.outdated([Difference("one", ("b",), "known", sometimes=True), Difference("other", ("b",), "known")]) == ()


def test_a_suite_of_which_most_did_not_run_is_no_result() -> None:
    """Two roads on which nothing could be imported are alike."""
    suite = SUITES["psycopg"]
    with pytest.raises(Unfinished, match="only 1 tests ran on the road direct"):
        suite.check_enough({"collecting": Outcome("error")}, "direct")
    suite.check_enough({str(number): Outcome(PASSED) for number in range(suite.least)}, "direct")


def test_every_listed_difference_is_of_a_suite_and_has_a_reason() -> None:
    """A reason is a sentence."""
    for entry in read_differences():
        assert entry.suite in SUITES
        assert entry.tests
        assert len(entry.why) > 40
        assert entry.why.endswith(".")


def test_the_page_has_the_list_word_for_word() -> None:
    """`make suites ARGS=--write` writes it; a list that nobody reads explains nothing."""
    assert part(PAGE.read_text(encoding="utf-8"), DIFFERENCES) == render_differences(read_differences())


def test_the_page_has_a_row_for_each_suite_and_no_unexplained_difference() -> None:
    """Counts that add up."""
    rows = [line.strip("| ").split(" | ") for line in part(PAGE.read_text(encoding="utf-8"), RESULTS).splitlines()[2:]]
    assert {row[0] for row in rows} <= {suite.title for suite in SUITES.values()}
    for _title, _version, *cells in rows:
        tests, passed, same, different, explained = (int(cell.replace("-", "0")) for cell in cells)
        assert tests >= passed
        assert same + different == tests
        assert explained == different


def test_a_part_of_the_page_is_replaced_between_its_marks() -> None:
    """And a page without the marks is refused."""
    page = "before\n<!-- a -->\nold\n<!-- end of a -->\nafter"
    assert put_part(page, "a", "new\nlines") == "before\n<!-- a -->\nnew\nlines\n<!-- end of a -->\nafter"
    with pytest.raises(ValueError, match="no part b"):
        put_part(page, "b", "x")


def test_the_list_says_how_to_get_each_suite(capsys: pytest.CaptureFixture[str]) -> None:
    """Without running anything."""
    assert main(["--list"]) == 0
    told = capsys.readouterr().out
    for suite in SUITES.values():
        assert re.search(rf"^{re.escape(suite.name)}: ", told, re.MULTILINE)
        assert all(line in told for line in suite.get)


def test_a_suite_that_is_not_there_is_left_out_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing that could be run is no success."""
    assert main(["libpq-pipeline", "--sources", str(tmp_path), "--road", "direct"]) == 2
    assert "left out" in capsys.readouterr().err
