"""The server and the tables that everything is measured on."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.live.servers import DEBIAN_15, Database, Role, Server, fresh_database, running_server

PGBENCH = shutil.which("pgbench") or str(DEBIAN_15 / "pgbench")
# A server that is not the bottleneck: it loses everything with the machine, and keeps all tables in memory.
SERVER_SETTINGS = {"shared_buffers": "512MB", "max_wal_size": "4GB", "checkpoint_timeout": "1h"}
# Beside those that idle: pgbench's own, and those that every Doorward reads the catalog with.
OTHER_SESSIONS = 300
MASKED_COLUMNS = {"rows_0": (), "rows_1": ("owner",), "rows_5": ("owner", "contact", "call", "place", "remark")}
# A table whose notes are scanned rather than masked; every hundredth has an address for mail in it, with this in it.
SCANNED_TABLE, SCANNED_COLUMN, FOUND = "rows_note", "note", "@example.org"
# Values of the columns that may be masked begin with this word and the column's name: none of them may survive a mask.
TRUTH = "clear-{}-"


@dataclass
class World:
    """The database, its owner, and sizes. *sizes_bytes* keeps how long each checked answer was, by cell and target."""

    server: Server
    database: Database
    role: Role
    rows: int
    sessions: int
    sizes_bytes: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def version(self) -> str:
        """The server's own name and version."""
        return str(self.database.execute("SELECT split_part(version(), ' on ', 1)")[0][0])


def missing_programs() -> list[str]:
    """Debian packages without which nothing can be measured."""
    there = (DEBIAN_15 / "initdb").exists() and Path(PGBENCH).exists()
    return [] if there else ["postgresql-15"]


@contextlib.contextmanager
def world(rows: int, scale: int, sessions: int, say: Callable[[str], None]) -> Iterator[World]:
    """A server with pgbench's tables at *scale*, and three tables of *rows* wide rows."""
    say("starting PostgreSQL")
    # pgbouncer keeps its sessions when its clients are gone, and those of other relays take a while to end.
    settings = {**SERVER_SETTINGS, "max_connections": str(4 * sessions + OTHER_SESSIONS)}
    with running_server(DEBIAN_15, 15, settings) as server, fresh_database(server) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        say(f"filling pgbench's tables (scale {scale})")
        subprocess.run(
            [PGBENCH, "--initialize", "--quiet", f"--scale={scale}", database.dsn(role)], check=True, capture_output=True
        )
        say(f"filling {len(MASKED_COLUMNS)} tables of {rows:,} rows")
        with database.connect(role) as owner:
            for table in MASKED_COLUMNS:
                owner.execute(_filled_table(table, rows).encode())
            owner.execute(_filled_notes(rows).encode())
        for tidying in ("VACUUM ANALYZE", "CHECKPOINT"):
            database.execute(tidying)
        yield World(server, database, role, rows, sessions)


def _filled_notes(rows: int) -> str:
    """A key and a note of about 80 bytes, no two of them alike."""
    words = "(ARRAY['lamp', 'chair', 'table', 'shelf', 'carpet', 'mirror', 'stool'])"
    note = (
        f"'the ' || {words}[1 + n % 7] || ' and the ' || {words}[1 + n / 7 % 7] || ' was packed and waits by the door of aisle'"
    )
    return (
        f"CREATE UNLOGGED TABLE {SCANNED_TABLE} AS SELECT n::bigint AS serial, {note}"
        f" || CASE WHEN n % 100 = 0 THEN ' user' || n || '{FOUND}' ELSE ' ' || n % 100000 END AS {SCANNED_COLUMN}"
        f" FROM generate_series(1, {rows}) n"
    )


def _filled_table(table: str, rows: int) -> str:
    """Eight columns, about 170 bytes a row on the wire; the same rows in every table."""
    texts = ", ".join(f"'{TRUTH.format(name)}' || md5(n::text) AS {name}" for name in MASKED_COLUMNS["rows_5"][:3])
    short = ", ".join(f"'{TRUTH.format(name)}' || n AS {name}" for name in MASKED_COLUMNS["rows_5"][3:])
    return (
        f"CREATE UNLOGGED TABLE {table} AS SELECT n::bigint AS serial, now() AS at, (n % 10007) / 100.0 AS amount,"
        f" {texts}, {short} FROM generate_series(1, {rows}) n"
    )
