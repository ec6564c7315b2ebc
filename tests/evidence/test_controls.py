"""The controls find every violation that was planted in a quarter, and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from doorward.errors import InvalidRequest
from doorward.evidence.controls import CONTROLS
from doorward.evidence.frameworks import FRAMEWORKS
from doorward.evidence.populations import BY_NAME, POPULATIONS
from doorward.evidence.testing import Window
from tests.evidence.packs import found_in, make_pack
from tests.evidence.quarter import Planted, Quarter


def test_every_planted_violation_is_found_and_nothing_else(tmp_path: Path) -> None:
    """`make quarter` does the same over two million statements."""
    quarter = Quarter(1500)
    report = make_pack(tmp_path, quarter)
    assert found_in(report) == sorted(quarter.planted)
    assert {planted.control for planted in quarter.planted} == {control.name for control in CONTROLS}
    assert all(tested.result == "exceptions" for tested in report.controls.values())


def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path) -> None:
    """The same company without the violations."""
    report = make_pack(tmp_path, Quarter(1500, violations=False))
    assert found_in(report) == []
    results = Counter(tested.result for tested in report.controls.values())
    # No outcome is unknown, so there is nothing that this one could be tested over.
    assert results == {"pass": len(CONTROLS) - 1, "no instances": 1}


def test_what_was_never_done_is_no_pass(tmp_path: Path) -> None:
    """No probe, no comparison and no review in a window are exceptions, each with the gap."""
    report = make_pack(tmp_path, Quarter(300, days=4, violations=False))
    assert "nothing-passed-beside" not in {planted.control for planted in found_in(report)}
    late = Quarter(300, days=100, violations=False)
    (tmp_path / "late").mkdir()
    gaps = found_in(make_pack(tmp_path / "late", late))
    assert gaps == []
    window = Window(late.until_us, late.until_us + 30 * 86_400_000_000, late.until_us + 30 * 86_400_000_000)
    from doorward.audit.checkpoint import load_key
    from doorward.console.evidence_page import evidence_page
    from doorward.evidence.pack import write_pack

    log = tmp_path / "late" / "log"
    idle = write_pack(log, load_key(log), tmp_path / "idle", window, evidence_page)
    assert {planted.control for planted in found_in(idle)} == {"guardrails-proven", "nothing-passed-beside"}


def test_criteria_name_populations_and_controls_that_exist() -> None:
    """Every population and control is used by some criterion."""
    criteria = [criterion for _title, found in FRAMEWORKS.values() for criterion in found]
    assert {name for criterion in criteria for name in criterion.populations} == set(BY_NAME)
    assert {name for criterion in criteria for name in criterion.controls} == {control.name for control in CONTROLS}
    assert {control.population for control in CONTROLS} <= set(BY_NAME)
    assert len(BY_NAME) == len(POPULATIONS)


@pytest.mark.parametrize("times", [(5, 5), (6, 5), (-1, 5)])
def test_window_that_ends_before_it_begins_is_refused(times: tuple[int, int]) -> None:
    with pytest.raises(InvalidRequest):
        Window(*times, 10)


def test_planted_violations_are_told_apart() -> None:
    """Two of the same name would hide one that is missed."""
    quarter = Quarter(200)
    for _ in quarter.entries():
        pass
    assert len(set(quarter.planted)) == len(quarter.planted)
    assert Planted("rules-reviewed", "v4") in quarter.planted
