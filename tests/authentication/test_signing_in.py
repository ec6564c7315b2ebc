"""Signing in through a running Doorward with the clients that people have."""

from __future__ import annotations

import asyncio
import subprocess
import threading
from collections.abc import Iterator

import asyncpg
import psycopg
import pytest

from doorward.authentication.attempts import AT_THE_PORT
from doorward.control.operators import LOCAL
from doorward.model.upstream import Upstream
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, Server, fresh_database

pytestmark = pytest.mark.live
REFUSED = 'password authentication failed for user "{}"'


@pytest.fixture(scope="module")
def scene(postgres15: Server) -> Iterator[tuple[Database, Running]]:
    with fresh_database(postgres15) as made:
        upstream = Upstream("shop", "postgresql", made.host, made.port, made.name, made.user, made.password, "disable")
        with running_doorward(upstream) as running:
            yield made, running


def sign_in(running: Running, name: str, secret: str) -> str:
    """Sign in with psycopg; what the refusal said, empty when there was none."""
    running.secrets[name] = secret
    try:
        with psycopg.connect(running.dsn(name)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError as error:
        return str(error)
    return ""


def test_every_client_signs_in_with_the_right_secret(scene: tuple[Database, Running]) -> None:
    """psycopg, psql and asyncpg."""
    made, running = scene
    secret = running.secret("alice")
    assert sign_in(running, "alice", secret) == ""
    psql = [str(made.server.binaries / "psql"), "-AXtc", "SELECT 1", running.dsn("alice", password=secret)]
    assert subprocess.run(psql, capture_output=True, text=True, timeout=30).stdout.strip() == "1"

    async def ask() -> object:
        address = f"postgresql://alice:{secret}@127.0.0.1:{running.control.port}/{running.database}"
        connection = await asyncpg.connect(address, ssl=False)
        try:
            return await connection.fetchval("SELECT 1")
        finally:
            await connection.close()

    assert asyncio.run(ask()) == 1


def test_a_wrong_secret_and_an_unknown_user_are_refused_in_the_same_words(scene: tuple[Database, Running]) -> None:
    """Nobody learns which names there are."""
    _made, running = scene
    running.secret("alice")
    known, unknown = sign_in(running, "alice", "wrong"), sign_in(running, "mallory", "wrong")
    assert REFUSED.format("alice") in known
    assert known.replace("alice", "mallory") == unknown


def test_two_secrets_are_good_at_a_time(scene: tuple[Database, Running]) -> None:
    """While one is rotated, sessions with either begin."""
    _made, running = scene
    first, second = running.secret("bob"), running.secret("bob")
    assert first != second
    assert [sign_in(running, "bob", secret) for secret in (first, second)] == ["", ""]


def test_an_expired_secret_is_refused(scene: tuple[Database, Running]) -> None:
    """Once its time is over, not earlier."""
    _made, running = scene
    secret = running.secret("nightly-etl", hours=2 / 3600)
    assert sign_in(running, "nightly-etl", secret) == ""
    running.wait_for(lambda: REFUSED.format("nightly-etl") in sign_in(running, "nightly-etl", secret))


def test_a_revoked_secret_is_refused(scene: tuple[Database, Running]) -> None:
    """At once."""
    _made, running = scene
    minted = running.do(running.control.office.secrets.mint(LOCAL, "report-bot", 1.0))
    assert sign_in(running, "report-bot", minted.secret) == ""
    running.do(running.control.office.secrets.revoke(LOCAL, minted.credential_id))
    assert REFUSED.format("report-bot") in sign_in(running, "report-bot", minted.secret)


def test_guessing_at_the_port_is_slow_and_locks_nobody_else_out(scene: tuple[Database, Running]) -> None:
    """After sixty failures for a name its source waits; other names are let in from there, and the record is not flooded."""
    _database, running = scene
    running.secrets["guessed-at"] = "dwd_wrong"
    tried = 0
    while "Too many failed sign-ins" not in sign_in(running, "guessed-at", "dwd_wrong"):
        tried += 1
        assert tried < 1_000
    running.secret("alice")  # other tests of this module may have taken the place of an earlier one
    with running.connect("alice") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    # libpq tries twice, as it may have been TLS that was wrong: not each of its tries is told.
    in_the_log = [entry for entry in running.entries("signin.refused") if entry["user"] == "guessed-at"]
    assert AT_THE_PORT.of_source_and_name.most <= len(in_the_log) <= 2 * tried + 1


def test_a_key_opens_its_database_until_it_is_revoked(scene: tuple[Database, Running]) -> None:
    """By SCRAM, as every secret does; its use is noted, and the session ends in the middle of a statement."""
    _database, running = scene
    office = running.control.office
    running.do(office.principals.regroup(LOCAL, "nightly-etl", ("pipelines", "owned-by-bob")))
    made = running.do(office.api_keys.add(LOCAL, "nightly-etl", upstream="shop"))
    running.secrets["nightly-etl"] = made.secret
    with running.connect("nightly-etl") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        running.wait_for(lambda: office.api_keys.all(LOCAL)[0].credential.last_used_us)
        asked = threading.Thread(target=lambda: running.do(office.secrets.revoke(LOCAL, made.credential_id)))
        asked.start()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT pg_sleep(30)")
        asked.join()
    assert sign_in(running, "nightly-etl", made.secret)
