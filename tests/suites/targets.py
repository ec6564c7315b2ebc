"""Where a suite runs: a fresh server of its own, reached directly or through a Doorward that only observes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from doorward.control.operators import LOCAL
from doorward.model.identity import PrincipalKind
from doorward.model.upstream import Upstream
from tests.live.running import Running, running_doorward
from tests.live.servers import DEBIAN_15, Server, running_server

# What PostgreSQL's regression suite asks for besides the defaults; the same server serves every suite, both ways.
SERVER_SETTINGS = {"max_prepared_transactions": "10", "max_connections": "100", "wal_level": "logical"}
SECRET_HOURS = 8.0
# What the superuser is called on both roads, so that answers that tell it are alike.
USER = "postgres"


@dataclass(frozen=True)
class Target:
    """One road to a server. *server* is the server itself, for what a suite does past Doorward; *doorward* the one between."""

    name: str
    port: int
    password: str
    database: str
    server: Server
    doorward: Running | None = None
    host: str = "127.0.0.1"
    user: str = USER

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which libpq and drivers find it, beside those of this process that are not about PostgreSQL."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        kept |= {"PGHOST": self.host, "PGPORT": str(self.port), "PGUSER": self.user, "PGPASSWORD": self.password}
        return kept | {"PGDATABASE": self.database, "PGSSLMODE": "disable", "LC_ALL": "C.UTF-8"}

    @property
    def dsn(self) -> str:
        """A libpq connection string."""
        words = {"host": self.host, "port": self.port, "user": self.user, "password": self.password, "dbname": self.database}
        return " ".join(f"{key}={value}" for key, value in words.items()) + " sslmode=disable"

    def url(self, scheme: str = "postgresql") -> str:
        """A connection URL."""
        return f"{scheme}://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"


@contextlib.contextmanager
def direct(databases: Sequence[str], preparation: Sequence[str]) -> Iterator[Target]:
    """A fresh server with *databases*, each prepared with the statements of *preparation*; the first one is the target."""
    with running_server(DEBIAN_15, 15, SERVER_SETTINGS) as server:
        _prepare(server, databases, preparation)
        yield Target("direct", server.port, server.password, databases[0], server)


@contextlib.contextmanager
def through_doorward(databases: Sequence[str], preparation: Sequence[str]) -> Iterator[Target]:
    """The same, reached through a Doorward that observes."""
    with direct(databases, preparation) as target:
        server = target.server
        upstreams = [
            Upstream(name, "postgresql", server.host, server.port, name, server.user, server.password, observe=True)
            for name in databases
        ]
        with running_doorward(upstreams[0]) as running:
            office = running.control.office
            for upstream in upstreams[1:]:
                office._store.upstreams.put(upstream)
            running.do(office._gateway.configure())
            running.do(office.principals.add(LOCAL, PrincipalKind.HUMAN, USER, (), None))
            secret = _secret_without(running, "HP")
            yield Target("doorward", running.control.port, secret, databases[0], server, running)


def _secret_without(running: Running, letters: str) -> str:
    """A secret of the user without *letters*: SQLAlchemy's tests replace these in URLs that have the secret in them already."""
    while set(secret := running.secret(USER, SECRET_HOURS)) & set(letters):
        pass
    return secret


def _prepare(server: Server, databases: Sequence[str], preparation: Sequence[str]) -> None:
    with server.connect() as connection:
        for name in databases:
            if name not in ("postgres", "template1"):
                connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
    for name in databases:
        with server.connect(name) as connection:
            for statement in preparation:
                connection.execute(statement.encode())


def recorded_statements(target: Target) -> int:
    """How many intents the log of the Doorward on this road holds; 0 on a direct one."""
    if target.doorward is None:
        return 0
    from doorward.audit.reader import LogReader

    entries = LogReader(target.doorward.data.log).entries()
    return sum(msgspec.json.decode(entry)["kind"] == "statement.intent" for _index, entry in entries)
