"""The log as commands search it: by its index, brought up to date first where no Doorward runs that does."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doorward.cli.client import data_directory, not_running
from doorward.cli.terminal import counting

if TYPE_CHECKING:
    from doorward.control.record import Record

# Fewer entries than this are sooner read than taken into the index.
WORTH_INDEXING = 20_000
# How long to wait for a running Doorward to take in what was written by now.
PATIENCE_SECONDS = 5.0

Since = Annotated[str, typer.Option("--since", metavar="WHEN", help="30m, 2h, 90d, 2027-01-31 or 2027-01-31T08:00.")]
Until = Annotated[str, typer.Option("--until", metavar="WHEN", help="The same; a day means its end.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, for spreadsheets. Times are UTC.")]


def times(since: str, until: str) -> tuple[int, int]:
    """Both ends of a stretch of time, in the zone of whoever asks; 0 where none was given."""
    from doorward.clock import now_us
    from doorward.control.moments import moment_us

    now = now_us()
    return moment_us(since, now, None), moment_us(until, now, None, is_end=True)


def record_of(given: Path | None, *, whole: bool = False) -> Record:
    """The record of a data directory, with its index if that is of use. *whole*: every signed entry must be in the index."""
    import sqlite3

    from doorward.audit.day_keys import opener
    from doorward.audit.reader import LogReader
    from doorward.control.projection.finding import Finder
    from doorward.control.projection.keeping import FILE, Keeper
    from doorward.control.record import Record
    from doorward.errors import Conflict

    data = data_directory(given)
    if not data.log.is_dir():
        raise not_running(data)
    reader = LogReader(data.log)
    finder = Finder(data.index / FILE)
    checkpoint = reader.checkpoint()
    size = checkpoint.size if checkpoint else 0
    deadline = time.monotonic() + PATIENCE_SECONDS

    def missing() -> int:
        try:
            return size - finder.covered()
        except sqlite3.Error:
            return size

    while missing() > (0 if whole else WORTH_INDEXING):
        try:
            keeper = Keeper(data.index, reader)
        except Conflict:  # a running Doorward keeps it
            if not whole or time.monotonic() > deadline:
                break
            time.sleep(0.1)
            continue
        except OSError:  # a copy of a data directory that can't be written
            break
        try:
            counting("indexing", keeper.catch_up)
        finally:
            keeper.close()
    return Record(reader, finder, opener(data.day_keys, data.wrapping_key).readable)


def print_csv(text: str) -> None:
    """Put a table on standard output as it is."""
    sys.stdout.write(text)
    sys.stdout.flush()
