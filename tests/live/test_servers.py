"""The servers that other tests stand on."""

from __future__ import annotations

import psycopg
import pytest

from tests.live.servers import Database, Server

pytestmark = pytest.mark.live


def test_each_server_is_the_version_it_says(postgres15: Server, postgres18: Server) -> None:
    """A test asking for a version gets it."""
    for server in (postgres15, postgres18):
        with server.connect() as connection:
            assert connection.info.server_version // 10000 == server.version


def test_a_database_is_empty_and_its_role_is_ordinary(database: Database) -> None:
    """Nothing leaks between tests, and privileges must be granted by the test itself."""
    database.execute("CREATE TABLE a (b int)")
    role = database.new_role()
    with database.connect(role) as connection:
        assert connection.execute("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace").fetchone() == (
            1,
        )
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM a")


def test_a_wrong_password_is_refused(database: Database) -> None:
    """Sign-in really is by SCRAM: no trust entry hides an authentication bug."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database.server.dsn(database.name, "postgres", "wrong"))
