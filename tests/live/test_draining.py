"""Told to stop, Doorward lets come to an end what is under way; nothing is lost, and the log says last that it stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import errors

from doorward.audit.checkpoint import load_vkey
from doorward.audit.log import AuditLog
from doorward.audit.verify import verify
from doorward.model.entry import StatementIntent
from doorward.model.upstream import Upstream
from tests.cli.commands import doorward, environment
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, Server, fresh_database

DRAIN_SECONDS = 3

pytestmark = [pytest.mark.live, pytest.mark.timeout(90)]


@pytest.fixture(scope="module")
def database(postgres15: Server) -> Iterator[Database]:
    with fresh_database(postgres15) as fresh:
        role = fresh.new_role()
        fresh.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with fresh.connect(role) as owner:
            owner.execute("CREATE TABLE notes (id int, words text)")
            owner.execute("CREATE TABLE orders (id int)")
            owner.execute("INSERT INTO orders SELECT generate_series(1, 5)")
        yield fresh


@pytest.fixture
def upstream(database: Database) -> Upstream:
    role = database.roles[0]
    return Upstream("notes", "postgresql", database.host, database.port, database.name, role.name, role.password)


def stop(running: Running) -> None:
    running.loop.call_soon_threadsafe(running.control.stop)


def is_idle(connection: psycopg.Connection[Any]) -> bool:
    return connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def closing(connection: psycopg.Connection[Any]) -> type[psycopg.Error] | None:
    """The error that the client reads, by the time that the connection is closed."""
    try:
        for _ in range(100):
            connection.execute("SELECT 1")
            time.sleep(0.05)
    except psycopg.Error as error:
        return type(error)
    return None


@pytest.mark.parametrize("workers", [1, 2])
def test_each_session_ends_by_what_it_does(upstream: Upstream, tmp_path: Path, workers: int) -> None:
    with (
        ThreadPoolExecutor() as pool,
        running_doorward(upstream, tmp_path, workers=workers, drain_seconds=DRAIN_SECONDS) as running,
    ):
        idle, committing, idling, querying, endless, copying = (running.connect("nightly-etl") for _ in range(6))
        held = running.connect("alice")
        committing.execute("BEGIN")
        idling.execute("BEGIN")
        slept: Future[Any] = pool.submit(lambda: querying.execute("SELECT 7 FROM pg_sleep(1)").fetchone())
        sleepless = pool.submit(lambda: endless.execute("SELECT pg_sleep(60)"))
        waiting = pool.submit(lambda: held.execute("DELETE FROM orders"))
        request = running.pending_request()
        copied = threading.Event()

        def copy() -> str:
            with copying.cursor() as cursor:
                with cursor.copy("COPY notes FROM STDIN") as rows:
                    rows.write_row((1, "before"))
                    copied.set()
                    time.sleep(1)
                    rows.write_row((2, "after"))
                return str(cursor.statusmessage)

        copy_done = pool.submit(copy)
        copied.wait(5)
        time.sleep(0.3)
        begun = time.monotonic()
        stop(running)

        assert closing(idle) is errors.AdminShutdown
        assert time.monotonic() - begun < 1.5, "nobody waits for who does nothing"
        with pytest.raises(psycopg.OperationalError):
            running.connect("nightly-etl", connect_timeout=2)
        with pytest.raises(psycopg.Error, match=r"withdrawn|cancel"):
            waiting.result(5)
        assert closing(held) is errors.AdminShutdown
        committing.execute("INSERT INTO notes VALUES (3, 'kept')")
        committing.execute("COMMIT")
        assert closing(committing) is errors.AdminShutdown
        assert slept.result(5) == (7,), "what runs comes to its end"
        assert copy_done.result(5) == "COPY 2"
        assert closing(copying) is errors.AdminShutdown
        with pytest.raises(errors.AdminShutdown):
            sleepless.result(10)
        assert DRAIN_SECONDS - 0.5 < time.monotonic() - begun < DRAIN_SECONDS + 3
        assert closing(idling) is errors.AdminShutdown
        for connection in (idle, committing, idling, querying, endless, copying, held):
            connection.close()
    entries = running.entries()
    assert entries[-1]["kind"] == "service.stopped"
    assert sum(entry["kind"] == "service.stopped" for entry in entries) == workers
    closed = [entry for entry in entries if entry["kind"] == "session.closed"]
    assert len(closed) == 7
    assert {entry["cause"] for entry in closed} == {"Doorward stops."}
    assert [entry["state"] for entry in entries if entry.get("request") == request.id and "state" in entry] == ["withdrawn"]
    outcomes = {entry["execution"]: entry["status"] for entry in entries if entry["kind"] == "statement.outcome"}
    texts = {entry["execution"]: entry["statement"] for entry in entries if entry["kind"] == "statement.intent"}
    ended = {texts[execution]: status for execution, status in outcomes.items()}
    assert set(texts) == set(outcomes)
    assert ended["SELECT pg_sleep(60)"] in ("abandoned", "unknown")
    assert ended["SELECT 7 FROM pg_sleep(1)"] == "done"
    assert ended["DELETE FROM orders"] == "refused"
    report = verify(tmp_path / "log", str(load_vkey(tmp_path / "log")))
    assert (report.problems, report.pending) == ((), 0), "signed to the last entry"
    assert report.size == len(entries)


def test_log_goes_on_after_a_drain_with_other_workers(upstream: Upstream, tmp_path: Path) -> None:
    """As after an upgrade: more workers, then fewer; every start takes up what the one before left."""
    before = 0
    for workers in (1, 3, 2):
        with running_doorward(upstream, tmp_path, workers=workers, drain_seconds=DRAIN_SECONDS) as running:
            for _ in range(workers):
                with running.connect("nightly-etl") as connection:
                    assert connection.execute("SELECT count(*) FROM orders").fetchone() == (5,)
            stop(running)
        entries = running.entries()
        assert len(entries) > before
        before = len(entries)
        report = verify(tmp_path / "log", str(load_vkey(tmp_path / "log")))
        assert (report.problems, report.pending, report.size) == ((), 0, before)
        assert entries[-1]["kind"] == "service.stopped"


def test_unfinished_statements_of_a_worker_that_is_there_no_more_are_unknown(upstream: Upstream, tmp_path: Path) -> None:
    """Both workers and the control process were killed; the next start has one worker."""
    with running_doorward(upstream, tmp_path, workers=2) as running, running.connect("nightly-etl") as connection:
        connection.execute("SELECT 1")
    sample = next(entry for entry in running.entries("statement.intent"))
    log = AuditLog.open(tmp_path / "log", journal=1)
    intent = msgspec.convert({**sample, "execution": "ses_lost.1"}, StatementIntent)
    log.append(intent)
    log.close()
    with running_doorward(upstream, tmp_path) as running:
        assert [outcome["status"] for outcome in running.outcomes_of({"execution": intent.execution})] == ["unknown"]
    assert verify(tmp_path / "log").is_sound


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_second_signal_ends_at_once_and_in_order(database: Database, tmp_path: Path, number: signal.Signals) -> None:
    url = database.dsn(database.roles[0])
    command = [sys.executable, "-m", "doorward", "up", url, "--data-dir", str(tmp_path), "--port", "0", "--console-port", "0"]
    process = subprocess.Popen(
        [*command, "--workers", "2", "--drain-seconds", "60"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
    )
    try:
        deadline = time.monotonic() + 40
        while not (tmp_path / "run" / "state.json").exists():
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert doorward("service", "add", "nightly-etl", "--group", "pipelines", "--data-dir", str(tmp_path)).code == 0
        told = doorward("connect", "nightly-etl", "--json", "--data-dir", str(tmp_path))
        with ThreadPoolExecutor() as pool, psycopg.connect(json.loads(told.output)["url"], autocommit=True) as connection:
            sleepless = pool.submit(lambda: connection.execute("SELECT pg_sleep(50)"))
            time.sleep(0.5)
            process.send_signal(number)
            time.sleep(1)
            assert process.poll() is None, "a statement is under way"
            process.send_signal(number)
            begun = time.monotonic()
            output, _ = process.communicate(timeout=30)
            assert time.monotonic() - begun < 10
            with pytest.raises(errors.AdminShutdown):
                sleepless.result(5)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 0, output
    assert "Traceback" not in output
    report = verify(tmp_path / "log", str(load_vkey(tmp_path / "log")))
    assert (report.problems, report.pending) == ((), 0)
