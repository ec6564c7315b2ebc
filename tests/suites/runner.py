"""Run other projects' suites directly and through Doorward, and compare test by test.

Exit code 0: every difference is explained in differences.toml, and every listed difference was there; 1: not so; 2: nothing
could be run. Suites whose sources are not there are left out, which is said. One that is named and is not there, or of which
most did not run, is a failure.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

from tests.suites import clients, drivers, regress, sessions
from tests.suites.outcomes import Comparison, Outcome, read_differences
from tests.suites.suite import Missing, Place, Suite, Unfinished
from tests.suites.table import write_table
from tests.suites.targets import Target, direct, recorded_statements, through_doorward

ROOT = Path(__file__).parents[2]
SUITES = {suite.name: suite for suite in (regress.SUITE, *drivers.SUITES, sessions.SUITE, *clients.SUITES)}
DEFAULT_SOURCES = ROOT / "build" / "suites"
RESULTS = "results"


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make suites", description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("names", nargs="*", metavar="SUITE", help=f"which; all of them unless named: {', '.join(SUITES)}")
    parser.add_argument("--sources", type=Path, default=DEFAULT_SOURCES, help="where the fetched suites lie (%(default)s)")
    parser.add_argument("--list", action="store_true", help="say what there is and how to get it, and run nothing")
    parser.add_argument("--json", action="store_true", help="print the comparison as JSON")
    parser.add_argument("--write", action="store_true", help="write the table and the differences to docs/compatibility.md")
    parser.add_argument("--road", choices=("direct", "doorward"), help="run one road again; the other is as it was last time")
    chosen = parser.parse_args(arguments)
    if unknown := sorted(set(chosen.names) - set(SUITES)):
        parser.error(f"no such suite: {', '.join(unknown)}")
    return chosen


def _tell(suite: Suite) -> None:
    print(f"{suite.name}: {suite.title}, {suite.version}")
    for line in suite.get:
        print(f"    {line}")


def _run(suite: Suite, road: str, sources: Path) -> dict[str, Outcome]:
    """One road of one suite. Raises Missing."""
    roads: dict[str, AbstractContextManager[Target]] = {
        "direct": direct(suite.databases, suite.preparation),
        "doorward": through_doorward(suite.databases, suite.preparation),
    }
    scratch = Path(tempfile.mkdtemp(prefix=f"doorward-suite-{suite.name}-"))
    started = time.monotonic()
    try:
        with roads[road] as target:
            outcomes = suite.run(target, Place(sources.resolve(), scratch))
            note = f", {recorded_statements(target)} statements recorded" if road == "doorward" else ""
        print(f"{suite.name} {road}: {len(outcomes)} tests in {time.monotonic() - started:.0f} s{note}", file=sys.stderr)
        return outcomes
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _kept(path: Path) -> dict[str, Outcome]:
    return {name: Outcome(**fields) for name, fields in json.loads(path.read_text(encoding="utf-8")).items()}


def _both(suite: Suite, sources: Path, only: str | None) -> Comparison:
    """Both roads, kept beside the sources for looking at: a road that is not run again is as it was kept, or empty."""
    (sources / RESULTS).mkdir(parents=True, exist_ok=True)
    found = {}
    for road in ("direct", "doorward"):
        kept = sources / RESULTS / f"{suite.name}-{road}.json"
        if only in (None, road):
            outcomes = _run(suite, road, sources)
            suite.check_enough(outcomes, road)
            kept.write_text(json.dumps({name: dataclasses.asdict(o) for name, o in outcomes.items()}, indent=1), "utf-8")
        found[road] = _kept(kept) if kept.exists() else {}
    return Comparison(suite.name, suite.version, found["direct"], found["doorward"])


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; the exit code."""
    chosen = _arguments(arguments)
    suites = [SUITES[name] for name in chosen.names] or list(SUITES.values())
    if chosen.list:
        print(f"Fetched suites lie in {chosen.sources}; nothing of them belongs into this repository.\n")
        for suite in suites:
            _tell(suite)
        return 0
    differences = read_differences()
    comparisons: list[Comparison] = []
    left_out = 0
    for suite in suites:
        try:
            suite.check(chosen.sources)
            comparisons.append(_both(suite, chosen.sources, chosen.road))
        except (Missing, Unfinished, subprocess.TimeoutExpired) as fault:
            left_out += bool(chosen.names) or isinstance(fault, Unfinished)
            print(f"{suite.name}: left out, {fault} (--list says how to get it)", file=sys.stderr)
    good = bool(comparisons) and not left_out
    for found in comparisons:
        unexplained, outdated = found.unexplained(differences), found.outdated(differences)
        good &= not unexplained and not outdated and bool(found.tests)
        same = len(found.tests) - len(found.different)
        if not chosen.json:
            explained = len(found.different) - len(unexplained)
            counts = f"{len(found.tests)} tests, {found.passed_directly} pass directly, {same} same"
            print(f"{found.suite} {found.version}: {counts}, {len(found.different)} different, {explained} explained")
            for test in unexplained:
                print(f"    differs, unexplained: {test}")
            for test in outdated:
                print(f"    listed as different, and is the same: {test}")
    if chosen.json:
        print(json.dumps([_as_json(found, found.unexplained(differences)) for found in comparisons], indent=1))
    if chosen.write:
        write_table([(SUITES[found.suite].title, found) for found in comparisons], differences)
    return 0 if good else 1 if comparisons else 2


def _as_json(found: Comparison, unexplained: tuple[str, ...]) -> dict[str, object]:
    return {
        "suite": found.suite,
        "version": found.version,
        "tests": len(found.tests),
        "passed_directly": found.passed_directly,
        "different": {
            test: [found.direct[test].status if test in found.direct else None,
                   found.through[test].status if test in found.through else None]
            for test in found.different
        },
        "unexplained": unexplained,
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
