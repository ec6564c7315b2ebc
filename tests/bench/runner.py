"""Measures what standing in the middle costs: ``make bench``, or ``python -m tests.bench.runner``.

Targets alternate within each round and their order rotates; ratios are taken within a round (see ``ratios``). Exit status: 0,
or 1 when something that should have been measured was not, or got worse than the baseline allows, or 2 for what can't be done.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

import doorward
from doorward.wire.postgres import framing_cy
from tests.bench import baseline, results, tables
from tests.bench.cells import CELLS, EVERYWHERE, Cell, MeasureFailed
from tests.bench.client import AnswerFailed
from tests.bench.processes import cpu_ticks, cpu_us, wait_until_idle
from tests.bench.results import CellResult, Measured, Run
from tests.bench.targets import OPENED, POOLING, NotStarted, Skipped, Target, versions
from tests.bench.world import World, missing_programs, world

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "bench"
LATEST = FOLDER / "latest.json"
PAGE = ROOT / "docs" / "performance.md"
CANNOT = 2
TARGETS = (*EVERYWHERE, POOLING)
OPEN_FILES = 8_000
FAILURES = (MeasureFailed, AnswerFailed, OSError)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    rounds: int
    seconds: float
    rows: int
    scale: int
    sessions: int

    def rounds_of(self, cell: Cell) -> int:
        """How often each target is measured in *cell*."""
        return 1 if cell.is_once else self.rounds


FULL = Size(rounds=3, seconds=3.0, rows=1_000_000, scale=10, sessions=1_000)
QUICK = Size(rounds=1, seconds=1.0, rows=100_000, scale=2, sessions=100)


class Progress:
    """One line for everything that is being done, on standard error."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._begun = 0
        self._started = time.monotonic()

    def say(self, text: str) -> None:
        """Tell of something that is not a measurement."""
        print(f"[{self._minutes()}] {text}", file=sys.stderr, flush=True)

    def leave_out(self, number: int) -> None:
        """Expect so many measurements less."""
        self._total -= number

    def begin(self, text: str) -> None:
        """Tell that a measurement begins; its line is ended by ``end``."""
        self._begun += 1
        share = f"{self._begun:>{len(str(self._total))}}/{self._total}"
        print(f"[{self._minutes()}] {share}  {text:<58}", file=sys.stderr, end="", flush=True)

    def end(self, text: str) -> None:
        """Tell what came of it."""
        print(text, file=sys.stderr, flush=True)

    def _minutes(self) -> str:
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        return f"{minutes:02}:{seconds:02}"


@dataclass
class Bench:
    """One run on its way: takes cells, fills *run*."""

    world: World
    size: Size
    wanted: Sequence[str]
    run: Run
    progress: Progress

    def measure(self, cells: Sequence[Cell]) -> None:
        """Measure *cells*, group by group. Targets stay for all groups but those that ask for fresh ones, which come last."""
        with contextlib.ExitStack() as stack:
            opened: dict[str, Target | None] = {}
            for group in _groups(cell for cell in cells if not cell.is_fresh):
                self._group(group, opened, stack)
        for group in _groups(cell for cell in cells if cell.is_fresh):
            with contextlib.ExitStack() as stack:
                self._group(group, {}, stack)

    def _group(self, cells: Sequence[Cell], opened: dict[str, Target | None], stack: contextlib.ExitStack) -> None:
        for name in self.wanted:
            if name not in opened and any(name in cell.targets for cell in cells):
                opened[name] = self._open(name, stack)
        for cell in cells:
            there = [target for name in cell.targets if (target := opened.get(name)) is not None]
            missing = sum(name in self.wanted for name in cell.targets) - len(there)
            self.progress.leave_out(missing * self.size.rounds_of(cell))
            self._cell(cell, there)

    def _open(self, name: str, stack: contextlib.ExitStack) -> Target | None:
        """A running target; None, with the reason kept, if it can't be had."""
        try:
            target = stack.enter_context(OPENED[name](name, self.world))
        except Skipped as why:
            if name not in self.run.skipped:
                self.progress.say(f"skipped {name}: {why}")
            self.run.skipped[name] = str(why)
        except NotStarted as error:
            self._failed("start", name, error)
        else:
            self.progress.say(f"started {name}")
            return target
        return None

    def _cell(self, cell: Cell, targets: list[Target]) -> None:
        result = cell.empty_result()
        result.title = result.title.format(rows=f"{self.size.rows:,}", sessions=f"{self.size.sessions:,}")
        self.run.cells.append(result)
        targets = [target for target in targets if self._is_right(cell, target)]
        result.rounds = {target.name: [] for target in targets}
        for number in range(self.size.rounds_of(cell)):
            turn = number % max(1, len(targets))
            for target in targets[turn:] + targets[:turn]:
                result.rounds[target.name].append(self._measure(cell, result, target, number))

    def _is_right(self, cell: Cell, target: Target) -> bool:
        """Whether the target gives the right answers, where the cell has a way to tell."""
        if cell.check is None:
            return True
        try:
            cell.check(target, self.world)
        except FAILURES as error:
            self._failed(cell.name, target.name, error)
            self.progress.leave_out(self.size.rounds_of(cell))
            return False
        return True

    def _measure(self, cell: Cell, result: CellResult, target: Target, number: int) -> Measured | None:
        if cell.before is not None:
            cell.before(target, self.world)
        wait_until_idle((*target.relays, *target.beside))
        self.progress.begin(f"{result.title}, round {number + 1}, {target.name}")
        try:
            measured = self._timed(cell, target)
        except FAILURES as error:
            self.progress.end("failed")
            self._failed(cell.name, target.name, error)
            return None
        self.progress.end(_told(measured, result.unit))
        return measured

    def _timed(self, cell: Cell, target: Target) -> Measured:
        relays, beside = cpu_ticks(target.relays), cpu_ticks(target.beside)
        number = cell.measure(target, self.world, self.size.seconds)
        if not target.relays:
            return Measured(number.value)
        relay_us = cpu_us(cpu_ticks(target.relays) - relays) / number.operations
        if not target.beside:
            return Measured(number.value, relay_us)
        # What the control process still has to do for these operations is theirs as well.
        wait_until_idle(target.beside)
        return Measured(number.value, relay_us, cpu_us(cpu_ticks(target.beside) - beside) / number.operations)

    def _failed(self, what: str, target: str, error: Exception) -> None:
        self.run.failures.append(f"{what} {target}: {error}")
        self.progress.say(f"FAILED {self.run.failures[-1]}")


def _groups(cells: Iterable[Cell]) -> Iterator[list[Cell]]:
    """Cells by their group, in order."""
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.group, []).append(cell)
    return iter(found.values())


def _told(measured: Measured, unit: str) -> str:
    told = f"{tables.number(measured.value):>9} {unit}"
    return told if measured.cpu_us is None else f"{told:<16} {tables.number(measured.cpu_us):>7} us CPU"


def chosen_cells(only: Sequence[str], *, quick: bool) -> list[Cell]:
    """The cells whose name or group begins with one of *only*; without any, all, or the quick ones."""
    if only:
        return [cell for cell in CELLS if cell.name.startswith(tuple(only)) or cell.group.startswith(tuple(only))]
    return [cell for cell in CELLS if cell.is_quick or not quick]


def measure(size: Size, cells: Sequence[Cell], wanted: Sequence[str]) -> Run:
    """Do the whole bench."""
    _raise_open_files()
    places = [sum(target in cell.targets for target in wanted) * size.rounds_of(cell) for cell in cells]
    progress = Progress(sum(places))
    rows = size.rows if any(cell.group == "rows" for cell in cells) else 1
    with world(rows, size.scale, size.sessions, progress.say) as made:
        bench = Bench(made, size, wanted, Run(_about(size, made)), progress)
        bench.measure(cells)
        progress.say("done")
        return bench.run


def _about(size: Size, made: World) -> dict[str, str]:
    """What the numbers were measured on and how."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "size": f"{size.rounds} rounds of {size.seconds:g} s, pgbench scale {size.scale}",
        "Doorward": doorward.__version__,
        "server": made.version,
        **versions(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processors": f"{len(os.sched_getaffinity(0))}, {_processor()}",
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def _raise_open_files() -> None:
    """A thousand sessions need as many files, here and in every relay that is started from here."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Measure what standing in the middle costs, beside nothing, pgbouncer and HAProxy. The full run takes"
        " about a quarter of an hour on two cores that do nothing else, --quick less than two minutes.",
        epilog="cells: " + ", ".join(cell.name for cell in CELLS) + ". targets: " + ", ".join(TARGETS) + ".",
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short round of the main cells; says if it works, not how well"
    )
    parser.add_argument("--only", action="append", default=[], metavar="CELL", help="cells or groups that begin so; repeatable")
    parser.add_argument(
        "--target", action="append", default=[], choices=TARGETS, metavar="TARGET", help="only these; repeatable"
    )
    parser.add_argument("--rounds", type=_positive, help=f"default {FULL.rounds}")
    parser.add_argument("--seconds", type=float, help=f"of one measurement; default {FULL.seconds:g}")
    parser.add_argument("--rows", type=_positive, help=f"of the large results; default {FULL.rows:,}".replace("%", "%%"))
    parser.add_argument("--sessions", type=_positive, help=f"that are idle; default {FULL.sessions:,}")
    parser.add_argument("--json", action="store_true", help="print the run as JSON in place of tables")
    parser.add_argument("--from", dest="saved", type=Path, metavar="FILE", help="measure nothing, take a saved run")
    parser.add_argument("--docs", action="store_true", help=f"also write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--save-baseline", action="store_true", help=f"keep the ratios in {baseline.PATH.relative_to(ROOT)}")
    parser.add_argument("--compare", action="store_true", help="exit with 1 if a ratio is worse than the baseline allows")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _size(options: argparse.Namespace) -> Size:
    given = {name: getattr(options, name) for name in ("rounds", "seconds", "rows", "sessions") if getattr(options, name)}
    return replace(QUICK if options.quick else FULL, **given)


def _compare(run: Run) -> int:
    """Say how *run* stands to the baseline; the exit status."""
    try:
        kept = baseline.load()
    except FileNotFoundError:
        print("There is no baseline yet: make bench ARGS=--save-baseline", file=sys.stderr)
        return CANNOT
    number = baseline.compared(run, kept)
    if not number:
        print("The baseline has none of the rows of this run.", file=sys.stderr)
        return CANNOT
    worse = baseline.regressions(run, kept)
    for regression in worse:
        print(f"worse: {regression}")
    print(f"{len(worse)} of {number} ratios are worse than the baseline by more than {kept.tolerance:.0%}")
    return 1 if worse else 0


def _saved_run(options: argparse.Namespace) -> Run | None:
    """A run to tell of: read, or measured and saved. None, with the reason said, when it can't be had."""
    if options.saved is not None:
        try:
            return results.load(options.saved)
        except (OSError, msgspec.DecodeError) as error:
            print(f"{options.saved} is not a saved run: {error}", file=sys.stderr)
            return None
    cells = chosen_cells(options.only, quick=options.quick)
    if not cells:
        print(f"No cell begins with {', '.join(options.only)}; --help lists them.", file=sys.stderr)
        return None
    if not framing_cy.__file__.endswith(".so"):
        print("Doorward is not compiled here, and interpreted it says nothing. Run: scripts/setup.sh bench", file=sys.stderr)
        return None
    if missing := missing_programs():
        print(f"Missing: {', '.join(missing)}. Run: scripts/setup.sh bench", file=sys.stderr)
        return None
    run = measure(_size(options), cells, options.target or TARGETS)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for path in (FOLDER / f"{stamp}.json", LATEST):
        results.save(run, path)
        path.with_suffix(".md").write_text(tables.page(run), encoding="utf-8")
    return run


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    options = _options(arguments)
    run = _saved_run(options)
    if run is None:
        return CANNOT
    if options.json:
        print(msgspec.json.format(msgspec.json.encode(run), indent=1).decode())
    else:
        print("\n".join([*tables.lines_of(run), *tables.goal_lines(run)]))
    status = 1 if run.failures else 0
    out = sys.stderr if options.json else sys.stdout
    for target, why in run.skipped.items():
        print(f"skipped {target}: {why}", file=out)
    for failure in run.failures:
        print(f"failed {failure}", file=out)
    if options.saved is None:
        print(f"saved: {LATEST.relative_to(ROOT)} and {LATEST.with_suffix('.md').relative_to(ROOT)}", file=out)
    if options.docs:
        PAGE.write_text(tables.page(run), encoding="utf-8")
        print(f"written: {PAGE.relative_to(ROOT)}", file=out)
    if options.save_baseline and not run.failures:
        baseline.save(baseline.baseline_of(run))
        print(f"kept: {baseline.PATH.relative_to(ROOT)}", file=out)
    return _compare(run) or status if options.compare else status


if __name__ == "__main__":
    sys.exit(main())
