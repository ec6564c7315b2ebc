"""A Doorward that only observes: the client notices nothing, the log has everything, with what enforcing would have done."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from doorward.model.upstream import Upstream
from tests.live.conftest import SCHEMA, Shop
from tests.live.running import running_doorward
from tests.live.servers import Server, fresh_database

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def watched(postgres15: Server) -> Iterator[Shop]:
    """The shop, only observed."""
    with fresh_database(postgres15) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        upstream = Upstream(
            "shop", "postgresql", database.host, database.port, database.name, role.name, role.password, observe=True
        )
        with running_doorward(upstream) as doorward:
            yield Shop(database, doorward)


@pytest.mark.parametrize(
    ("statement", "marker", "rule"),
    [
        ("SELECT count(*) FROM orders", "only-observed", "everyone-may-read"),
        ("DELETE FROM orders", "observed-not-held", "unbounded-write-needs-review"),
        ("SELECT pg_sleep(0) FROM pg_stat_get_activity(NULL)", "observed-not-denied", "no-dangerous-functions"),
        ("SET standard_conforming_strings = off", "observed-not-denied", "no-administration"),
        ("SET client_encoding = 'LATIN1'", "observed-not-denied", "no-administration"),
    ],
)
def test_everything_runs_and_is_recorded_with_what_would_have_been(
    watched: Shop, statement: str, marker: str, rule: str
) -> None:
    """The session goes on after it."""
    with watched.doorward.connect() as connection:
        connection.execute("BEGIN")
        connection.execute(statement.encode())
        connection.execute("ROLLBACK")
        assert connection.execute("SELECT 1").fetchone() == (1,)
    intent = next(e for e in watched.doorward.entries("statement.intent") if e["statement"] == statement)
    assert (intent["verdict"], intent["rules"][0]) == ("allow", marker)
    assert rule in intent["rules"]
    assert watched.doorward.outcomes_of(intent)


def test_nothing_is_masked_and_what_was_shown_is_on_record(watched: Shop) -> None:
    """Bare columns, expressions and whole rows, as the server sent them; COPY too."""
    asked = "SELECT email, upper(ssn), customers FROM customers ORDER BY id LIMIT 1"
    with watched.doorward.connect("report-bot") as connection:
        shown = connection.execute(asked).fetchone()
        with connection.cursor().copy("COPY (SELECT email FROM customers ORDER BY id) TO STDOUT") as copy:
            assert list(copy.rows()) == [("alice@example.com",), ("bob@example.com",)]
    assert shown is not None
    assert shown[:2] == ("alice@example.com", "123-45-6789")
    assert "4111111111111111" in shown[2]
    intent = next(e for e in watched.doorward.entries("statement.intent") if e["statement"] == asked)
    (outcome,) = watched.doorward.outcomes_of(intent)
    assert outcome["masked"] == 0
    assert next(column["label"] for column in outcome["columns"]) == "email"
    assert intent["identity"]["chain"] == "report-bot for alice"


@pytest.mark.parametrize("mode", ["simple", "extended"])
def test_what_can_not_be_read_reaches_the_server_and_its_own_error_comes_back(watched: Shop, mode: str) -> None:
    """Not Doorward's words for it, and with the position."""
    with watched.doorward.connect() as connection, pytest.raises(errors.SyntaxError) as refused:
        connection.execute("SELEC %s" if mode == "extended" else "SELEC 1", [1] if mode == "extended" else None)
    assert refused.value.diag.message_primary == 'syntax error at or near "SELEC"'
    assert refused.value.diag.source_function == "scanner_yyerror"


def test_the_servers_words_are_not_withheld(watched: Shop) -> None:
    """With values, context and source, and notices from within functions."""
    told: list[str] = []
    with watched.doorward.connect() as connection:
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        connection.execute("DO $$ BEGIN RAISE NOTICE 'seen %', (SELECT email FROM customers WHERE id = 1); END $$")
        with pytest.raises(errors.UniqueViolation, match=r"\(email\)=\(bob@example.com\)"):
            connection.execute("UPDATE customers SET email = 'bob@example.com'")
    assert told == ["seen alice@example.com"]


def test_who_has_no_secret_still_does_not_get_in(watched: Shop) -> None:
    """Observing is about statements."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(watched.doorward.dsn("alice", password="not it"))
