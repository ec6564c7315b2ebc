"""A Doorward that was started with ``doorward up``, shared by the tests of a session."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import Running, environment
from tests.live.servers import Server, fresh_database

START_SECONDS = 40


@pytest.fixture(scope="session")
def running(postgres15: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Doorward over a small database, on free ports."""
    folder: Path = tmp_path_factory.mktemp("cli")
    with fresh_database(postgres15) as database:
        role = database.new_role()
        database.execute(f"GRANT CREATE ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute("CREATE TABLE customers (id int PRIMARY KEY, email text, tier text)")
            owner.execute("INSERT INTO customers VALUES (1, 'ann@example.com', 'gold'), (2, 'ben@example.com', 'basic')")
        url = database.dsn(role)
        command = [sys.executable, "-m", "doorward", "up", url, "--data-dir", str(folder / "data")]
        process = subprocess.Popen(
            [*command, "--port", "0", "--console-port", "0", "--name", "shop"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not (folder / "data" / "run" / "state.json").exists():
                assert process.poll() is None, process.stdout and process.stdout.read()
                assert time.monotonic() < deadline, "doorward up does not get ready"
                time.sleep(0.05)
            yield Running(folder / "data", url, process)
        finally:
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=20)
        assert process.returncode == 0, output
        assert "Traceback" not in output
