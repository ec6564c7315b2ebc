"""``kill -9`` of the gateway under load: no statement in the server's own log without an intent in ours."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from doorward.audit.checkpoint import load_vkey
from doorward.audit.verify import verify
from doorward.model.upstream import Upstream
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, Server, fresh_database
from tests.patience import either

ROUNDS = either(20, 200)
REAL_LOAD_BYTES = 12_000  # more than a hundred statements in the server's log
PGBENCH = shutil.which("pgbench") or "/usr/lib/postgresql/15/bin/pgbench"
# Doorward puts the chain before the application: the server's log names who is behind a session.
LOGGED = re.compile(r"^nightly-etl: bench\|(\S+?)\|LOG:  (?:statement|execute [^:]*): (.*)$")

pytestmark = pytest.mark.live


def _statements_the_server_ran(log: Path, database: str) -> Counter[str]:
    """What the server says that it ran for pgbench's sessions, by its own statement log."""
    found: Counter[str] = Counter()
    for line in log.read_text(errors="replace").splitlines():
        matched = LOGGED.match(line)
        if matched and matched[1] == database:
            found[matched[2]] += 1
    return found


def _kill_once(running: Running, load: subprocess.Popen[bytes]) -> None:
    process_id = json.loads(running.data.state.read_text())["gateway_pid"]
    os.kill(process_id, signal.SIGKILL)
    load.wait(20)

    def is_back() -> bool:
        return bool(json.loads(running.data.state.read_text())["gateway_pid"] != process_id)

    running.wait_for(is_back, seconds=20)


def _wait_for_real_load(running: Running, log: Path, before: int) -> None:
    """Until the server has logged more than a hundred statements since its log was *before* bytes long."""
    running.wait_for(lambda: log.stat().st_size > before + REAL_LOAD_BYTES, seconds=20)


@pytest.mark.timeout(either(300, 3_600))
@pytest.mark.parametrize("mode", ["simple", "extended"])
def test_no_statement_reaches_the_server_without_an_intent(postgres15: Server, mode: str, tmp_path: Path) -> None:
    """Twenty kills (two hundred with --long): every statement in the server's log has its intent, and the log verifies."""
    rounds = ROUNDS // 2  # for each of the two protocols
    with fresh_database(postgres15) as database:
        _prepare(database)
        with _logging_statements(database), running_doorward(_upstream(database), tmp_path) as running:
            dsn = running.dsn("nightly-etl", application_name="bench", sslmode="disable")
            vkey = str(load_vkey(running.data.log))
            log = postgres15.directory / "log"
            command = [PGBENCH, "--no-vacuum", "--client=4", "--time=30", f"--protocol={mode}", dsn]
            for _ in range(rounds):
                load = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                before = log.stat().st_size
                _wait_for_real_load(running, log, before)
                time.sleep(random.uniform(0, 0.4))
                assert load.poll() is None, "pgbench must be running when the gateway is killed"
                _kill_once(running, load)
                report = verify(running.data.log, vkey)
                assert report.is_sound, report.problems
            intents = [entry for entry in running.entries("statement.intent") if entry["verdict"] == "allow"]
            outcomes = {entry["execution"]: entry["status"] for entry in running.entries("statement.outcome")}
        ran = _statements_the_server_ran(log, database.name)
        assert sum(ran.values()) > 1_000, "the load must have been real"
        missing = ran - Counter(entry["statement"] for entry in intents)
        assert not missing
        in_doubt = [entry for entry in intents if outcomes.get(entry["execution"]) == "unknown"]
        assert in_doubt, "what was in flight at a kill shows as unknown"
        assert all(entry["execution"] in outcomes for entry in intents), "every intent has its outcome, or its doubt"


def _upstream(database: Database) -> Upstream:
    role = database.roles[0]
    return Upstream("bench", "postgresql", database.host, database.port, database.name, role.name, role.password)


def _prepare(database: Database) -> None:
    """pgbench's tables, owned by an ordinary role whose sessions are logged statement by statement."""
    role = database.new_role()
    database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
    subprocess.run([PGBENCH, "--initialize", "--quiet", database.dsn(role)], check=True, capture_output=True)


@contextlib.contextmanager
def _logging_statements(database: Database) -> Iterator[None]:
    """The server logs every statement with the session's application and database, until the end."""
    for name, value in (("log_statement", "all"), ("log_line_prefix", "%a|%d|")):
        database.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    database.execute("SELECT pg_reload_conf()")
    time.sleep(0.2)
    try:
        yield
    finally:
        database.execute("ALTER SYSTEM RESET log_statement")
        database.execute("ALTER SYSTEM RESET log_line_prefix")
        database.execute("SELECT pg_reload_conf()")
