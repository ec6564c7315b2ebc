"""The embedded store: one SQLite file that its owner alone may read.

Rollback journal, not WAL: SQLite up to 3.51.2 can corrupt a WAL database that two connections share. One connection,
one transaction at a time. Upstream passwords are kept here too: one owner-only file to guard and to back up.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from doorward.store.accesses import SqlAccesses
from doorward.store.agents import SqlAgents
from doorward.store.credentials import SqlCredentials
from doorward.store.directory import SqlDirectory
from doorward.store.duties import SqlDuties
from doorward.store.history import SqlColumnHistory
from doorward.store.local_accounts import SqlLocalAccounts
from doorward.store.policies import SqlPolicies
from doorward.store.principals import SqlPrincipals
from doorward.store.requests import SqlRequests
from doorward.store.reviews import SqlReviews
from doorward.store.schema import migrate
from doorward.store.sign_ins import SqlSignIns
from doorward.store.upstreams import SqlUpstreams
from doorward.store.verdicts import SqlVerdicts


class SqlStore:
    """Repositories over one connection; safe to call from several threads, one at a time gets in."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self.principals = SqlPrincipals(self.transaction)
        self.credentials = SqlCredentials(self.transaction)
        self.directory = SqlDirectory(self.transaction)
        self.sign_ins = SqlSignIns(self.transaction)
        self.local_accounts = SqlLocalAccounts(self.transaction)
        self.verdicts = SqlVerdicts(self.transaction)
        self.history = SqlColumnHistory(self.transaction)
        self.requests = SqlRequests(self.transaction)
        self.duties = SqlDuties(self.transaction)
        self.reviews = SqlReviews(self.transaction)
        self.accesses = SqlAccesses(self.transaction)
        self.upstreams = SqlUpstreams(self.transaction)
        self.agents = SqlAgents(self.transaction)
        self.policies = SqlPolicies(self.transaction)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction: kept if the block ends, undone if it raises."""
        with self._lock, self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()


def open_store(path: Path) -> SqlStore:
    """Open the store at *path*, made and migrated as needed, mode 0600. The caller closes it."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
    engine = create_engine(
        f"sqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False, "isolation_level": None}
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    store = SqlStore(engine)
    try:
        with store.transaction() as connection:
            migrate(connection)
    except BaseException:
        store.close()
        raise
    return store


def _prepare(connection: Any, _record: object) -> None:
    for pragma in ("journal_mode = DELETE", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 5000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # The driver is told not to begin by itself (isolation_level None): it would do so late, and never before DDL.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
