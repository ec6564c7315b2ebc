"""What is measured: a table of cells, each a way to use a target and a number that comes of it."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count

from doorward.detectors.scanner import Scanner
from tests.accuracy.speed import CLEAN, DENSE, corpora, rate
from tests.bench.client import Answer, DrainingClient
from tests.bench.decisions import RULES, cached_us, uncached_us
from tests.bench.processes import resident_kib
from tests.bench.results import CellResult
from tests.bench.targets import DOORWARDS, POOLING, Target
from tests.bench.world import FOUND, MASKED_COLUMNS, PGBENCH, SCANNED_TABLE, TRUTH, World

RELAYS = ("pgbouncer", "haproxy", "doorward", "doorward-2-workers")
EVERYWHERE = ("direct", "pgbouncer", "haproxy", *(name for name in DOORWARDS if name != POOLING))
MODES = ("simple", "extended", "prepared")
CLIENTS = (1, 8, 32)
TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
TRANSACTIONS = re.compile(r"actually processed: (\d+)")
WARMING_SESSIONS = 50
SCANNER_SECONDS = 30.0

_unseen = count(1)


class MeasureFailed(Exception):
    """A cell gave no number, or its answer was not the right one."""


@dataclass(frozen=True, slots=True)
class Number:
    """What one measurement gave: the value, and how many operations CPU time is divided by."""

    value: float
    operations: float


Measure = Callable[[Target, World, float], Number]
Check = Callable[[Target, World], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """One row. *measure* is given the seconds it should take; *check* runs once for each target, unmeasured, before the first
    round; *before* runs unmeasured before each measurement. *is_once* is for what does not vary: one round. *is_fresh* asks for
    targets that did nothing before.
    """

    name: str
    title: str
    group: str
    unit: str
    more_is_better: bool
    operation: str
    measure: Measure
    targets: Sequence[str] = EVERYWHERE
    versus: str = "pgbouncer"
    check: Check | None = None
    before: Check | None = None
    is_quick: bool = True
    is_once: bool = False
    is_fresh: bool = False
    is_steady: bool = True

    def empty_result(self) -> CellResult:
        """Its row before anything was measured."""
        return CellResult(
            self.name, self.title, self.group, self.unit, self.more_is_better, self.operation, self.versus, self.is_steady
        )


# --- pgbench ----------------------------------------------------------------------------------------------------------


def pgbench(*options: str) -> Measure:
    """pgbench with *options*: transactions a second."""

    def measure(target: Target, world: World, seconds: float) -> Number:
        command = [PGBENCH, "--no-vacuum", "--time", str(max(1, round(seconds))), *options, target.dsn]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        tps, transactions = TPS.search(done.stdout), TRANSACTIONS.search(done.stdout)
        if done.returncode or tps is None or transactions is None or not int(transactions[1]):
            said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
            raise MeasureFailed(f"pgbench: {next((line for line in said if 'FATAL' in line or 'ERROR' in line), said[-1])}")
        return Number(float(tps[1]), int(transactions[1]))

    return measure


def tidy_pgbench(_target: Target, world: World) -> None:
    """Undo what TPC-B leaves behind, as pgbench itself would: the next target must not find it slower."""
    for tidying in ("VACUUM pgbench_branches, pgbench_tellers", "TRUNCATE pgbench_history"):
        world.database.execute(tidying)


def _select_cells() -> list[Cell]:
    return [
        Cell(
            f"select-{mode}-{clients}",
            f"select-only, {mode}, {clients} client{'s' if clients > 1 else ''}",
            "statements",
            "tps",
            True,
            "transaction",
            pgbench("--select-only", "--protocol", mode, "--client", str(clients)),
            is_quick=clients == 8 and mode != "extended",
            # With one client the scheduler decides: all on one core, or each on its own.
            is_steady=clients > 1,
        )
        for mode in MODES
        for clients in CLIENTS
    ]


# --- large results ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Occurrences:
    """Counts words in a stream of chunks, also where a chunk's border cuts one."""

    words: dict[str, int]
    _rest: bytes = b""

    def take(self, chunk: memoryview) -> None:
        """Count in one more chunk."""
        text = self._rest + bytes(chunk)
        longest = max(map(len, self.words)) - 1
        for word in self.words:
            raw = word.encode()
            self.words[word] += text.count(raw)
            # What lies in the part that is looked at again is counted then.
            self.words[word] -= text[-longest:].count(raw)
        self._rest = text[-longest:]

    def totals(self) -> dict[str, int]:
        """The counts, once the stream has ended."""
        return {word: number + self._rest.count(word.encode()) for word, number in self.words.items()}


def _fetch(target: Target, table: str, form: str, take: Callable[[memoryview], None] | None = None) -> tuple[Answer, float]:
    """The whole of *table* and the seconds from the question to the end of the answer."""
    with DrainingClient(target.host, target.port, target.user, target.password, target.database) as client:
        client.query("SELECT 1")
        started = time.perf_counter()
        if form == "binary":
            answer = client.query_binary(f"SELECT * FROM {table}", take)
        else:
            answer = client.query(f"COPY {table} TO STDOUT" if form == "copy" else f"SELECT * FROM {table}", take)
        return answer, time.perf_counter() - started


def _rows_cell(form: str, table: str) -> Cell:
    masked = MASKED_COLUMNS[table]
    name = f"rows-{form}" + (f"-{len(masked)}-masked" if masked else "")

    def check(target: Target, world: World) -> None:
        hidden = masked if target.name in DOORWARDS else ()
        truths = {TRUTH.format(column): column for column in MASKED_COLUMNS["rows_5"]}
        seen = _Occurrences(dict.fromkeys(truths, 0))
        answer, _seconds = _fetch(target, table, form, seen.take)
        if answer.rows != world.rows:
            raise MeasureFailed(f"{answer.rows} rows came of {world.rows}")
        for word, number in seen.totals().items():
            wanted = 0 if truths[word] in hidden else world.rows
            if number != wanted:
                raise MeasureFailed(f"{number} values of {truths[word]} came in clear, which should be {wanted}")
        world.sizes_bytes[name, target.name] = answer.size_bytes

    def measure(target: Target, world: World, _seconds: float) -> Number:
        answer, seconds = _fetch(target, table, form)
        if answer.size_bytes != world.sizes_bytes[name, target.name] or answer.rows != world.rows:
            raise MeasureFailed(f"the answer had {answer.rows} rows in {answer.size_bytes} bytes, unlike the one before")
        return Number(seconds, world.rows / 1000)

    what = {"text": "in text", "binary": "in binary", "copy": "by COPY out"}[form]
    title = f"{{rows}} rows {what}" + (f", {len(masked)} column{'s' if len(masked) > 1 else ''} masked" if masked else "")
    quick = form != "binary" or len(masked) == 5
    return Cell(name, title, "rows", "s", False, "1,000 rows", measure, versus="direct", check=check, is_quick=quick)


def _scanned_cell() -> Cell:
    name = "rows-text-scanned"

    def check(target: Target, world: World) -> None:
        until = time.monotonic() + SCANNER_SECONDS
        while True:  # masked whole until the scanner is made
            seen = _Occurrences({FOUND: 0, "was packed": 0})
            answer, _seconds = _fetch(target, SCANNED_TABLE, "text", seen.take)
            counted = seen.totals()
            if counted["was packed"] == world.rows or time.monotonic() > until:
                break
        wanted = 0 if target.name in DOORWARDS else world.rows // 100
        if answer.rows != world.rows or counted != {FOUND: wanted, "was packed": world.rows}:
            raise MeasureFailed(f"{answer.rows} rows came, {counted[FOUND]} addresses in clear and not {wanted}")
        world.sizes_bytes[name, target.name] = answer.size_bytes

    def measure(target: Target, world: World, _seconds: float) -> Number:
        answer, seconds = _fetch(target, SCANNED_TABLE, "text")
        if answer.size_bytes != world.sizes_bytes[name, target.name]:
            raise MeasureFailed(f"the answer had {answer.size_bytes} bytes, unlike the one before")
        return Number(seconds, world.rows / 1000)

    title = "{rows} notes of 80 bytes, scanned as they stream"
    targets = ("direct", "doorward")
    return Cell(name, title, "rows", "s", False, "1,000 rows", measure, targets=targets, versus="direct", check=check)


# --- statements that were never seen ----------------------------------------------------------------------------------


def _first_seen(text_of: Callable[[int], str]) -> Measure:
    def measure(target: Target, world: World, seconds: float) -> Number:
        took: list[float] = []
        with DrainingClient(target.host, target.port, target.user, target.password, target.database) as client:
            client.query("SELECT 1")
            until = time.perf_counter() + seconds
            while not took or time.perf_counter() < until:
                text = text_of(next(_unseen))
                started = time.perf_counter()
                client.query(text)
                took.append(time.perf_counter() - started)
        return Number(statistics.median(took) * 1e3, len(took))

    return measure


def point_select(number: int) -> str:
    """A look-up by key that no cache has seen: a name in it is new, so that neither its text nor its shape came before."""
    return f"SELECT abalance AS seen_{number} FROM pgbench_accounts WHERE aid = {1 + number % 1000}"


def analytic_query(number: int) -> str:
    """Sixty lines of joins, windows and common tables over few rows, with a new name in each."""
    parts = [
        f"""part_{part} AS (
  SELECT a.bid AS branch_{part}_{number},
         count(*) AS accounts, sum(a.abalance) AS total,
         avg(a.abalance) FILTER (WHERE a.abalance > {part}) AS mean,
         rank() OVER (ORDER BY sum(a.abalance) DESC) AS place
  FROM pgbench_accounts a
  JOIN pgbench_branches b ON b.bid = a.bid
  WHERE a.aid BETWEEN {part * 10 + 1} AND {part * 10 + 5}
  GROUP BY a.bid
)"""
        for part in range(5)
    ]
    columns = [f"coalesce(part_{part}.total, {part}) AS total_{part}" for part in range(5)]
    joins = [f"LEFT JOIN part_{part} ON part_{part}.place = part_0.place" for part in range(1, 5)]
    lines = ["WITH " + ",\n".join(parts), "SELECT " + ",\n       ".join(columns), "FROM part_0", *joins]
    return "\n".join([*lines, "WHERE part_0.accounts > 0", "ORDER BY 1, 2", "LIMIT 10"])


# --- memory -----------------------------------------------------------------------------------------------------------


def idle_session_kib(target: Target, world: World, _seconds: float) -> Number:
    """KiB that the relay's processes grew by, per session that signed in, asked once and waits."""

    def open_sessions(number: int) -> list[DrainingClient]:
        opened: list[DrainingClient] = []
        try:
            for _ in range(number):
                opened.append(DrainingClient(target.host, target.port, target.user, target.password, target.database))
                opened[-1].query("SELECT 1")
        except BaseException:
            for client in opened:
                client.close()
            raise
        return opened

    for client in open_sessions(WARMING_SESSIONS):
        client.close()
    time.sleep(1)
    before = resident_kib(target.relays)
    opened = open_sessions(world.sessions)
    try:
        time.sleep(1)
        grown = resident_kib(target.relays) - before
    finally:
        for client in opened:
            client.close()
    return Number(grown / world.sessions, world.sessions)


# --- decisions --------------------------------------------------------------------------------------------------------


def _decisions(measured: Callable[[float], tuple[float, int]]) -> Measure:
    """In this process: what is measured is the rules alone, and nothing of a connection."""

    def measure(_target: Target, _world: World, seconds: float) -> Number:
        return Number(*measured(seconds))

    return measure


def _decision_cell(name: str, title: str, measured: Callable[[float], tuple[float, int]]) -> Cell:
    targets = ("doorward",)
    return Cell(name, title, "decisions", "us", False, "decision", _decisions(measured), targets=targets, versus="doorward")


# --- detectors --------------------------------------------------------------------------------------------------------


@cache
def _corpora() -> dict[str, list[bytes]]:
    return corpora()


def _values_cell(name: str, corpus: str, unit: str) -> Cell:
    """In this process, by its processor time. Nearly all values differ, so that nothing is won by remembering."""

    def measure(_target: Target, _world: World, _seconds: float) -> Number:
        values = _corpora()[corpus]
        scanner = Scanner()
        scanner.find_all(values[:10])  # what is made once for all is made here
        found = rate(Scanner(), values)
        return Number(found * sum(map(len, values)) / len(values) / 1e6 if unit == "MB/s" else found, len(values))

    title = f"reading {corpus} for personal data and secrets"
    return Cell(name, title, "detectors", unit, True, "value", measure, targets=("doorward",), versus="doorward")


CELLS: tuple[Cell, ...] = (
    *_select_cells(),
    Cell(
        "tpcb-simple-8", "TPC-B, simple, 8 clients", "statements", "tps", True, "transaction",
        pgbench("--client", "8"), before=tidy_pgbench,
    ),
    Cell(
        "tpcb-prepared-8", "TPC-B, prepared, 8 clients", "statements", "tps", True, "transaction",
        pgbench("--client", "8", "--protocol", "prepared"), before=tidy_pgbench, is_quick=False,
    ),
    Cell(
        "connect-8", "a connection for each select, 8 clients", "connections", "tps", True, "connection",
        pgbench("--select-only", "--connect", "--client", "8"), targets=(*EVERYWHERE, POOLING), versus="direct",
    ),
    *(_rows_cell("text", table) for table in MASKED_COLUMNS),
    *(_rows_cell("binary", table) for table in MASKED_COLUMNS),
    _rows_cell("copy", "rows_0"),
    _scanned_cell(),
    Cell(
        "first-seen-point", "a point select never seen before", "first seen", "ms", False, "statement",
        _first_seen(point_select), versus="direct",
    ),
    Cell(
        "first-seen-analytic", "a query of 60 lines never seen before", "first seen", "ms", False, "statement",
        _first_seen(analytic_query), versus="direct",
    ),
    _decision_cell("decision-cached", f"a decision made before, under {RULES} rules", cached_us),
    _decision_cell("decision-uncached", f"a decision never made before, under {RULES} rules", uncached_us),
    _values_cell("values-clean", CLEAN, "values/s"),
    _values_cell("values-clean-bytes", CLEAN, "MB/s"),
    _values_cell("values-dense", DENSE, "values/s"),
    Cell(
        "memory-idle-session", "memory of an idle session, at {sessions}", "memory", "KiB", False, "session",
        idle_session_kib, targets=RELAYS, is_once=True, is_fresh=True,
    ),
)  # fmt: skip
