"""The roads to the server that are compared: none, pgbouncer, HAProxy, and Doorward in its variants.

All take clients on loopback without TLS and sign them in with SCRAM-SHA-256; all reach the server over TCP.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from doorward.config import Settings
from doorward.model.upstream import Upstream
from tests.bench.processes import descendants
from tests.bench.world import MASKED_COLUMNS, SCANNED_COLUMN, SCANNED_TABLE, World
from tests.live.servers import _as_user, _free_port, _os_user

START_SECONDS = 60
ROOT = Path(__file__).parents[2]
SBIN = "/usr/sbin:/usr/local/sbin"


class Skipped(Exception):
    """A target can't be had here; the message says what is missing."""


class NotStarted(Exception):
    """A target that should be there did not start."""


@dataclasses.dataclass(frozen=True)
class Target:
    """Where clients connect and as whom. *relays* are the processes on the data path, *beside* those that work for them."""

    name: str
    host: str
    port: int
    user: str
    password: str
    database: str
    relays: tuple[int, ...] = ()
    beside: tuple[int, ...] = ()

    @property
    def dsn(self) -> str:
        """For pgbench."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}?sslmode=disable"


# What each Doorward is started with, beside the defaults. One whose settings this Doorward does not have is skipped.
DOORWARDS: dict[str, dict[str, Any]] = {
    "doorward": {},
    "doorward-strict": {"strict_durability": True},
    "doorward-2-workers": {"workers": 2},
    "doorward-pooling": {"pool": {"size": 32}},
}
POOLING = "doorward-pooling"


@contextlib.contextmanager
def direct(name: str, world: World) -> Iterator[Target]:
    """The server itself."""
    server, role = world.server, world.role
    yield Target(name, server.host, server.port, role.name, role.password, world.database.name)


@contextlib.contextmanager
def pgbouncer(name: str, world: World) -> Iterator[Target]:
    """pgbouncer in session pooling. It never runs as root, and it knows its user by the server's own SCRAM verifier."""
    program = _program("pgbouncer")
    role, database, port = world.role, world.database.name, _free_port()
    rows = world.database.execute(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role.name}'")
    reached = f"host={world.server.host} port={world.server.port} dbname={database} user={role.name} password={role.password}"
    files = {
        "users.txt": f'"{role.name}" "{rows[0][0]}"\n',
        "pgbouncer.ini": f"""[databases]
{database} = {reached}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = users.txt
pool_mode = session
max_client_conn = {world.sessions + 200}
default_pool_size = {world.sessions + 100}
server_reset_query = DISCARD ALL
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
log_stats = 0
""",
    }
    with _relay(name, files, lambda folder: _as_user(_os_user(), program, "-q", str(folder / "pgbouncer.ini")), port) as pid:
        yield Target(name, "127.0.0.1", port, role.name, role.password, database, (pid,))


@contextlib.contextmanager
def haproxy(name: str, world: World) -> Iterator[Target]:
    """HAProxy passing TCP, one thread."""
    program = _program("haproxy")
    role, server, port = world.role, world.server, _free_port()
    configuration = f"""global
    nbthread 1
    maxconn {world.sessions + 200}
defaults
    mode tcp
    timeout connect 10s
    timeout client 30m
    timeout server 30m
listen postgresql
    bind 127.0.0.1:{port}
    server upstream {server.host}:{server.port}
"""

    def command(folder: Path) -> list[str]:
        return _as_user(None, program, "-db", "-q", "-f", str(folder / "haproxy.cfg"))

    with _relay(name, {"haproxy.cfg": configuration}, command, port) as pid:
        yield Target(name, server.host, port, role.name, role.password, world.database.name, (pid,))


@contextlib.contextmanager
def doorward(name: str, world: World) -> Iterator[Target]:
    """A whole Doorward with the packaged rules: every statement is parsed, decided, logged; protected columns are masked."""
    settings = DOORWARDS[name]
    known = {field.name for field in dataclasses.fields(Settings)}
    if unknown := sorted(set(settings) - known):
        raise Skipped(f"this Doorward has no setting {', '.join(unknown)}")
    server, role = world.server, world.role
    upstream = Upstream(
        world.database.name, "postgresql", server.host, server.port, world.database.name, role.name, role.password
    )
    asked = {"upstream": msgspec.to_builtins(upstream), "settings": settings, "protected": MASKED_COLUMNS}
    asked["scanned"] = {SCANNED_TABLE: [SCANNED_COLUMN]}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.doorward_apart"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "DOORWARD_PURE": "0"},
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise NotStarted("it did not start; what it wrote is above")
        said = json.loads(line)
        gateways = descendants(process.pid)
        yield Target(
            name, "127.0.0.1", said["port"], said["user"], said["secret"], world.database.name, gateways, (process.pid,)
        )
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


OPENED: dict[str, Callable[[str, World], contextlib.AbstractContextManager[Target]]] = {
    "direct": direct,
    "pgbouncer": pgbouncer,
    "haproxy": haproxy,
    **dict.fromkeys(DOORWARDS, doorward),
}


def versions() -> dict[str, str]:
    """What the other relays call themselves, for those that are installed."""
    found = {}
    for name, option in (("pgbouncer", "--version"), ("haproxy", "-v")):
        with contextlib.suppress(Skipped):
            said = subprocess.run([_program(name), option], capture_output=True, text=True, check=False)
            found[name] = (said.stdout or said.stderr).splitlines()[0].split(" - ")[0]
    return found


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=SBIN)
    if found is None:
        raise Skipped(f"{name} is not installed (Debian: apt-get install {name})")
    return found


@contextlib.contextmanager
def _relay(name: str, files: dict[str, str], command: Callable[[Path], list[str]], port: int) -> Iterator[int]:
    """Start another relay with its *files* in a folder of its own; its process id. Ended and removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"doorward-bench-{name}-"))
    try:
        for file, content in files.items():
            (folder / file).write_text(content)
        if user := _os_user():
            account = pwd.getpwnam(user)
            for path in (folder, *folder.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command(folder), cwd=folder, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise NotStarted(f"it did not start: {(folder / 'log').read_text(errors='replace')[-500:]}")
                time.sleep(0.02)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
