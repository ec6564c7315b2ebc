"""Two gateways on one port: an even share, cancels that find their session, and a kill that only its own sessions notice."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from doorward.audit.checkpoint import load_vkey
from doorward.audit.journal import SegmentReader, journals, segments
from doorward.audit.verify import verify
from doorward.control.operators import LOCAL
from doorward.model.identity import PrincipalKind
from doorward.model.upstream import Upstream
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, Server, fresh_database

PGBENCH = shutil.which("pgbench") or "/usr/lib/postgresql/15/bin/pgbench"

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def database(postgres15: Server) -> Iterator[Database]:
    with fresh_database(postgres15) as fresh:
        fresh.new_role()
        fresh.execute(f"GRANT ALL ON SCHEMA public TO {fresh.roles[0].name}")
        subprocess.run([PGBENCH, "-i", "-q", fresh.dsn(fresh.roles[0])], check=True, capture_output=True)
        yield fresh


@pytest.fixture(scope="module")
def doorward(database: Database) -> Iterator[Running]:
    role = database.roles[0]
    upstream = Upstream("bench", "postgresql", database.host, database.port, database.name, role.name, role.password)
    with running_doorward(upstream, workers=2) as running:
        yield running


def workers(running: Running) -> list[int]:
    """The process ids, by the workers' numbers."""
    found: list[int] = json.loads(running.data.state.read_text())["gateway_pids"]
    return found


def worker(running: Running, connection: psycopg.Connection[Any]) -> int:
    """Whose session it is, by the journal that it is written in."""
    with socket.socket(fileno=os.dup(connection.fileno())) as own:
        client = f'"client":"127.0.0.1:{own.getsockname()[1]}"'.encode()
    found = []
    for journal in journals(running.data.log):
        for segment in segments(running.data.log, journal):
            with SegmentReader(segment) as reader:
                found += [
                    journal for frame in reader.frames() if client in frame.payload and b"session.opened" in frame.payload
                ]
    return found[-1]


def one_of_each(running: Running, name: str = "nightly-etl") -> dict[int, psycopg.Connection[Any]]:
    """A connection to each of two workers."""
    opened: list[psycopg.Connection[Any]] = []
    # Kept open meanwhile: else the same worker would have the fewest again.
    while len({worker(running, connection) for connection in opened}) < 2:
        opened.append(running.connect(name))
        assert len(opened) < 10
    found = {worker(running, connection): connection for connection in opened}
    for connection in opened:
        if connection not in found.values():
            connection.close()
    return found


def is_sound(running: Running) -> bool:
    report = verify(running.data.log, str(load_vkey(running.data.log)))
    assert report.is_sound, report.problems
    return True


@pytest.mark.parametrize("clients", [8, 15])
def test_clients_are_shared_out_evenly(doorward: Running, clients: int) -> None:
    """One after the other, as pgbench connects, and all at once."""
    connections = [doorward.connect("nightly-etl") for _ in range(clients)]
    spread = Counter(worker(doorward, connection) for connection in connections)
    for connection in connections:
        connection.close()
    assert abs(spread[0] - spread[1]) <= 1, spread

    doorward.wait_for(lambda: not doorward.control.office.sessions.live(LOCAL))
    found: list[psycopg.Connection[Any]] = []
    secret = doorward.dsn("nightly-etl")
    threads = [threading.Thread(target=lambda: found.append(psycopg.connect(secret, autocommit=True))) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spread = Counter(worker(doorward, connection) for connection in found)
    assert len(doorward.wait_for(lambda: [*doorward.control.office.sessions.live(LOCAL)][clients - 1 :])) == 1
    for connection in found:
        connection.close()
    assert abs(spread[0] - spread[1]) <= clients // 4, spread
    doorward.wait_for(lambda: not doorward.control.office.sessions.live(LOCAL))


def test_cancel_finds_the_session_whichever_worker_it_reaches(doorward: Running) -> None:
    """Each request is a connection of its own, which the worker with fewer takes: the one where nothing runs."""
    each = one_of_each(doorward)
    for connection in each.values():
        cancelled: list[float] = []

        def run(connection: psycopg.Connection[Any] = connection, cancelled: list[float] = cancelled) -> None:
            begun = time.monotonic()
            with pytest.raises(psycopg.errors.QueryCanceled):
                connection.execute("SELECT pg_sleep(20)")
            cancelled.append(time.monotonic() - begun)

        running = threading.Thread(target=run)
        running.start()
        time.sleep(0.3)
        connection.cancel()
        running.join(10)
        assert cancelled
        assert cancelled[0] < 5
    for connection in each.values():
        assert connection.execute("SELECT 1").fetchone() == (1,)
        connection.close()


def test_everyone_hears_what_control_says(doorward: Running) -> None:
    """A revocation ends sessions on both; status shows both."""
    principals = doorward.control.office.principals
    doorward.do(principals.add(LOCAL, PrincipalKind.SERVICE, "passing", ("pipelines",), None))
    each = one_of_each(doorward, "passing")
    doorward.wait_for(lambda: len(doorward.control.office.sessions.live(LOCAL)) == 2)
    doorward.do(principals.revoke(LOCAL, "passing"))
    for connection in each.values():
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("SELECT 1")
        connection.close()
    doorward.wait_for(lambda: not doorward.control.office.sessions.live(LOCAL))


def test_killed_worker_takes_nobody_with_it(doorward: Running) -> None:
    """Its sessions end, unknown is what was in flight; the other's go on, the log is whole, and a new one takes clients."""
    each = one_of_each(doorward)
    stays, goes = each[0], each[1]
    stays.execute("BEGIN")

    def run() -> None:
        with pytest.raises(psycopg.OperationalError):
            goes.execute("SELECT pg_sleep(9)")

    running = threading.Thread(target=run)
    running.start()
    dsn = doorward.dsn("nightly-etl", sslmode="disable")
    load = subprocess.Popen(
        [PGBENCH, "-n", "-S", "-c", "4", "-T", "3", dsn], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(1)
    before = workers(doorward)
    os.kill(before[1], signal.SIGKILL)
    running.join(10)
    goes.close()
    assert stays.execute("SELECT 1").fetchone() == (1,), "the other worker's session and its transaction go on"
    assert stays.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    doorward.wait_for(lambda: workers(doorward)[1] != before[1], seconds=20)
    assert workers(doorward)[0] == before[0]
    _out, told = load.communicate(timeout=30)
    assert len(re.findall(r"client \d+ aborted", told)) == 2, "half of the load was the other worker's, and went on"
    stays.execute("COMMIT")
    stays.close()
    for connection in one_of_each(doorward).values():
        connection.close()
    is_sound(doorward)

    def in_doubt() -> list[dict[str, Any]]:
        outcomes = {entry["execution"]: entry["status"] for entry in doorward.entries("statement.outcome")}
        slept = [e for e in doorward.entries("statement.intent") if "pg_sleep(9)" in e["statement"]]
        return [e for e in slept if outcomes.get(e["execution"]) == "unknown"]

    assert doorward.wait_for(in_doubt)
    allowed = [entry for entry in doorward.entries("statement.intent") if entry["verdict"] == "allow"]
    outcomes = {entry["execution"] for entry in doorward.entries("statement.outcome")}
    assert len({entry["execution"] for entry in allowed}) == len(allowed) > 500, "ids are unique across workers"
    assert all(entry["execution"] in outcomes for entry in allowed)
    assert [entry.get("worker", 0) for entry in doorward.entries("service.started")][-1] == 1


def test_clients_that_wait_at_the_door_outlive_every_worker(doorward: Running) -> None:
    """The queue is the control process's."""
    before = workers(doorward)
    doorward.secret("nightly-etl")  # minting one is written down by a gateway
    for process_id in before:
        os.kill(process_id, signal.SIGKILL)
    try:
        with doorward.connect("nightly-etl") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        doorward.wait_for(lambda: not set(before) & set(workers(doorward)), seconds=20)
        # The other tests of this module want both.
        for connection in one_of_each(doorward).values():
            connection.close()
    is_sound(doorward)


def test_stuck_worker_holds_up_nobody(doorward: Running) -> None:
    """Clients go to the other one."""
    stopped = workers(doorward)[0]
    doorward.secret("nightly-etl")  # or minting one may have to wait for the stuck one to write it down
    os.kill(stopped, signal.SIGSTOP)
    try:
        begun = time.monotonic()
        connections = [doorward.connect("nightly-etl") for _ in range(3)]
        assert time.monotonic() - begun < 3
        assert {worker(doorward, connection) for connection in connections} == {1}
        for connection in connections:
            connection.close()
    finally:
        os.kill(stopped, signal.SIGCONT)
