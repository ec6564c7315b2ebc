"""The projection follows the log from where it stopped, and is made anew when it is lost, spoiled or of another log."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from doorward.audit.checkpoint import load_key
from doorward.audit.log import AuditLog
from doorward.audit.reader import LogReader
from doorward.audit.sequencer import Sequencer
from doorward.control.projection.keeping import FILE, Keeper
from doorward.errors import Conflict
from doorward.model.entry import Entry, ServiceStarted, StatementIntent
from tests.evidence.quarter import Quarter, write_log

OpenKeeper = Callable[[], Keeper]


def contents(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of the projection at *path*, as text says it: numbers of names may differ."""
    connection = sqlite3.connect(path)
    tables = ("statement_runs", "disclosed", "sign_ins", "principals", "changes", "holds", "answers", "policies", "stretches")
    try:
        return {table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}
    finally:
        connection.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("written") / "log"
    write_log(directory, Quarter(300, days=6).entries())
    return directory


@pytest.fixture
def log(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "log"))


@pytest.fixture
def keeper(log: Path, tmp_path: Path) -> Iterator[OpenKeeper]:
    opened: list[Keeper] = []

    def make() -> Keeper:
        for earlier in opened:
            earlier.close()
        opened[:] = [Keeper(tmp_path / "index", LogReader(log))]
        return opened[0]

    yield make
    for last in opened:
        last.close()


def append(log: Path, *entries: Entry) -> None:
    writer = AuditLog.open(log)
    for entry in entries:
        writer.append(entry)
    writer.close()
    sequencer = Sequencer(log, load_key(log))
    sequencer.step()
    sequencer.close()


def test_goes_on_where_it_stopped(log: Path, tmp_path: Path, keeper: OpenKeeper) -> None:
    """In as many pieces as one likes, it arrives at what one reading gives."""
    signed = LogReader(log).size()
    assert keeper().catch_up() == signed
    append(log, *(ServiceStarted(at_us=5 + n, resumed_at=n, version="2") for n in range(700)))
    assert keeper().catch_up() == signed + 700
    pieces = contents(tmp_path / "index" / FILE)
    assert keeper().rebuild() == signed + 700
    assert contents(tmp_path / "index" / FILE) == pieces


def test_outcome_in_a_later_piece_is_joined_to_its_intent(log: Path, tmp_path: Path, keeper: OpenKeeper) -> None:
    """Also by another keeper than the one that read the intent."""
    entries = list(Quarter(300, days=6).entries())
    intent = next(e for e in entries if isinstance(e, StatementIntent) and e.verdict == "allow" and e.labels)
    outcome = next(e for e in entries if getattr(e, "execution", "") == intent.execution and e.kind == "statement.outcome")
    again = {"execution": "exe_later"}
    append(log, type(intent)(**({f: getattr(intent, f) for f in intent.__struct_fields__} | again)))
    keeper().catch_up()
    append(log, type(outcome)(**({f: getattr(outcome, f) for f in outcome.__struct_fields__} | again)))
    size = keeper().catch_up()
    connection = sqlite3.connect(tmp_path / "index" / FILE)
    query = "SELECT entry, status, outcome FROM statement_runs WHERE execution = 'exe_later'"
    assert connection.execute(query).fetchall() == [(size - 2, "done", size - 1)]
    assert connection.execute("SELECT count(*) FROM disclosed WHERE entry = ?", (size - 2,)).fetchone()[0]
    connection.close()


@pytest.mark.parametrize("harm", ["lost", "spoiled", "cut", "older version", "of another log", "ahead of the log"])
def test_made_anew_when_it_can_not_be_used(harm: str, log: Path, tmp_path: Path, keeper: OpenKeeper) -> None:
    keeper().catch_up()
    path = tmp_path / "index" / FILE
    whole = contents(path)
    keeper().close()
    connection = sqlite3.connect(path)
    if harm == "lost":
        path.unlink()
    elif harm == "spoiled":
        path.write_bytes(b"\0" * 8192)
    elif harm == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif harm == "older version":
        connection.execute("UPDATE state SET version = 0")
    elif harm == "of another log":
        connection.execute("UPDATE state SET last = zeroblob(32)")
    else:
        connection.execute("UPDATE state SET cursor = cursor + 1000")
    connection.commit()
    connection.close()
    append(log, ServiceStarted(at_us=1, resumed_at=0, version="2"))
    keeper().catch_up()
    after = contents(path)
    assert after.keys() == whole.keys()
    assert after["statement_runs"] == whole["statement_runs"]
    assert after["disclosed"] == whole["disclosed"]


def test_takes_in_nothing_that_is_not_signed(log: Path, keeper: OpenKeeper) -> None:
    """A crash may cut it off, and something else take its place."""
    signed = LogReader(log).size()
    writer = AuditLog.open(log)
    writer.append(ServiceStarted(at_us=1, resumed_at=0, version="2"))
    writer.flush()
    assert keeper().catch_up() == signed
    writer.close()


def test_one_keeper_at_a_time(log: Path, tmp_path: Path, keeper: OpenKeeper) -> None:
    keeper()
    with pytest.raises(Conflict):
        Keeper(tmp_path / "index", LogReader(log))


def test_nothing_is_in_it_that_the_log_does_not_say_in_clear(log: Path, tmp_path: Path, keeper: OpenKeeper) -> None:
    """Every text of the projection is in an entry, or made of words of one."""
    keeper().catch_up()
    raw = b"".join(payload for _, payload in LogReader(log).entries()).decode()
    connection = sqlite3.connect(tmp_path / "index" / FILE)
    statements = [text for (text,) in connection.execute("SELECT DISTINCT statement FROM statement_runs")]
    connection.close()
    assert statements
    assert all(text in raw for text in statements)
