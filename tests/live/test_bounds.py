"""Nothing is buffered without a bound: large results, values, statements and copies, and whoever does not read or write."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import pq

from doorward.control.operators import LOCAL
from doorward.model.identity import PrincipalKind
from doorward.model.upstream import Upstream
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, Server, fresh_database
from tests.live.watching import Held, Watch, watchable
from tests.patience import either

pytestmark = [pytest.mark.live, pytest.mark.timeout(either(120, 900))]

MIB = 1 << 20
RESULT_BYTES = either(300 * MIB, 1024 * MIB)
VALUE_BYTES = either(100 * MIB, 200 * MIB)
STATEMENT_BYTES = either(80 * MIB, 100 * MIB)
COPY_BYTES = either(120 * MIB, 500 * MIB)
ROW_BYTES = 10_000
# What a session may take besides its sockets' buffers: some chunks of what passes, and what the allocator keeps of them.
GROWTH_KIB = 40 << 10
# Longer than Doorward lets whoever does not read linger.
SETTLE_SECONDS = 20.0

SCHEMA = """
CREATE TABLE people (id int PRIMARY KEY, email text, essay text);
INSERT INTO people VALUES (1, 'alice@example.com', 'x');
CREATE TABLE parcels (id int PRIMARY KEY, note text);
ANALYZE;
"""


@dataclass
class Place:
    """A Doorward whose gateway is watched."""

    database: Database
    running: Running
    watch: Watch
    idle: Held | None = None

    def connect(self, name: str = "alice", **options: object) -> psycopg.Connection[object]:
        """An autocommit connection without TLS, which would add buffers of its own."""
        return psycopg.connect(self.running.dsn(name, sslmode="disable"), autocommit=True, **options)  # type: ignore[arg-type]

    @contextlib.contextmanager
    def bounded(self, growth_kib: int = GROWTH_KIB) -> Iterator[None]:
        """The gateway's memory grows by no more than so much inside, not even for a moment."""
        self.watch.forget_peak()
        before = self.watch.resident_kib()
        yield
        grown = self.watch.peak_kib() - before
        assert grown < growth_kib, f"it grew by {grown >> 10} MiB"

    def becomes_idle(self) -> None:
        """The gateway soon holds no more than it held before anybody connected."""
        assert self.idle is not None
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            held = self.watch.held()
            if held.files <= self.idle.files and held.sessions == held.upstream_connections == 0:
                return
            assert time.monotonic() < deadline, held
            time.sleep(0.1)


@pytest.fixture(scope="module")
def place(postgres15: Server) -> Iterator[Place]:
    """With a table that holds protected values and one that doesn't."""
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(fresh_database(postgres15))
        role = database.new_role()
        database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
        with database.connect(role) as owner:
            owner.execute(SCHEMA)
        upstream = Upstream(
            "depot", "postgresql", database.host, database.port, database.name, role.name, role.password, tls="disable"
        )
        tells = stack.enter_context(watchable())
        running = stack.enter_context(running_doorward(upstream))
        made = Place(database, running, Watch(running, tells))
        with made.connect() as connection:
            connection.execute("SELECT 1")
        running.wait_for(lambda: made.watch.held().sessions == 0)
        made.idle = made.watch.held()
        yield made


def read_slowly(connection: psycopg.Connection[object], pause_seconds: float) -> tuple[int, int]:
    """Read the result of what was sent row by row, after a pause at each of three places; rows and bytes."""
    connection.pgconn.set_single_row_mode()
    rows = size = 0
    while (result := connection.pgconn.get_result()) is not None:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise psycopg.DatabaseError(result.error_message.decode())
        if result.ntuples:
            rows += 1
            value = result.get_value(0, result.nfields - 1)
            size += len(value or b"")
        if rows in (1, 1_000, 10_000):
            time.sleep(pause_seconds)
    return rows, size


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("pause_seconds", [0.0, 1.0])
def test_a_large_result_passes_whole_in_little_memory(place: Place, pause_seconds: float, masked: bool) -> None:
    """At full speed and to a reader that pauses, bare and rewritten."""
    count = RESULT_BYTES // ROW_BYTES
    columns = f"{'email' if masked else 'id'}, repeat('x', {ROW_BYTES})"
    with place.connect() as connection, place.bounded():
        connection.pgconn.send_query(f"SELECT {columns} FROM people, generate_series(1, {count})".encode())
        assert read_slowly(connection, pause_seconds) == (count, count * ROW_BYTES)


def test_a_value_too_long_to_be_gathered_passes_in_parts(place: Place) -> None:
    """Nothing of it is masked, so nothing of it needs to be held."""
    with place.connect() as connection:
        for _ in range(2):
            with place.bounded():
                row = connection.execute(f"SELECT length(v), v FROM repeat('x', {VALUE_BYTES}) v").fetchone()
            assert isinstance(row, tuple)
            assert row[0] == len(row[1]) == VALUE_BYTES


def test_a_value_too_long_to_be_masked_is_refused_and_the_session_goes_on(place: Place) -> None:
    """A row with a protected column can't be let out in parts; it is not held either."""
    with place.connect() as connection:
        with place.bounded(), pytest.raises(psycopg.Error) as caught:
            connection.execute(f"SELECT email, repeat('x', {VALUE_BYTES}) FROM people")
        assert caught.value.sqlstate == "54000"
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("extended", [False, True])
def test_a_statement_too_long_to_be_read_is_refused_and_the_session_goes_on(place: Place, extended: bool) -> None:
    """Dropped as it comes."""
    text = b"SELECT '" + b"x" * STATEMENT_BYTES + b"'"
    with place.connect() as connection:
        with place.bounded(), pytest.raises(psycopg.Error) as caught:
            connection.execute(text, prepare=True) if extended else connection.execute(text)
        assert caught.value.sqlstate == "54000"
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_copy_into_a_server_that_waits_holds_back_the_client(place: Place) -> None:
    """The first row waits for another transaction: what comes behind it stays with the client until then."""
    place.database.execute("TRUNCATE parcels")
    line = b"x" * (ROW_BYTES - 8)
    sent = 0

    def copy() -> None:
        nonlocal sent
        with place.connect("nightly-etl") as connection, connection.cursor().copy("COPY parcels FROM STDIN") as copying:
            for number in range(COPY_BYTES // ROW_BYTES):
                copying.write(b"%d\t%s\n" % (number, line))
                sent += ROW_BYTES

    with place.database.connect() as other:
        other.execute("BEGIN")
        other.execute("INSERT INTO parcels VALUES (0, 'mine')")
        with place.bounded():
            client = threading.Thread(target=copy, name="copy")
            client.start()
            time.sleep(1.5)
            assert 0 < sent < COPY_BYTES // 2, "the client is held back"
            other.execute("ROLLBACK")
            client.join(120)
    assert place.database.execute("SELECT count(*) FROM parcels") == [(COPY_BYTES // ROW_BYTES,)]


def _unread(place: Place, name: str = "alice", application: str = "unread") -> psycopg.Connection[object]:
    """A connection whose client asked for much and reads nothing."""
    connection = place.connect(name, application_name=application)
    connection.pgconn.send_query(
        f"SELECT repeat('x', {ROW_BYTES}) FROM generate_series(1, {RESULT_BYTES // ROW_BYTES})".encode()
    )
    time.sleep(0.7)
    return connection


def test_a_client_that_never_reads_holds_little_and_goes_without_trace(place: Place) -> None:
    """Its server is held back; when the client is gone, so is everything."""
    with place.bounded():
        connection = _unread(place)
        connection.close()
    place.becomes_idle()


def test_a_client_that_never_reads_and_is_revoked_holds_nothing(place: Place) -> None:
    """Neither its socket nor what it did not read is kept for who would not read that either."""
    name = f"bot-{time.time_ns()}"
    place.running.do(place.running.control.office.principals.add(LOCAL, PrincipalKind.AGENT, name, (), "alice"))
    with contextlib.closing(_unread(place, name)):
        place.running.do(place.running.control.office.principals.revoke(LOCAL, name, "it went astray"))
        place.becomes_idle()


def test_a_client_that_never_reads_does_not_keep_a_server_that_is_gone_for_longer_than_itself(place: Place) -> None:
    """What the server sent before its end is still the client's to read; with the client goes all of it."""
    with contextlib.closing(_unread(place, application="unread and lost")):
        place.database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%: unread and lost'"
        )
    place.becomes_idle()


def test_a_client_that_closes_its_sending_side_ends_its_session(place: Place) -> None:
    """A half-closed socket: no statement of it is left without an outcome, and nothing of it stays."""
    with contextlib.closing(place.connect(application_name="half closed")) as connection:
        connection.pgconn.send_query(b"SELECT 'half closed' FROM pg_sleep(30)")
        place.running.wait_for(
            lambda: place.database.execute(
                "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE '%: half closed' AND state = 'active'"
            )
        )
        with socket.socket(fileno=os.dup(connection.fileno())) as ours:
            ours.shutdown(socket.SHUT_WR)
            ours.settimeout(10)
            while ours.recv(4096):
                """Until Doorward has closed it too."""
    place.becomes_idle()
    intent = next(e for e in place.running.entries("statement.intent") if "half closed" in e["statement"])
    assert [outcome["status"] for outcome in place.running.outcomes_of(intent)] == ["abandoned"]


def test_strangers_that_send_and_never_end_hold_little(place: Place) -> None:
    """Before anybody has proven who it is: a length that never comes, and much more than anybody needs to send."""
    with place.bounded(), contextlib.ExitStack() as stack:
        for _ in range(20):
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", place.running.control.port), timeout=5))
            stranger.setblocking(False)
            stranger.send(struct.pack(">I", 9_000))
            with contextlib.suppress(OSError):
                for _ in range(64):
                    stranger.send(b"x" * (256 << 10))
                    time.sleep(0.002)
    place.becomes_idle()
