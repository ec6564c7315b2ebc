"""Upstream sessions that serve one client after another: nothing of one may be found by the next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from doorward.databases import database_for
from doorward.errors import DoorwardError, UpstreamUnavailable
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_pool import Lent, PoolLimits, UpstreamPool
from doorward.wire.postgres import messages
from tests.live.servers import Database, Role, Server, fresh_database

pytestmark = pytest.mark.live

POSTGRESQL = database_for("postgresql")
SETTINGS = {"client_encoding": "UTF8", "standard_conforming_strings": "on", "application_name": "psql"}


class World:
    """What a pool is surrounded by: the state of the catalog, and tasks that somebody must keep."""

    def __init__(self) -> None:
        self.epoch = "one"
        self.tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def pool(self, size: int = 2, **limits: float) -> AsyncIterator[UpstreamPool]:
        made = UpstreamPool(PoolLimits(size, **limits), lambda _upstream: self.epoch, self.tasks.add)
        try:
            yield made
        finally:
            made.close()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    async def settle(self) -> None:
        """Until every reset is over."""
        await asyncio.gather(*self.tasks)


def at(database: Database, role: Role | None = None) -> Upstream:
    """*database*, as *role* or the superuser."""
    user, password = (role.name, role.password) if role else (database.user, database.password)
    return Upstream("shop", "postgresql", database.host, database.port, database.name, user, password, "disable")


async def ask(lent: Lent, sql: str) -> list[tuple[str | None, ...]]:
    """The rows of *sql*."""
    question = POSTGRESQL.question()
    lent.connection.write(question.ask(sql))
    while not question.done:
        question.receive(await lent.connection.next_chunk())
    rows: list[tuple[str | None, ...]] = question.rows
    return rows


async def one(lent: Lent, sql: str) -> str | None:
    """The one value of *sql*."""
    return (await ask(lent, sql))[0][0]


async def give_back(world: World, pool: UpstreamPool, lent: Lent) -> None:
    """As a session that ends in order does."""
    pool.take_back(lent)
    await world.settle()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run one test's conversation; none may take long."""
    asyncio.run(asyncio.wait_for(work, 60))


async def until(condition: Callable[[], bool]) -> None:
    """Wait for *condition*, not for long."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for offers no event
            await asyncio.sleep(0.01)


# --- nothing is left ------------------------------------------------------------------------------------------------------

# Statements that leave something in a session, most of them as hostile as a role may be.
STAINS = (
    "SET work_mem = '77kB'",
    "SET search_path = nowhere",
    "SET TimeZone = 'Asia/Tokyo'",
    "SET DateStyle = 'German'",
    "SET client_encoding = 'LATIN1'",
    "SET standard_conforming_strings = off",
    "SET application_name = 'mallory'",
    "SET default_transaction_read_only = on",
    "SET default_transaction_isolation = 'serializable'",
    "SET statement_timeout = '30s'",
    "SET seed = 0.25",
    "SET client_min_messages = 'debug5'",
    "SET extra_float_digits = 0",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SET ROLE TO CURRENT_USER",
    "SET SESSION AUTHORIZATION CURRENT_USER",
    "SELECT setseed(0.5)",
    "SELECT set_config('row_security', 'off', false)",
    "SELECT set_config('app.tenant', 'mallory', false)",
    "SELECT nextval('tickets')",
    "SELECT pg_advisory_lock(4711)",
    "SELECT pg_try_advisory_lock_shared(47, 11)",
    "LISTEN gossip",
    "LISTEN gossip; NOTIFY gossip, 'to myself'",
    "PREPARE secret AS SELECT 'of mallory'",
    "DECLARE held CURSOR WITH HOLD FOR SELECT generate_series(1, 9)",
    "DO $$ BEGIN PERFORM set_config('IntervalStyle', 'iso_8601', false); EXECUTE 'PREPARE hidden AS SELECT 1'; END $$",
    "BEGIN; SET LOCAL lock_timeout = '1s'; SAVEPOINT a; ROLLBACK TO a; COMMIT",
    "BEGIN; SET lock_timeout = '1s'; ROLLBACK",
    "CREATE TEMP TABLE notes AS SELECT 'of mallory' AS what",
    "CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql AS 'SELECT ''of mallory'''",
    "EXPLAIN SELECT * FROM pg_class",
    "SELECT 1/0",
    "SELECT pg_sleep(0)",
)

# Everything that a session could find of another one in its own state.
PICTURE = {
    "settings": "SELECT name, setting, source, reset_val FROM pg_settings WHERE name NOT LIKE 'plpgsql.%' ORDER BY name",
    "who": "SELECT current_user, session_user, current_schemas(true)::text",
    "prepared": "SELECT count(*) FROM pg_prepared_statements",
    "cursors": "SELECT count(*) FROM pg_cursors",
    "channels": "SELECT count(*) FROM pg_listening_channels()",
    "locks": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()",
    "temporary": "SELECT pg_my_temp_schema()",
    "sequence": "DO $$ BEGIN PERFORM lastval(); RAISE 'lastval is known' USING ERRCODE = 'P9999'; "
    "EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END $$",
    "tenant": "SELECT coalesce(current_setting('app.tenant', true), '')",
}


async def picture(lent: Lent) -> dict[str, object]:
    """What *lent* can find out about itself."""
    return {name: await ask(lent, sql) for name, sql in PICTURE.items()}


@pytest.fixture(scope="module", params=["postgres15", "postgres18"])
def shared(request: pytest.FixtureRequest) -> Iterator[Database]:
    """One database for all examples."""
    with fresh_database(request.getfixturevalue(request.param)) as made:
        made.execute("CREATE SEQUENCE tickets; GRANT ALL ON tickets TO public")
        yield made


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stains=st.lists(st.sampled_from(STAINS), min_size=1, max_size=8))
def test_whatever_was_done_the_next_finds_a_new_session(shared: Database, stains: list[str]) -> None:
    """Any order of statements that leave something; a session that can't be cleaned is not used again."""

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(shared), SETTINGS)
            new = await picture(lent)
            reported = dict(lent.connection.parameters)
            for stain in stains:
                with contextlib.suppress(DoorwardError):
                    await ask(lent, stain)
            has_temporary = await one(lent, "SELECT pg_my_temp_schema()") != "0"
            await give_back(world, pool, lent)
            following = await pool.lend(at(shared), SETTINGS)
            if has_temporary:
                assert following is not lent
            else:
                assert following is lent
                assert following.use == 2
            assert await picture(following) == new
            assert following.connection.parameters == reported
            following.connection.close()

    run(converse())


def test_every_stain_alone_is_gone(shared: Database) -> None:
    """One after the other over as few sessions as can be: the same picture each time."""

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(shared), SETTINGS)
            new = await picture(lent)
            for stain in STAINS:
                with contextlib.suppress(DoorwardError):
                    await ask(lent, stain)
                await give_back(world, pool, lent)
                lent = await pool.lend(at(shared), SETTINGS)
                assert await picture(lent) == new, stain
            lent.connection.close()

    run(converse())


def test_the_former_can_not_know_the_random_numbers_of_the_next(shared: Database) -> None:
    """DISCARD ALL leaves the seed of random() as it is."""

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            numbers = set()
            for _ in range(3):
                lent = await pool.lend(at(shared), SETTINGS)
                numbers.add(await one(lent, "SELECT random()"))
                await ask(lent, "SELECT setseed(0.5)")
                await give_back(world, pool, lent)
            assert lent.use == 3
            assert len(numbers) == 3

    run(converse())


def test_a_custom_setting_is_emptied_and_its_name_stays(shared: Database) -> None:
    """The one thing that can't be undone nor looked for, said in docs/running.md: it reads as empty, not as absent."""

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(shared), SETTINGS)
            assert await one(lent, "SELECT current_setting('app.user', true)") is None
            await ask(lent, "SELECT set_config('app.user', 'mallory', false)")
            await give_back(world, pool, lent)
            following = await pool.lend(at(shared), SETTINGS)
            assert following is lent
            assert await one(following, "SELECT current_setting('app.user', true)") == ""
            following.connection.close()

    run(converse())


def test_locks_temporary_tables_and_channels_end_with_the_session(shared: Database) -> None:
    """Not when the next client comes, which may be never."""

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(shared), SETTINGS)
            watching = await pool.lend(at(shared), SETTINGS)
            await ask(lent, "SELECT pg_advisory_lock(815)")
            assert await one(watching, "SELECT pg_try_advisory_lock(815)") == "f"
            await give_back(world, pool, lent)
            assert await one(watching, "SELECT pg_try_advisory_lock(815)") == "t"
            await give_back(world, pool, watching)
            assert pool.idle("shop") == 2

    run(converse())


# --- who may have it ------------------------------------------------------------------------------------------------------


def test_no_session_crosses_databases_roles_or_startup_settings(database: Database) -> None:
    """Whoever asks for anything else gets a session of their own."""
    role = database.new_role()

    async def converse() -> None:
        world = World()
        upstream = at(database, role)
        others = [
            (at(database), SETTINGS),
            (Upstream(**{f: getattr(upstream, f) for f in upstream.__struct_fields__} | {"database": "postgres"}), SETTINGS),
            (upstream, SETTINGS | {"application_name": "another"}),
            (upstream, SETTINGS | {"search_path": "pg_catalog"}),
            (upstream, {key: value for key, value in SETTINGS.items() if key != "application_name"}),
        ]
        async with world.pool(size=9) as pool:
            lent = await pool.lend(upstream, SETTINGS)
            await give_back(world, pool, lent)
            for other, given_settings in others:
                stranger = await pool.lend(other, given_settings)
                assert stranger.connection.process_id != lent.connection.process_id
                assert await ask(stranger, "SELECT current_database(), session_user") == [(other.database, other.user)]
                await give_back(world, pool, stranger)
            again = await pool.lend(upstream, SETTINGS)
            assert again is lent
            assert await one(again, "SELECT session_user") == role.name
            again.connection.close()

    run(converse())


def test_startup_settings_stay_what_reset_goes_back_to(shared: Database) -> None:
    """They were given at the start, by both: RESET and DISCARD ALL find them again, as in a session of one's own."""

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            for use in (1, 2):
                lent = await pool.lend(at(shared), SETTINGS | {"work_mem": "99kB"})
                assert lent.use == use
                assert await one(lent, "SHOW work_mem") == "99kB"
                await ask(lent, "SET work_mem = '88kB'")
                await ask(lent, "DISCARD ALL")
                assert await one(lent, "SELECT reset_val FROM pg_settings WHERE name = 'work_mem'") == "99"
                await give_back(world, pool, lent)

    run(converse())


# --- who is not used again ------------------------------------------------------------------------------------------------

Change = Callable[[Database, Role, World, Lent], Awaitable[None]]


async def _role_setting(database: Database, role: Role, _world: World, _lent: Lent) -> None:
    database.execute(f"ALTER ROLE {role.name} SET work_mem = '66kB'")


async def _role_setting_back_and_forth(database: Database, role: Role, _world: World, _lent: Lent) -> None:
    database.execute(f"ALTER ROLE {role.name} SET statement_timeout = '2s'")
    database.execute(f"ALTER ROLE {role.name} SET statement_timeout = '1s'")


async def _database_setting(database: Database, _role: Role, _world: World, _lent: Lent) -> None:
    database.execute(f"ALTER DATABASE {database.name} SET work_mem = '66kB'")


async def _expired(database: Database, role: Role, _world: World, _lent: Lent) -> None:
    database.execute(f"ALTER ROLE {role.name} VALID UNTIL 'yesterday'")


async def _may_not_connect(database: Database, _role: Role, _world: World, _lent: Lent) -> None:
    database.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM public")


async def _killed(database: Database, _role: Role, _world: World, lent: Lent) -> None:
    database.execute(f"SELECT pg_terminate_backend({lent.connection.process_id})")
    await asyncio.sleep(0.1)


async def _killed_unseen(database: Database, _role: Role, _world: World, lent: Lent) -> None:
    assert lent.connection.transport is not None
    lent.connection.transport.pause_reading()  # as a firewall that swallows the news
    database.execute(f"SELECT pg_terminate_backend({lent.connection.process_id})")


async def _catalog_changed(_database: Database, _role: Role, world: World, _lent: Lent) -> None:
    world.epoch = "two"


CHANGES: tuple[Change, ...] = (
    _role_setting, _role_setting_back_and_forth, _database_setting, _expired, _may_not_connect, _killed, _killed_unseen,
    _catalog_changed,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_one_that_was_overtaken_is_replaced_by_a_new_one(database: Database, change: Change) -> None:
    """The client does not notice; it gets what a new session gets, also where that is a refusal."""
    role = database.new_role()
    database.execute(f"ALTER ROLE {role.name} SET statement_timeout = '1s'")

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(database, role), SETTINGS)
            await give_back(world, pool, lent)
            assert pool.idle("shop") == 1
            await change(database, role, world, lent)
            if change in (_expired, _may_not_connect):
                with pytest.raises(UpstreamUnavailable):
                    await pool.lend(at(database, role), SETTINGS)
            else:
                following = await pool.lend(at(database, role), SETTINGS)
                assert following.connection.process_id != lent.connection.process_id
                expected = "66kB" if change in (_role_setting, _database_setting) else "4MB"
                assert await one(following, "SHOW work_mem") == expected
                following.connection.close()
            assert pool.idle("shop") == 0

    run(converse())


@pytest.mark.parametrize("database", ["postgres18"], indirect=True)
def test_a_login_trigger_is_not_passed_by(database: Database) -> None:
    """It runs when a session begins, so each client begins one."""

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(database), SETTINGS)
            await give_back(world, pool, lent)
            database.execute(
                "CREATE FUNCTION greet() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN SET work_mem = ''65kB''; END';"
                "CREATE EVENT TRIGGER greeting ON login EXECUTE FUNCTION greet()"
            )
            for _ in range(2):
                following = await pool.lend(at(database), SETTINGS)
                assert following.use == 1
                assert await one(following, "SHOW work_mem") == "65kB"
                await give_back(world, pool, following)
            assert pool.idle("shop") == 0

    run(converse())


UNCLEAN = {
    "in a transaction": "BEGIN",
    "in a failed transaction": "BEGIN; SELECT 1/0",
    "a library that may remember": "CREATE EXTENSION IF NOT EXISTS dblink",
}


@pytest.mark.parametrize("database", ["postgres15"], indirect=True)
@pytest.mark.parametrize("sql", UNCLEAN.values(), ids=UNCLEAN)
def test_what_can_not_be_cleaned_is_closed(database: Database, sql: str) -> None:
    """Even if whoever gave it back took it for idle."""

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(database), SETTINGS)
            with contextlib.suppress(DoorwardError):
                await ask(lent, sql)
            await give_back(world, pool, lent)
            assert pool.idle("shop") == 0
            await until(lambda: lent.connection.is_ending)

    run(converse())


def test_what_was_executed_and_not_yet_synced_is_undone(shared: Database) -> None:
    """A client that leaves before its Sync has committed nothing; nor may our own statements."""
    shared.execute("CREATE TABLE IF NOT EXISTS tally (n int); TRUNCATE tally")
    insert = messages.parse("", "INSERT INTO tally VALUES (1)")
    bind_and_execute = messages.message(b"B", b"\0\0" + b"\0\0" * 3) + messages.message(b"E", b"\0" + b"\0" * 4)

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(shared), SETTINGS)
            lent.connection.write(insert + bind_and_execute + messages.FLUSH)
            answers = b""
            while b"INSERT 0 1" not in answers:
                answers += await lent.connection.next_chunk()
            await give_back(world, pool, lent)
            assert pool.idle("shop") == 0

    run(converse())
    assert shared.execute("SELECT count(*) FROM tally") == [(0,)]


def test_one_that_speaks_while_it_waits_is_closed(shared: Database) -> None:
    """Nobody asked it anything: whatever it is, it is not for the next client."""

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(shared), SETTINGS)
            await give_back(world, pool, lent)
            lent.connection.write(messages.query("SELECT 'late'"))
            await until(lambda: pool.idle("shop") == 0)
            assert lent.connection.is_ending

    run(converse())


# --- how many, how long ---------------------------------------------------------------------------------------------------


def test_no_more_are_kept_than_asked_for(shared: Database) -> None:
    """One too many is closed; one that began otherwise takes the place of what waited longest."""

    async def converse() -> None:
        world = World()
        async with world.pool(size=1) as pool:
            first, second = [await pool.lend(at(shared), SETTINGS) for _ in range(2)]
            await give_back(world, pool, first)
            await give_back(world, pool, second)
            assert pool.idle("shop") == 1
            assert second.connection.is_ending
            other = await pool.lend(at(shared), SETTINGS | {"application_name": "other"})
            await give_back(world, pool, other)
            assert pool.idle("shop") == 1
            assert first.connection.is_ending
            assert not other.connection.is_ending

    run(converse())


def test_without_a_size_nothing_is_kept_or_asked(shared: Database) -> None:
    """The default: as if there were no pool."""

    async def converse() -> None:
        world = World()
        async with world.pool(size=0) as pool:
            lent = await pool.lend(at(shared), SETTINGS)
            assert not lent.is_returnable
            await give_back(world, pool, lent)
            assert lent.connection.is_ending
            assert pool.idle("shop") == 0

    run(converse())


@pytest.mark.parametrize("limits", [{"idle_seconds": 0.1}, {"age_seconds": 0.3}], ids=["idle", "age"])
def test_none_is_kept_longer_than_asked_for(shared: Database, limits: dict[str, float]) -> None:
    """Neither unused nor altogether."""

    async def converse() -> None:
        world = World()
        async with world.pool(2, **limits) as pool:
            lent = await pool.lend(at(shared), SETTINGS)
            await give_back(world, pool, lent)
            await until(lambda: lent.connection.is_ending)
            assert pool.idle("shop") == 0

    run(converse())


def test_kept_sessions_give_way_when_the_server_is_full(database: Database) -> None:
    """A role may have one connection, and the one that waits began with other settings."""
    role = database.new_role("CONNECTION LIMIT 1")

    async def converse() -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(database, role), SETTINGS)
            await give_back(world, pool, lent)
            following = await pool.lend(at(database, role), SETTINGS | {"application_name": "other"})
            assert following.use == 1
            with pytest.raises(UpstreamUnavailable):
                await pool.lend(at(database, role), SETTINGS)
            following.connection.close()

    run(converse())


def test_a_closed_pool_keeps_nothing(shared: Database) -> None:
    """What is idle, what is being reset, and what is given back later is all closed."""

    async def converse() -> None:
        world = World()
        async with world.pool(size=3) as pool:
            idle, resetting, late = [await pool.lend(at(shared), SETTINGS) for _ in range(3)]
            await give_back(world, pool, idle)
            pool.take_back(resetting)
            pool.close()
            pool.take_back(late)
            await until(lambda: all(lent.connection.is_ending for lent in (idle, resetting, late)))
            assert pool.idle("shop") == 0

    run(converse())


def test_a_server_that_stops_answering_costs_the_client_a_moment_only(
    postgres15: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that waits is given up after the deadline, and a new one is begun."""
    monkeypatch.setattr("doorward.proxy.upstream_pool.COMPARE_SECONDS", 0.2)

    async def converse(database: Database) -> None:
        world = World()
        async with world.pool() as pool:
            lent = await pool.lend(at(database), SETTINGS)
            await give_back(world, pool, lent)
            monkeypatch.setattr(lent.connection, "write", lambda _data: None)
            following = await pool.lend(at(database), SETTINGS)
            assert following is not lent
            assert lent.connection.is_ending
            following.connection.close()

    with fresh_database(postgres15) as database:
        run(converse(database))
