"""The whole log, checked, as tables for one pack of evidence: made anew each time, from nothing but the log."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from doorward.audit.checkpoint import Checkpoint
from doorward.audit.reader import LogReader
from doorward.audit.verify import verify
from doorward.control.projection.folding import Folding
from doorward.control.projection.schema import INDEXES, create, open_writing
from doorward.control.views import decode_entry
from doorward.errors import LogDamaged, NotFound

STEP = 20_000
# An entry that is this much older than one before it: somebody set the clock back. Gateways' clocks differ by less.
JUMP_US = 5_000_000

Progress = Callable[[int, int], None]

_TABLES = (
    # What the tables can't say of the log itself.
    "CREATE TABLE clock_jumps (entry INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, before_us INTEGER NOT NULL)",
    "CREATE TABLE missing (entry INTEGER PRIMARY KEY)",
)


@dataclass(frozen=True, slots=True)
class Workbook:
    """*connection* has the tables of the projection, of every entry under *checkpoint*, whose log was verified whole."""

    connection: sqlite3.Connection
    log: Path
    checkpoint: Checkpoint


@contextmanager
def open_workbook(log: Path, vkey: str, scratch: Path, progress: Progress = lambda done, size: None) -> Iterator[Workbook]:
    """Verify *log* with *vkey* and read it into a file in *scratch*, which is removed at the end.

    Raises LogDamaged when anything in the log does not verify: nothing is proven by what was altered.
    """
    report = verify(log, vkey, progress)
    if report.problems:
        raise LogDamaged(
            f"The log does not verify: {report.problems[0]}.", "Run `doorward audit verify`; it names everything that is wrong."
        )
    reader = LogReader(log)
    checkpoint = reader.checkpoint()
    if checkpoint is None or not checkpoint.size:
        raise NotFound("Nothing in the log is signed yet.", "Ask again in a while.")
    path = scratch / "workbook.db"
    path.unlink(missing_ok=True)
    connection = open_writing(path)
    try:
        # Rebuilt from the log each time, so nothing is lost by not waiting for the disk.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN IMMEDIATE")
        create(connection)
        for statement in _TABLES:
            connection.execute(statement)
        _fill(connection, reader, checkpoint.size, progress)
        for statement in INDEXES:
            connection.execute(statement)
        connection.execute("UPDATE state SET cursor = ?, is_indexed = 1", (checkpoint.size,))
        connection.execute("COMMIT")
        connection.execute("ANALYZE")
        connection.execute("PRAGMA query_only = ON")
        yield Workbook(connection, log, checkpoint)
    finally:
        connection.close()
        path.unlink(missing_ok=True)


def _fill(connection: sqlite3.Connection, reader: LogReader, size: int, progress: Progress) -> None:
    folding = Folding(connection, finds_texts=False)
    expected, latest_us = 0, 0
    for index, raw in reader.entries(0, size):
        connection.executemany("INSERT INTO missing VALUES (?)", [(gap,) for gap in range(expected, index)])
        expected = index + 1
        folding.fold(index, raw)
        at_us = decode_entry(raw).at_us
        if at_us < latest_us - JUMP_US:
            connection.execute("INSERT INTO clock_jumps VALUES (?, ?, ?)", (index, at_us, latest_us))
            latest_us = at_us
        latest_us = max(latest_us, at_us)
        if expected % STEP == 0:
            folding.flush()
            progress(expected, size)
    folding.flush()
    connection.executemany("INSERT INTO missing VALUES (?)", [(gap,) for gap in range(expected, size)])
