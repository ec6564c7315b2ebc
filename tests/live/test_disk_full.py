"""The log's disk is full: nothing runs, the client is told why, and everything goes on once there is space."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.model.upstream import Upstream
from tests.live.conftest import SCHEMA
from tests.live.running import running_doorward
from tests.live.servers import Server, fresh_database

pytestmark = pytest.mark.live

FULL = "58030"  # io_error


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A data directory whose log lies on a file system of its own, of one MiB."""
    log = tmp_path / "log"
    log.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "doorward-test", str(log)], capture_output=True).returncode:
        pytest.skip("only root can mount a small file system")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "-l", str(log)], check=True)


def _fill(file: Path) -> None:
    """Take all the space there is."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as filler:
        while True:
            filler.write(os.urandom(4096))


def _first_error(connection: psycopg.Connection[Any]) -> psycopg.Error:
    """What a writer is told: at once, or when the journal's last page is full; what that still takes may run."""
    try:
        for _ in range(50):
            connection.execute("UPDATE orders SET status = 'full' WHERE id = 1")
    except psycopg.Error as error:
        return error
    raise AssertionError("a full disk must stop writes")


def test_a_full_disk_stops_everything_and_nothing_for_good(postgres18: Server, small_disk: Path) -> None:
    """No statement passes unrecorded; the message names cause and remedy; space brings it back without a restart."""
    with fresh_database(postgres18) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        upstream = Upstream("shop", "postgresql", database.host, database.port, database.name, role.name, role.password)
        with running_doorward(upstream, small_disk) as doorward:
            open_session = doorward.connect()
            filler = small_disk / "log" / "filler"
            _fill(filler)
            write = _first_error(open_session)
            assert write.sqlstate == FULL
            assert "No space left" in str(write)
            recorded = sum("status = 'full'" in e["statement"] for e in doorward.entries("statement.intent"))
            assert recorded or database.execute("SELECT status FROM orders WHERE id = 1") == [("paid",)]
            with pytest.raises(psycopg.OperationalError):
                doorward.connect()
            before = database.execute("SELECT status FROM orders WHERE id = 2")
            with pytest.raises(psycopg.Error):
                open_session.execute("UPDATE orders SET status = 'unrecorded' WHERE id = 2")
            assert database.execute("SELECT status FROM orders WHERE id = 2") == before
            filler.unlink()
            with doorward.connect() as connection:
                assert connection.execute("SELECT count(*) FROM orders").fetchone() == (3000,)
            if not open_session.broken:
                assert open_session.execute("SELECT 1").fetchone() == (1,)
            open_session.close()
