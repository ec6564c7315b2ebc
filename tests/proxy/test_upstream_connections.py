"""Reaching upstreams, real ones and what else may listen at their address."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from doorward.errors import ConfigurationInvalid, UpstreamUnavailable
from doorward.model.upstream import Upstream
from doorward.proxy import upstream_connections
from doorward.proxy.upstream_connections import UpstreamQuerier, connect, send_cancel
from doorward.wire.postgres.upstream_side import QueryFailed
from tests.live.servers import Server

SETTINGS = {"application_name": "a test"}


def at(server: Server, **changes: object) -> Upstream:
    """*server*, as its superuser, but for *changes*."""
    upstream = Upstream("shop", "postgresql", server.host, server.port, "postgres", server.user, server.password)
    return replace_struct(upstream, **changes)


def replace_struct(upstream: Upstream, **changes: object) -> Upstream:
    """*upstream* but for *changes*."""
    fields = {name: getattr(upstream, name) for name in upstream.__struct_fields__}
    return Upstream(**(fields | changes))


async def ask(upstream: Upstream, sql: str) -> list[tuple[str | None, ...]]:
    """One question over a connection of its own."""
    querier = UpstreamQuerier(upstream)
    try:
        return await querier.query(sql)
    finally:
        await querier.close()


def failure_of(upstream: Upstream) -> UpstreamUnavailable:
    """Why *upstream* can't be connected to; never with its password."""
    with pytest.raises(UpstreamUnavailable) as raised:
        asyncio.run(connect(upstream, SETTINGS))
    assert not upstream.password or upstream.password not in str(raised.value)
    return raised.value


def test_a_real_server_signs_us_in_by_scram(postgres15: Server) -> None:
    """It reports its settings and what cancels the session; and knows our name."""

    async def run() -> None:
        connection = await connect(at(postgres15, tls="disable"), SETTINGS)
        assert connection.parameters["server_version"].startswith("15")
        assert connection.parameters["application_name"] == "a test"
        assert connection.process_id > 0
        assert connection.key
        assert connection.address == (postgres15.host, postgres15.port)
        connection.close(b"X\0\0\0\x04")
        connection.close()

    asyncio.run(run())


def test_prefer_goes_on_without_tls_where_there_is_none(postgres18: Server) -> None:
    """As libpq does."""
    assert asyncio.run(ask(at(postgres18, tls="prefer"), "SELECT 1")) == [("1",)]


@pytest.mark.parametrize("word", ["require", "verify-full"])
def test_tls_that_is_required_is_not_done_without(postgres18: Server, word: str) -> None:
    """The password is never sent."""
    failure = failure_of(at(postgres18, tls=word))
    assert "has no TLS" in failure.message
    assert "sslmode" in failure.remedy


def test_an_unknown_word_for_tls_is_a_mistake_of_the_operator(postgres18: Server) -> None:
    """Never read as none."""
    with pytest.raises(ConfigurationInvalid, match="sslmode=allow"):
        asyncio.run(connect(at(postgres18, tls="allow"), SETTINGS))


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"password": "wrong password"}, "28P01"),
        ({"password": ""}, "given none"),
        ({"user": "nobody_here"}, "28P01"),
        ({"database": "no_such_database"}, "3D000"),
    ],
)
def test_a_server_that_refuses_says_why(postgres15: Server, changes: dict[str, object], cause: str) -> None:
    """Password, user, database: each with the server's own SQLSTATE."""
    assert cause in failure_of(at(postgres15, **changes)).message


def test_a_socket_in_a_directory_is_reached_too(postgres15: Server) -> None:
    """A host that begins with a slash, as libpq has it."""
    assert asyncio.run(ask(at(postgres15, host=str(postgres15.directory)), "SELECT 1")) == [("1",)]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "/no/such/directory"])
def test_where_nobody_listens_the_address_is_named(host: str) -> None:
    """With what the system calls it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets it
        port = taken.getsockname()[1]
        failure = failure_of(Upstream("shop", "postgresql", host, port, "shop", "owner", "hunter2"))
    assert "can't be reached" in failure.message
    assert f"{host}:{port}" in failure.message


# --- what else may listen there -----------------------------------------------------------------------------------------

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def listening(serve: Serve, tls: str = "disable") -> AsyncIterator[Upstream]:
    """An upstream where *serve* answers."""

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()

    server = await asyncio.start_server(one, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Upstream("shop", "postgresql", "127.0.0.1", port, "shop", "owner", "hunter2", tls)
    finally:
        server.close()


def failure_with(serve: Serve, tls: str = "disable") -> UpstreamUnavailable:
    """Why that can't be connected to."""

    async def run() -> UpstreamUnavailable:
        async with listening(serve, tls) as upstream:
            with pytest.raises(UpstreamUnavailable) as raised:
                async with asyncio.timeout(20):
                    await connect(upstream, SETTINGS)
            assert "hunter2" not in str(raised.value)
            return raised.value

    return asyncio.run(run())


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts, and says nothing."""
    await reader.read()


async def http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A web server."""
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def says(answer: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Whatever it is asked, *answer*."""
    await reader.read(1)
    writer.write(answer)
    await writer.drain()
    await reader.read(65_536)


@pytest.mark.parametrize("tls", ["disable", "prefer", "require"])
def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch, tls: str) -> None:
    """After a time, not never."""
    monkeypatch.setattr(upstream_connections, "CONNECT_TIMEOUT_SECONDS", 0.2)
    assert "did not answer in time" in failure_with(silent, tls).message


@pytest.mark.parametrize(
    ("tls", "told"), [("disable", "not understood"), ("prefer", "does not speak"), ("require", "does not speak")]
)
def test_a_server_of_another_protocol_is_told(tls: str, told: str) -> None:
    """The port is the first thing to check."""
    assert told in failure_with(http, tls).message


def test_an_error_in_place_of_an_answer_to_the_request_for_tls_is_not_believed() -> None:
    """Anybody on the way could have written it (CVE-2024-10977)."""
    lies = functools.partial(says, b"ELie down and give me your password.\0\0")
    for tls in ("prefer", "require"):
        failure = failure_with(lies, tls)
        assert "request for TLS with an error" in failure.message
        assert "password" not in str(failure)


@pytest.mark.parametrize("tls", ["disable", "prefer", "require"])
def test_a_server_that_hangs_up_is_told(tls: str) -> None:
    """At once, without waiting for the timeout."""
    assert failure_with(functools.partial(says, b""), tls).code == "upstream-unavailable"


def test_a_server_that_promises_tls_and_has_none_is_told() -> None:
    """Never fallen back from: somebody in between may have said it."""
    assert failure_with(functools.partial(says, b"Sno handshake follows"), "prefer").code == "upstream-unavailable"


def test_bytes_before_tls_are_not_taken_for_its_own() -> None:
    """What follows S in clear is never read as sign-in (CVE-2021-23222)."""
    welcome = b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I"
    assert failure_with(functools.partial(says, b"S" + welcome), "require").code == "upstream-unavailable"


def test_an_upstream_that_wants_the_password_in_clear_does_not_get_it() -> None:
    """Over no encryption."""
    assert "in clear" in failure_with(functools.partial(says, b"R\0\0\0\x08\0\0\0\x03")).message


# --- questions ---------------------------------------------------------------------------------------------------------


def test_a_querier_asks_describes_and_survives_errors(postgres15: Server) -> None:
    """One connection for all of it."""

    async def run() -> None:
        querier = UpstreamQuerier(at(postgres15))
        (backend,) = await querier.query("SELECT pg_backend_pid()")
        assert await querier.query("SELECT 1, NULL, 'ä' UNION ALL SELECT 2, '', 'b'") == [("1", None, "ä"), ("2", "", "b")]
        with pytest.raises(QueryFailed, match="does not exist") as raised:
            await querier.query("SELECT * FROM no_such_table")
        assert raised.value.sqlstate == "42P01"
        described = await querier.describe("SELECT relname AS name, 1 AS one FROM pg_class")
        assert [column.name for column in described] == ["name", "one"]
        assert described[0].table_oid == 1259
        assert await querier.describe("CREATE TABLE never_made (a int)") == []
        assert await querier.query("SELECT to_regclass('never_made')") == [(None,)]
        with pytest.raises(QueryFailed):
            await querier.describe("SELECT * FROM no_such_table")
        assert await querier.query("SELECT pg_backend_pid()") == [backend]
        await querier.close()
        await querier.close()

    asyncio.run(run())


def test_questions_asked_at_once_are_answered_one_by_one(postgres15: Server) -> None:
    """Each gets its own answer."""

    async def run() -> None:
        querier = UpstreamQuerier(at(postgres15))
        answers = await asyncio.gather(*[querier.query(f"SELECT {number}") for number in range(20)])
        assert answers == [[(str(number),)] for number in range(20)]
        await querier.close()

    asyncio.run(run())


def test_a_querier_comes_back_after_its_connection_was_lost(postgres15: Server) -> None:
    """The question that was cut off fails; the next one has a connection of its own."""

    async def run() -> None:
        querier = UpstreamQuerier(at(postgres15))
        with pytest.raises((UpstreamUnavailable, QueryFailed)):
            await querier.query("SELECT pg_terminate_backend(pg_backend_pid())")
        with contextlib.suppress(UpstreamUnavailable):  # the connection may be found gone only now
            await querier.query("SELECT 1")
        assert await querier.query("SELECT 2") == [("2",)]
        await querier.close()

    asyncio.run(run())


def test_a_question_that_takes_too_long_is_given_up(postgres15: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its late answer is not taken for that of the next."""
    monkeypatch.setattr(upstream_connections, "QUESTION_TIMEOUT_SECONDS", 0.3)

    async def run() -> None:
        querier = UpstreamQuerier(at(postgres15))
        with pytest.raises(UpstreamUnavailable, match="in time"):
            await querier.query("SELECT 'late' FROM pg_sleep(2)")
        assert await querier.query("SELECT 'next'") == [("next",)]
        await querier.close()

    asyncio.run(run())


def test_a_question_that_is_given_up_by_its_asker_leaves_no_answer_behind(postgres15: Server) -> None:
    """A cancelled task must not hand its rows to whoever asks next."""

    async def run() -> None:
        querier = UpstreamQuerier(at(postgres15))
        await querier.query("SELECT 1")
        asking = asyncio.create_task(querier.query("SELECT 'late' FROM pg_sleep(0.3)"))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await querier.query("SELECT 'next'") == [("next",)]
        await querier.close()

    asyncio.run(run())


def test_a_querier_closed_while_it_asks_says_so(postgres15: Server) -> None:
    """In our own words, as any connection that is gone."""

    async def run() -> None:
        querier = UpstreamQuerier(at(postgres15))
        await querier.query("SELECT 1")
        asking = asyncio.create_task(querier.query("SELECT pg_sleep(5)"))
        await asyncio.sleep(0.1)
        await querier.close()
        with pytest.raises(UpstreamUnavailable, match="closed the connection"):
            await asking
        assert await querier.query("SELECT 2") == [("2",)]
        await querier.close()

    asyncio.run(run())


def test_a_cancel_reaches_what_runs(postgres15: Server) -> None:
    """With the right key; with a wrong one, or where nobody listens, nothing happens and nobody is told."""

    async def run() -> None:
        upstream = at(postgres15, tls="disable")
        connection = await connect(upstream, SETTINGS)
        connection.write(b"Q" + (4 + 20).to_bytes(4, "big") + b"SELECT pg_sleep(60)\0")
        await asyncio.sleep(0.2)
        await send_cancel(upstream, connection.process_id, b"\0\0\0\0")
        await send_cancel(replace_struct(upstream, port=1), connection.process_id, connection.key)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.next_chunk(), 0.3)
        await send_cancel(upstream, connection.process_id, connection.key)
        async with asyncio.timeout(20):
            answer = b""
            while b"57014" not in answer:
                answer += await connection.next_chunk()
        connection.close()

    asyncio.run(run())
