"""Packs of evidence of the made-up company, for tests."""

from __future__ import annotations

from pathlib import Path

from doorward.audit.checkpoint import load_key
from doorward.console.evidence_page import evidence_page
from doorward.evidence.pack import Report, write_pack
from doorward.evidence.testing import Finding, Window
from tests.evidence.company import CLEARANCES
from tests.evidence.quarter import Planted, Quarter, write_log

CLEARED = {label: (group,) for group, labels in CLEARANCES.items() for label in labels}


def window_of(quarter: Quarter) -> Window:
    """The whole of *quarter*, looked at as it ended."""
    return Window(quarter.from_us, quarter.until_us, quarter.until_us, clearances=CLEARED)


def make_pack(directory: Path, quarter: Quarter, out: str = "pack") -> Report:
    """A pack of *quarter* in *directory*, whose log is written first when it is not there."""
    log = directory / "log"
    if not log.exists():
        write_log(log, quarter.entries())
    return write_pack(log, load_key(log), directory / out, window_of(quarter), evidence_page)


def found_in(report: Report) -> list[Planted]:
    """The exceptions of *report*, named as what was planted is."""
    return sorted(Planted(name, _about(finding)) for name, tested in report.controls.items() for finding in tested.exceptions)


def _about(finding: Finding) -> str:
    # These two name the entry too, which nobody knows as they are planted.
    word = finding.about.split(" ")[0]
    return word if word in ("clock", "shop") else finding.about
