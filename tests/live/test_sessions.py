"""Sessions from the first byte to the last: signing in, TLS, settings, cancelling, revoking, and every kind of death."""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import ssl
import struct
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import errors

from doorward.control.operators import LOCAL
from doorward.model.identity import PrincipalKind
from tests.live.conftest import Shop

pytestmark = pytest.mark.live


def _refused(shop: Shop, **options: str) -> str:
    """The error that a client gets, and that the log has an entry for it."""
    before = len(shop.doorward.entries("signin.refused"))
    with pytest.raises(psycopg.OperationalError) as caught:
        psycopg.connect(shop.doorward.dsn("alice", **options))
    shop.doorward.wait_for(lambda: len(shop.doorward.entries("signin.refused")) > before)
    return str(caught.value)


def _last_refusal(shop: Shop) -> dict[str, Any]:
    return shop.doorward.entries("signin.refused")[-1]


def test_a_wrong_secret_is_refused_as_postgresql_does_it(shop: Shop) -> None:
    """28P01 in its usual words; the entry says more than the client is told."""
    assert 'password authentication failed for user "alice"' in _refused(shop, password="dwd_wrong")
    assert _last_refusal(shop)["reason"] == "wrong secret"


def test_an_unknown_user_is_refused_in_the_same_words(shop: Shop) -> None:
    """Names that exist can't be told from those that don't."""
    assert 'password authentication failed for user "mallory"' in _refused(shop, user="mallory", password="x")
    assert _last_refusal(shop)["user"] == "mallory"


def test_an_unknown_database_is_refused(shop: Shop) -> None:
    """The database is not one that is protected here; nobody learns more than that the sign-in failed."""
    _refused(shop, dbname="elsewhere")
    assert _last_refusal(shop)["database"] == "elsewhere"


def test_an_expired_secret_is_refused(shop: Shop) -> None:
    """A secret that lived for a blink."""
    minted = shop.doorward.do(shop.doorward.control.office.secrets.mint(LOCAL, "alice", 0.0001))
    time.sleep(0.5)
    assert "password authentication failed" in _refused(shop, password=minted.secret)


def test_a_revoked_agent_is_refused_and_its_sessions_end(shop: Shop) -> None:
    """At once on live sessions, with a reason the client can show; no new ones."""
    name = f"bot-{time.time_ns()}"
    shop.doorward.do(shop.doorward.control.office.principals.add(LOCAL, PrincipalKind.AGENT, name, (), "alice"))
    with shop.doorward.connect(name) as connection:
        connection.execute("SELECT 1")
        shop.doorward.do(shop.doorward.control.office.principals.revoke(LOCAL, name, "it went astray"))
        started = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT pg_sleep(5)")
        assert time.monotonic() - started < 2
    assert "password authentication failed" in _refused(shop, user=name, password=shop.doorward.secrets[name])


def test_who_is_revoked_while_signing_in_gets_no_session(shop: Shop) -> None:
    """The secret was good, the database takes its time to answer, and meanwhile the principal is revoked."""
    control = shop.doorward.control
    real, store = control.settings.upstream, control.office._store
    name = f"bot-{time.time_ns()}"
    shop.doorward.do(control.office.principals.add(LOCAL, PrincipalKind.AGENT, name, (), "alice"))
    dsn = shop.doorward.dsn(name)
    told: list[str] = []
    reached = threading.Event()

    def pass_on(server: socket.socket) -> None:
        accepted, _ = server.accept()
        reached.set()
        with accepted, socket.create_connection((real.host, real.port)) as upstream:
            assert go_on.wait(10)
            while True:
                ready, _, _ = select.select([accepted, upstream], [], [], 5)
                for one, other in ((accepted, upstream), (upstream, accepted)):
                    if one in ready:
                        data = one.recv(65536)
                        if not data:
                            return
                        other.sendall(data)
                if not ready:
                    return

    def sign_in() -> None:
        try:
            with psycopg.connect(dsn) as connection:
                told.append(str(connection.execute("SELECT 'inside'").fetchone()))
        except psycopg.Error as error:
            told.append(str(error))

    go_on = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        slow = msgspec.structs.replace(real, host="127.0.0.1", port=server.getsockname()[1], tls="disable")
        try:
            store.upstreams.put(slow)
            shop.doorward.do(control.office._gateway.configure())
            threads = [threading.Thread(target=pass_on, args=(server,)), threading.Thread(target=sign_in)]
            for thread in threads:
                thread.start()
            assert reached.wait(10)
            shop.doorward.do(control.office.principals.revoke(LOCAL, name, "it went astray"))
            go_on.set()
            for thread in threads:
                thread.join(15)
        finally:
            store.upstreams.put(real)
            shop.doorward.do(control.office._gateway.configure())
    assert "revoked" in told[0]
    assert not [entry for entry in shop.doorward.entries("session.opened") if name in entry["identity"]["chain"]]


def test_a_gateway_may_open_as_many_files_as_the_system_lets_it(shop: Shop) -> None:
    """A session takes two; with the usual soft limit of 1024 the five hundredth would leave the log without one."""
    gateway = json.loads(shop.doorward.data.state.read_text())["gateway_pid"]
    line = next(line for line in Path(f"/proc/{gateway}/limits").read_text().splitlines() if line.startswith("Max open files"))
    soft, hard = line.split()[3:5]
    assert soft == hard


def test_clients_that_vanish_are_noticed(shop: Shop) -> None:
    """The kernel asks after silent clients: the sockets that are accepted have their keepalive timers running."""
    with shop.doorward.connect() as connection:
        with socket.socket(fileno=os.dup(connection.fileno())) as ours:
            ports = f":{shop.doorward.control.port:04X}", f":{ours.getsockname()[1]:04X}"

        def timers() -> list[str]:
            rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
            return [row[5][:2] for row in rows if row[1].endswith(ports[0]) and row[2].endswith(ports[1])]

        # proc(5): local address, remote address, state, queues, timer; 2 is that of keepalive, 1 waits for an acknowledgement.
        shop.doorward.wait_for(lambda: timers() == ["02"])


@pytest.mark.parametrize("mode", ["disable", "require", "verify-full"])
def test_tls_as_the_client_asks_for_it(shop: Shop, mode: str) -> None:
    """In clear on loopback, encrypted, and encrypted with proof of who is there."""
    options = {"sslmode": mode}
    if mode == "verify-full":
        options |= {"sslrootcert": str(shop.doorward.data.certificate), "host": "localhost"}
    with psycopg.connect(shop.doorward.dsn("alice", **options)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert connection.pgconn.ssl_in_use is (mode != "disable")
    opened = [e for e in shop.doorward.entries("session.opened") if e["identity"]["chain"] == "alice"]
    assert opened[-1]["tls"].startswith("TLSv1") is (mode != "disable")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"options": "-c session_replication_role=replica"}, "session_replication_role"),
        ({"options": "-c standard_conforming_strings=off"}, "standard_conforming_strings"),
        ({"client_encoding": "LATIN1"}, "client_encoding"),
        ({"replication": "database"}, "eplication"),
        ({"options": "--unknown"}, "-c name=value"),
    ],
)
def test_dangerous_start_up_settings_are_refused(shop: Shop, options: dict[str, str], told: str) -> None:
    """What would change how statements are read, or what is recorded, is refused with its name."""
    assert told in _refused(shop, **options)


def test_ordinary_start_up_settings_reach_the_server(shop: Shop) -> None:
    """search_path, time zone, application name."""
    settings = {"options": "-c search_path=public -c TimeZone=Asia/Tokyo", "application_name": "shelf"}
    with psycopg.connect(shop.doorward.dsn("alice", **settings)) as c:
        assert c.execute("SHOW TimeZone").fetchone() == ("Asia/Tokyo",)
        assert c.execute("SHOW application_name").fetchone() == ("alice: shelf",)


def test_a_running_statement_is_cancelled(shop: Shop) -> None:
    """By the key that Doorward gave, and by no other."""
    with shop.doorward.connect() as connection:
        threading.Timer(0.5, connection.cancel_safe).start()
        started = time.monotonic()
        with pytest.raises(errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(20)")
        assert time.monotonic() - started < 5
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_wrong_cancel_key_cancels_nothing(shop: Shop) -> None:
    """A guess at another session's key."""
    with shop.doorward.connect() as connection:
        packet = struct.pack(">IIII", 16, 80877102, connection.pgconn.backend_pid, 12345)
        with socket.create_connection(("127.0.0.1", shop.doorward.control.port), timeout=5) as intruder:
            intruder.sendall(packet)
            assert intruder.recv(1) == b""
        assert connection.execute("SELECT 'undisturbed' FROM pg_sleep(0.3)").fetchone() == ("undisturbed",)


def test_a_client_that_dies_mid_statement_leaves_nothing_behind(shop: Shop) -> None:
    """Its statement is cancelled upstream, its session closed, its end recorded."""
    connection = shop.doorward.connect(application_name="dying")

    def sleep() -> None:
        with contextlib.suppress(psycopg.Error):
            connection.execute("SELECT pg_sleep(30)")

    worker = threading.Thread(target=sleep)
    worker.start()
    shop.doorward.wait_for(lambda: shop.truth("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%: dying'"))
    # A number of its own: libpq closes the other one, which may be anybody's by the time this socket is forgotten.
    with socket.socket(fileno=os.dup(connection.fileno())) as ours:
        ours.shutdown(socket.SHUT_RDWR)
    worker.join(10)
    shop.doorward.wait_for(
        lambda: not shop.truth("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '%: dying'")
    )
    intent = next(e for e in shop.doorward.entries("statement.intent") if "pg_sleep(30)" in e["statement"])
    (outcome,) = shop.doorward.outcomes_of(intent)
    assert outcome["status"] == "abandoned"


def test_an_upstream_that_dies_mid_statement_is_told_and_recorded(shop: Shop) -> None:
    """The client gets an error it understands; what became of the statement is not claimed to be known."""
    with shop.doorward.connect(application_name="orphaned") as connection:
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%: orphaned'"
        threading.Timer(0.5, shop.database.execute, (kill,)).start()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT pg_sleep(31)")
        assert connection.broken
    intent = next(e for e in shop.doorward.entries("statement.intent") if "pg_sleep(31)" in e["statement"])
    (outcome,) = shop.doorward.outcomes_of(intent)
    assert outcome["status"] in ("failed", "unknown")


def test_an_upstream_that_is_down_is_told_without_saying_where_it_is(shop: Shop) -> None:
    """The client learns that it is not its fault; address and role are for the log."""
    control = shop.doorward.control
    real = control.settings.upstream
    store = control.office._store
    try:
        store.upstreams.put(msgspec.structs.replace(real, port=1))
        shop.doorward.do(control.office._gateway.configure())
        told = _refused(shop)
    finally:
        store.upstreams.put(real)
        shop.doorward.do(control.office._gateway.configure())
    assert "can't get through to the database" in told
    assert real.user not in told
    assert "Connection refused" in _last_refusal(shop)["reason"]
    with shop.doorward.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\xfc",
        struct.pack(">II", 8, 0x00020000),
        struct.pack(">I", 0xFFFFFFFF),
        struct.pack(">II", 9, 80877103) + b"x",
        b"\0" * 64,
    ],
)
def test_nonsense_ends_the_connection_and_nothing_else(shop: Shop, nonsense: bytes) -> None:
    """What is not the protocol is answered with an error or silence, and closed."""
    with socket.create_connection(("127.0.0.1", shop.doorward.control.port), timeout=5) as client:
        client.sendall(nonsense)
        received = b""
        while chunk := client.recv(4096):
            received += chunk
        assert received[:1] in (b"", b"E")
    with shop.doorward.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_data_sent_before_tls_is_refused(shop: Shop) -> None:
    """Bytes in clear behind SSLRequest must never count as encrypted."""
    with socket.create_connection(("127.0.0.1", shop.doorward.control.port), timeout=5) as client:
        client.sendall(struct.pack(">II", 8, 80877103) + struct.pack(">II", 8, 80877103))
        assert client.recv(1) in (b"E", b"")


def test_an_encrypted_connection_can_not_ask_for_tls_again(shop: Shop) -> None:
    """Once is enough."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", shop.doorward.control.port), timeout=5) as plain:
        plain.sendall(struct.pack(">II", 8, 80877103))
        assert plain.recv(1) == b"S"
        with context.wrap_socket(plain) as secured:
            secured.sendall(struct.pack(">II", 8, 80877103))
            assert secured.recv(1) in (b"E", b"")


def test_a_half_closed_socket_gets_its_answer(shop: Shop) -> None:
    """A client that shuts its sending side mid-handshake is simply gone; the next one is served."""
    with socket.create_connection(("127.0.0.1", shop.doorward.control.port), timeout=5) as client:
        client.sendall(struct.pack(">I", 40))
        client.shutdown(socket.SHUT_WR)
        assert client.recv(16) == b""
    with shop.doorward.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_slow_reader_holds_back_the_upstream_not_the_memory(shop: Shop) -> None:
    """A client that does not read: the gateway's memory stays, and the result is whole in the end."""
    gateway = json.loads(shop.doorward.data.state.read_text())["gateway_pid"]

    def resident_kib() -> int:
        status = Path(f"/proc/{gateway}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))

    with psycopg.connect(shop.doorward.dsn("alice")) as connection:
        connection.pgconn.send_query(b"SELECT repeat('x', 10000) FROM generate_series(1, 20000)")
        before = resident_kib()
        time.sleep(1.5)
        assert resident_kib() - before < 40_000, "two hundred megabytes must not gather in the gateway"
        result = None
        while (found := connection.pgconn.get_result()) is not None:
            result = found
        assert result is not None
        assert result.ntuples == 20_000


def test_the_process_id_is_the_servers_own(shop: Shop) -> None:
    """Drivers hold it against pg_backend_pid() and against notifications."""
    with shop.doorward.connect() as connection:
        assert connection.execute("SELECT pg_backend_pid()").fetchone() == (connection.pgconn.backend_pid,)
