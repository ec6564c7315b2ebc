"""Upstream sessions used again, through a whole Doorward: no client can tell, and the record can."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from doorward.model.upstream import Upstream
from doorward.proxy.upstream_pool import PoolLimits
from tests.live.conftest import SCHEMA, Shop
from tests.live.running import running_doorward
from tests.live.servers import fresh_database

pytestmark = pytest.mark.live

# What a session may leave behind, as far as the rules let it; and through ones that only observe, all of it.
HOSTILE = (
    "SET search_path = nowhere, public",
    "SET work_mem = '77kB'",
    "SET TimeZone = 'Asia/Tokyo'",
    "SET statement_timeout = '20s'",
    "PREPARE secret AS SELECT 'of alice'",
    "DECLARE held CURSOR WITH HOLD FOR SELECT generate_series(1, 9)",
    "LISTEN gossip",
    "NOTIFY gossip, 'to the next'",
    "SELECT pg_advisory_lock(4711)",
    "SELECT nextval('tickets')",
    "SELECT setseed(0.5)",
    "SELECT set_config('app.tenant', 'alice', false)",
    "SET default_transaction_read_only = on",
)

SHOWN = (
    "SHOW search_path",
    "SHOW work_mem",
    "SHOW TimeZone",
    "SHOW default_transaction_read_only",
    "SHOW statement_timeout",
    "SHOW application_name",
    "SELECT count(*) FROM pg_prepared_statements",
    "SELECT count(*) FROM pg_cursors",
    "SELECT pg_my_temp_schema()",
)


@pytest.fixture(scope="module", params=["postgres15", "postgres18"])
def pooled(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """The shop behind a Doorward that keeps upstream sessions, and only observes: everything goes through."""
    with fresh_database(request.getfixturevalue(request.param)) as database:
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
            owner.execute("CREATE SEQUENCE tickets")
        upstream = Upstream(
            "shop", "postgresql", database.host, database.port, database.name, role.name, role.password, observe=True
        )
        with running_doorward(upstream, pool=PoolLimits(4)) as doorward:
            yield Shop(database, doorward)


def connect(pooled: Shop, name: str, **options: object) -> psycopg.Connection[tuple[object, ...]]:
    """A connection whose own start-up settings are always the same ones."""
    return pooled.doorward.connect(name, application_name="pooling", **options)


def pid_of(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    """The server's process behind it."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    assert row is not None
    return row[0]


def found_by(connection: psycopg.Connection[tuple[object, ...]]) -> dict[str, object]:
    """What a session finds out about itself."""
    return {sql: connection.execute(sql, prepare=False).fetchall() for sql in SHOWN}


def opened(pooled: Shop) -> dict[str, object]:
    """The newest entry of a session that was opened."""
    return pooled.doorward.entries("session.opened")[-1]


def use_until_again(pooled: Shop, name: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection that has an upstream session which served another: a reset takes a moment."""
    deadline = time.monotonic() + 10
    while True:
        connection = connect(pooled, name)
        use = opened(pooled)["upstream_use"]
        if isinstance(use, int) and use > 1:
            return connection
        connection.close()
        assert time.monotonic() < deadline, "no session is ever used again"
        time.sleep(0.05)


def test_the_next_principal_finds_nothing_of_the_one_before(pooled: Shop) -> None:
    """The same server process; another person; every kind of state in between."""
    with connect(pooled, "alice") as alice:
        before = pid_of(alice)
        new = found_by(alice)
        for statement in HOSTILE:
            alice.execute(statement)
        alice.execute("SELECT %s::text", ["an unnamed statement"], prepare=True)
        left = found_by(alice)
        assert len([sql for sql in SHOWN if left[sql] != new[sql]]) == 7
    assert opened(pooled)["upstream_pid"] == before
    with use_until_again(pooled, "bob") as bob:
        entry = opened(pooled)
        assert entry["upstream_pid"] == pid_of(bob)
        assert entry["identity"]["principal"]["name"] == "bob"  # type: ignore[index]
        assert found_by(bob) == new
        assert pooled.truth("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
        assert list(bob.notifies(timeout=0.1)) == []
        assert bob.info.parameter_status("TimeZone") == bob.execute("SHOW TimeZone").fetchone()[0]  # type: ignore[index]
        with pytest.raises(psycopg.errors.InvalidSqlStatementName):
            bob.execute("EXECUTE secret")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            bob.execute("SELECT lastval()")


def test_settings_reported_to_a_client_are_those_of_its_own_session(pooled: Shop) -> None:
    """ParameterStatus is replayed from what the server holds now, not from what the one before had made of it."""
    with connect(pooled, "alice") as alice:
        fresh = {name: alice.info.parameter_status(name) for name in ("DateStyle", "IntervalStyle", "TimeZone")}
        alice.execute("SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601'; SET TimeZone = 'Asia/Tokyo'")
        assert alice.info.parameter_status("DateStyle") == "German, DMY"
    with use_until_again(pooled, "bob") as bob:
        for name, value in fresh.items():
            assert bob.info.parameter_status(name) == value
            assert bob.execute(f"SHOW {name}").fetchone() == (value,)


@pytest.mark.parametrize("left", ["BEGIN; SELECT 1", "BEGIN; SELECT 1/0", "CREATE TEMP TABLE t ()"])
def test_what_is_not_idle_and_clean_serves_nobody_else(pooled: Shop, left: str) -> None:
    """An open or failed transaction, or a temporary schema."""
    alice = connect(pooled, "alice")
    pid = pid_of(alice)
    with contextlib.suppress(psycopg.errors.DivisionByZero):
        alice.execute(left)
    alice.close()
    pooled.doorward.wait_for(lambda: pooled.truth(f"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = {pid}"))


def test_a_session_whose_statement_was_cancelled_serves_nobody_else(pooled: Shop) -> None:
    """A request to cancel may arrive late: whoever came next would be struck."""
    with connect(pooled, "alice") as alice:
        pid = pid_of(alice)
        timer = threading.Timer(0.3, alice.cancel)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            alice.execute("SELECT pg_sleep(20)")
        timer.join()
        assert alice.execute("SELECT 1").fetchone() == (1,)
    pooled.doorward.wait_for(lambda: pooled.truth(f"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = {pid}"))


def test_a_cancel_request_of_a_session_that_is_over_cancels_nothing(pooled: Shop) -> None:
    """Even when its server process is the next one's."""
    with use_until_again(pooled, "alice") as alice:
        pid = pid_of(alice)
        key = alice.pgconn.get_cancel()
    with use_until_again(pooled, "bob") as bob:
        assert pid_of(bob) == pid
        timer = threading.Timer(0.2, key.cancel)
        timer.start()
        assert bob.execute("SELECT 'slept' FROM pg_sleep(1)").fetchone() == ("slept",)
        timer.join()


def test_a_server_process_killed_while_nobody_uses_it_is_replaced(pooled: Shop) -> None:
    """The client gets a new one and does not notice."""
    with connect(pooled, "alice") as alice:
        alice.execute("SELECT 1")
    time.sleep(0.2)
    pooled.database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pooling'")
    with connect(pooled, "bob") as bob:
        assert bob.execute("SELECT 1").fetchone() == (1,)
    assert opened(pooled)["upstream_use"] == 1


def test_a_client_that_vanishes_while_it_executes_leaves_no_session_behind(pooled: Shop) -> None:
    """Executed but not synced, then gone: nothing is committed."""
    with connect(pooled, "alice") as alice:
        alice.execute("CREATE TABLE IF NOT EXISTS tally (n int)")
        alice.execute("TRUNCATE tally")
    alice = connect(pooled, "alice")
    pid = pid_of(alice)
    alice.pgconn.enter_pipeline_mode()
    alice.pgconn.send_query_params(b"INSERT INTO tally VALUES (1)", None)
    alice.pgconn.send_flush_request()
    alice.pgconn.flush()
    alice.pgconn.get_result()
    alice.close()
    pooled.doorward.wait_for(lambda: pooled.truth(f"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = {pid}"))
    assert pooled.truth("SELECT count(*) FROM tally") == 0


def test_one_catalog_change_retires_what_is_kept(pooled: Shop) -> None:
    """Plans and descriptions of before are not worth keeping."""
    with use_until_again(pooled, "alice") as alice:
        pid = pid_of(alice)
        alice.execute(f"CREATE TABLE made_at_{time.time_ns()} ()")
    deadline = time.monotonic() + 10
    while True:
        with connect(pooled, "bob") as bob:
            if pid_of(bob) != pid:
                break
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_without_being_asked_doorward_keeps_nothing(shop: Shop) -> None:
    """The default: every client has a server process of its own."""
    pids = set()
    for _ in range(3):
        with shop.doorward.connect() as connection:
            pids.add(pid_of(connection))
        entry = shop.doorward.entries("session.opened")[-1]
        assert entry["upstream_use"] == 1
        assert entry["upstream_pid"] in pids
        time.sleep(0.05)
    assert len(pids) == 3
