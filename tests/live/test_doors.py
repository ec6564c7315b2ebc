"""The doors of the wire: how clients get in, over TLS and without, and what happens to who doesn't behave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import hypothesis
import psycopg
import pytest
from hypothesis import strategies as st

from doorward.assembly.certificate import ensure_certificate
from doorward.authentication.scram import ClientExchange
from doorward.model.upstream import Reach, Upstream
from doorward.proxy.admission import Limits
from doorward.proxy.upstream_connections import connect, send_cancel
from doorward.wire.postgres import messages, startup
from doorward.wire.postgres.upstream_side import UpstreamHandshake
from tests.live.running import Running, running_doorward
from tests.live.servers import Database, Server, fresh_database

pytestmark = pytest.mark.live

SECONDS = 3.0
LIMITS = Limits(sessions=8, sessions_of_one=5, signing_in=24, signing_in_from_one=20, sign_in_seconds=SECONDS)
SSL_REQUEST = messages.SSL_REQUEST


@pytest.fixture(scope="module")
def scene(postgres15: Server) -> Iterator[tuple[Database, Running]]:
    with fresh_database(postgres15) as made:
        upstream = Upstream("shop", "postgresql", made.host, made.port, made.name, made.user, made.password, "disable")
        with running_doorward(upstream, limits=LIMITS) as running:
            for name in ("alice", "bob", "nightly-etl"):
                running.secret(name)
            yield made, running


@pytest.fixture
def running(scene: tuple[Database, Running]) -> Running:
    return scene[1]


def proven_by(running: Running) -> str:
    """How the last session's identity was proven, and over which TLS."""
    entry = running.entries("session.opened")[-1]
    return f"{entry['identity']['proven_by']} {entry['tls'].partition(' ')[0]}".strip()


# --- clients ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"sslmode": "disable"}, "scram-sha-256"),
        ({"sslmode": "require"}, "scram-sha-256-plus TLSv1.3"),
        ({"sslmode": "require", "channel_binding": "require"}, "scram-sha-256-plus TLSv1.3"),
        ({"sslmode": "require", "channel_binding": "disable"}, "scram-sha-256 TLSv1.3"),
        ({"sslmode": "require", "ssl_max_protocol_version": "TLSv1.2"}, "scram-sha-256-plus TLSv1.2"),
        ({"sslmode": "require", "sslnegotiation": "direct"}, "scram-sha-256-plus TLSv1.3"),
        (
            {"sslmode": "require", "sslnegotiation": "direct", "ssl_max_protocol_version": "TLSv1.2"},
            "scram-sha-256-plus TLSv1.2",
        ),
        ({"sslmode": "prefer", "gssencmode": "prefer"}, "scram-sha-256-plus TLSv1.3"),
        ({"sslmode": "require", "max_protocol_version": "3.2", "min_protocol_version": "3.2"}, "scram-sha-256-plus TLSv1.3"),
        ({"sslmode": "disable", "max_protocol_version": "latest"}, "scram-sha-256"),
    ],
)
def test_libpq_gets_in_by_every_way_that_it_has(running: Running, options: dict[str, str], expected: str) -> None:
    """The newest libpq, whose words these are."""
    with running.connect(**options) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert proven_by(running) == expected


def test_verify_full_trusts_the_certificate_that_was_made(running: Running) -> None:
    """With the file that the data directory holds."""
    root = str(running.data.certificate)
    with running.connect(sslmode="verify-full", sslrootcert=root, sslnegotiation="direct") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("options", ["sslmode=require channel_binding=require", "sslmode=disable", "sslmode=prefer"])
def test_the_psql_of_older_servers_gets_in(scene: tuple[Database, Running], options: str) -> None:
    """libpq 15."""
    made, running = scene
    command = [str(made.server.binaries / "psql"), "-AXtc", "SELECT 1", f"{running.dsn('alice')} {options}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.stdout.strip() == "1", ended.stderr
    assert proven_by(running).startswith("scram-sha-256-plus" if "disable" not in options else "scram-sha-256")


def test_the_newest_psql_gets_in(running: Running, postgres18: Server) -> None:
    """libpq 18, with the newest protocol; the wheel's has no TLS."""
    options = f"{running.dsn('alice')} max_protocol_version=latest"
    command = [str(postgres18.binaries / "psql"), "-AXtc", "SELECT 1", options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert ended.stdout.strip() == "1", ended.stderr


@pytest.mark.parametrize("direct", [False, True])
def test_asyncpg_gets_in_over_tls(running: Running, direct: bool) -> None:
    """Which knows no channel binding, and may begin with TLS."""

    async def ask() -> object:
        context = ssl.create_default_context(cafile=str(running.data.certificate))
        secret = running.secrets["alice"]
        address = f"postgresql://alice:{secret}@127.0.0.1:{running.control.port}/{running.database}"
        connection = await asyncpg.connect(address, ssl=context, direct_tls=direct)
        try:
            return await connection.fetchval("SELECT 1")
        finally:
            await connection.close()

    if direct:
        # It names no protocol inside TLS, which PostgreSQL asks for as well.
        with pytest.raises((OSError, asyncpg.PostgresError), match=r"ALPN|closed"):
            asyncio.run(ask())
    else:
        assert asyncio.run(ask()) == 1
        assert proven_by(running) == "scram-sha-256 TLSv1.3"


# --- a client of our own ------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def raw(running: Running) -> Iterator[socket.socket]:
    """A connection on which nothing was said yet."""
    with socket.create_connection(("127.0.0.1", running.control.port), timeout=15) as sock:
        yield sock


def sign_in(running: Running, sock: socket.socket, name: str = "alice", minor: int = 0) -> UpstreamHandshake:
    """Sign in on *sock* as *name*; what the handshake brought."""
    secret = running.secrets[name]
    secure = isinstance(sock, ssl.SSLSocket)
    handshake = UpstreamHandshake(
        name, secret, ClientExchange(name, secret, "n" * 20, is_encrypted=secure), secure=secure, minor=minor
    )
    sock.sendall(handshake.start(name, running.database, {}))
    while not handshake.done:
        data = sock.recv(65536)
        assert data, "the connection was closed"
        sock.sendall(handshake.receive(data))
    return handshake


def until_closed(sock: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := sock.recv(65536):
            received += data
    return received


def error_in(received: bytes) -> messages.Fields:
    """The one error in what was *received*."""
    at = received.index(b"SFATAL\0")
    return messages.read_fields(received[at : at + int.from_bytes(received[at - 4 : at], "big")])


def tls_client(protocols: tuple[str, ...] = ("postgresql",)) -> ssl.SSLContext:
    """TLS that believes anybody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


# --- cancelling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.0", "3.2"])
@pytest.mark.parametrize("sslmode", ["disable", "require"])
def test_a_client_cancels_what_it_runs(running: Running, version: str, sslmode: str) -> None:
    """By a connection that is as encrypted as its own."""
    with running.connect(max_protocol_version=version, min_protocol_version=version, sslmode=sslmode) as connection:
        threading.Timer(0.3, connection.cancel_safe).start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(20)")
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(("minor", "length"), [(0, 4), (1, 4), (2, 32), (9999, 32)])
def test_keys_are_as_long_as_the_protocol_allows(running: Running, minor: int, length: int) -> None:
    """And never longer than what the client can keep."""
    with raw(running) as sock:
        assert len(sign_in(running, sock, minor=minor).key) == length


def test_only_the_session_with_the_key_is_cancelled(running: Running) -> None:
    """A key of its own that is cut, longer, or another's cancels nothing."""
    with raw(running) as first, raw(running) as second:
        mine, other = sign_in(running, first, minor=2), sign_in(running, second, "bob", minor=2)
        first.sendall(messages.query("SELECT pg_sleep(0.8)"))
        for process_id, key in (
            (mine.process_id, mine.key[:4]),
            (mine.process_id, mine.key + b"\0"),
            (mine.process_id, other.key),
            (other.process_id, mine.key),
            (mine.process_id ^ 1, mine.key),
        ):
            with raw(running) as sock:
                sock.sendall(startup.cancel_packet(process_id, key))
                assert until_closed(sock) == b""
        answer = b""
        while not answer.endswith(messages.ready_for_query(b"I")):
            answer += first.recv(65536)
        assert b"57014" not in answer


# --- Doorward as a client -----------------------------------------------------------------------------------------------


def test_doorward_gets_in_at_a_doorward_by_all_that_is_new(running: Running) -> None:
    """Direct TLS, the authority checked, bound to the channel, protocol 3.2 with its long key, which cancels."""

    async def run() -> None:
        reach = Reach(
            sslrootcert=str(running.data.certificate),
            sslnegotiation="direct",
            channel_binding="require",
            max_protocol_version="latest",
        )
        secret, port = running.secrets["alice"], running.control.port
        upstream = Upstream("x", "postgresql", "127.0.0.1", port, running.database, "alice", secret, "verify-full", reach=reach)
        connection = await connect(upstream, {})
        assert len(connection.key) == 32
        connection.write(messages.query("SELECT pg_sleep(20)"))
        await asyncio.sleep(0.3)
        await send_cancel(upstream, connection.process_id, connection.key)
        async with asyncio.timeout(10):
            assert b"57014" in await connection.next_chunk()
        connection.close()

    asyncio.run(run())
    assert proven_by(running) == "scram-sha-256-plus TLSv1.3"


# --- TLS ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocols", [(), ("http/1.1",), ("h2", "http/1.1")])
def test_tls_without_asking_must_name_the_protocol(running: Running, protocols: tuple[str, ...]) -> None:
    """What leads a browser here gets one clear error, inside TLS."""
    with raw(running) as plain, tls_client(protocols).wrap_socket(plain) as sock:
        told = error_in(until_closed(sock))
        assert told.get("C") == "08P01"
        assert "ALPN" in told.get("M")


def test_tls_may_be_asked_for_without_naming_the_protocol(running: Running) -> None:
    """Older clients don't, and said what they speak by asking."""
    with raw(running) as plain:
        plain.sendall(SSL_REQUEST)
        assert plain.recv(1) == b"S"
        with tls_client(()).wrap_socket(plain) as sock:
            sign_in(running, sock)


def test_a_hello_in_small_pieces_is_one(running: Running) -> None:
    """Direct TLS, each byte of it in a packet of its own."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = tls_client().wrap_bio(incoming, outgoing)
    with raw(running) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    sock.sendall(bytes([byte]))
                incoming.write(sock.recv(65536))
        assert tls.selected_alpn_protocol() == "postgresql"


@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_what_is_sent_in_clear_before_tls_is_never_taken_for_encrypted(running: Running, pause: float) -> None:
    """CVE-2021-23214: a start-up packet slipped in behind the request, in the same packet or a little later."""
    slipped = UpstreamHandshake("mallory", "", None, secure=False).start("mallory", "shop", {})
    with raw(running) as sock:
        if pause:
            sock.sendall(SSL_REQUEST)
            time.sleep(pause)
            sock.sendall(slipped)
        else:
            sock.sendall(SSL_REQUEST + slipped)
        sock.settimeout(SECONDS + 5)
        received = until_closed(sock)
    assert b"SCRAM" not in received
    assert b"mallory" not in received


def test_a_new_certificate_is_shown_to_new_clients(running: Running) -> None:
    """Put in place of the old one; a broken one changes nothing; SIGHUP reads at once; sessions go on."""
    certificate, key = running.data.certificate, running.data.private_key
    before = [certificate.read_bytes(), key.read_bytes()]
    gateway = json.loads(running.data.state.read_text())["gateway_pid"]
    try:
        with running.connect(sslmode="require") as connection:
            first = shown(running)
            certificate.write_text("no certificate")
            assert shown(running) == first
            for path in (certificate, key):
                path.unlink()
            assert shown(running) == first
            os.kill(gateway, signal.SIGHUP)
            assert shown(running) == first
            ensure_certificate(certificate, key, "127.0.0.1")
            second = shown(running)
            assert second != first
            with running.connect(sslmode="verify-full", sslrootcert=str(certificate), channel_binding="require") as fresh:
                assert fresh.execute("SELECT 1").fetchone() == (1,)
            os.kill(gateway, signal.SIGHUP)
            assert shown(running) == second
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        certificate.write_bytes(before[0])
        key.write_bytes(before[1])


def shown(running: Running) -> bytes:
    """The certificate that a new client sees."""
    with raw(running) as plain, tls_client().wrap_socket(plain) as sock:
        seen = sock.getpeercert(binary_form=True)
        assert seen is not None
        return seen


# --- limits -------------------------------------------------------------------------------------------------------------


def test_one_principal_leaves_room_for_others_and_all_have_an_end(running: Running) -> None:
    """53300 with a remedy, over TLS too; who leaves makes room."""
    with contextlib.ExitStack() as stack:
        for _one in range(LIMITS.sessions_of_one):
            stack.enter_context(running.connect("alice"))
        for sslmode in ("require", "disable"):
            with pytest.raises(psycopg.OperationalError, match=f"You have {LIMITS.sessions_of_one} sessions"):
                running.connect("alice", sslmode=sslmode)
        for _one in range(LIMITS.sessions - LIMITS.sessions_of_one):
            stack.enter_context(running.connect("bob"))
        with pytest.raises(psycopg.OperationalError, match=f"There are {LIMITS.sessions} sessions"):
            running.connect("nightly-etl", sslmode="require")
        reasons = [entry["reason"] for entry in running.entries("signin.refused")[-3:]]
        assert [reason.split()[0] for reason in reasons] == ["You", "You", "There"]
    running.wait_for(lambda: connects(running))


def connects(running: Running, **options: str) -> bool:
    """Whether alice gets in."""
    try:
        running.connect("alice", **options).close()
    except psycopg.OperationalError:
        return False
    return True


def test_strangers_never_take_the_room_of_sessions(running: Running) -> None:
    """One address has so many that are about to sign in, all together some more; the rest is told so at once."""
    with running.connect("bob") as session, contextlib.ExitStack() as stack:
        strangers = [stack.enter_context(raw(running)) for _one in range(LIMITS.signing_in_from_one)]
        with raw(running) as sock:
            told = error_in(until_closed(sock))
        assert told.get("C") == "53300"
        assert "this address" in told.get("M")
        assert session.execute("SELECT 1").fetchone() == (1,)
        for other in range(LIMITS.signing_in - LIMITS.signing_in_from_one):
            strangers.append(stack.enter_context(raw_from(running, f"127.0.0.{other + 2}")))
        with raw_from(running, "127.0.0.99") as sock:
            told = error_in(until_closed(sock))
        assert told.get("C") == "53300"
        assert "Too many connections are signing in" in told.get("M")
        strangers[0].close()
        running.wait_for(lambda: connects(running))
        stack.enter_context(raw(running))
        with pytest.raises(psycopg.OperationalError, match="signing in"):
            running.connect("alice", sslmode="disable")


def raw_from(running: Running, address: str) -> socket.socket:
    """A connection from one of this machine's own addresses."""
    return socket.create_connection(("127.0.0.1", running.control.port), timeout=15, source_address=(address, 0))


# --- deadlines ----------------------------------------------------------------------------------------------------------

STARTUP = UpstreamHandshake("alice", "", None, secure=False).start("alice", "shop", {"application_name": "x" * 400})


def test_who_trickles_is_told_to_hurry_and_then_cut(running: Running) -> None:
    """Nothing, a start-up packet, a request for TLS or a ClientHello, a byte at a time: there is one deadline for all."""
    streams = [b"", STARTUP, SSL_REQUEST, b"\x16\x03\x01\x02\x00" + bytes(300)]
    begun = time.monotonic()
    with ThreadPoolExecutor(len(streams)) as threads:
        answers = list(threads.map(lambda stream: trickle(running, stream), streams))
    assert time.monotonic() - begun < SECONDS + 2
    for answer in answers[:2]:
        assert "took too long" in error_in(answer).get("M")


def trickle(running: Running, stream: bytes) -> bytes:
    """What comes back until the connection is closed, while *stream* goes out a byte at a time, and then nothing."""
    received = b""
    with raw(running) as sock, contextlib.suppress(ConnectionError):
        sock.settimeout(0.05)
        while True:
            sock.sendall(stream[:1])
            stream = stream[1:]
            try:
                data = sock.recv(4096)
            except TimeoutError:
                continue
            if not data:
                break
            received += data
    return received


@pytest.mark.parametrize("steps", range(6))
@pytest.mark.parametrize("end", ["half", "reset", "close"])
def test_sockets_that_end_half_way_leave_nothing(running: Running, steps: int, end: str) -> None:
    """In each state of signing in: the gateway has no more files open than before."""
    gateway = json.loads(running.data.state.read_text())["gateway_pid"]

    def open_files() -> int:
        return len(os.listdir(f"/proc/{gateway}/fd"))

    running.wait_for(lambda: open_files() == settled(open_files))
    before = open_files()
    with raw(running) as sock:
        advance(running, sock, steps)
        if end == "half":
            sock.shutdown(socket.SHUT_WR)
            until_closed(sock)
        elif end == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    running.wait_for(lambda: open_files() <= before)


def settled(count: Callable[[], int]) -> int:
    """*count* a moment later."""
    time.sleep(0.1)
    return count()


def advance(running: Running, sock: socket.socket, steps: int) -> None:
    """Nothing, half a packet, TLS asked for, a hello in TLS, a start-up packet, the first proof."""
    handshake = UpstreamHandshake("alice", "x", ClientExchange("alice", "x", "n" * 20), secure=False)
    packet = handshake.start("alice", running.database, {})
    if steps == 1:
        sock.sendall(packet[:10])
    elif steps == 2:
        sock.sendall(SSL_REQUEST)
        assert sock.recv(1) == b"S"
    elif steps == 3:
        sock.sendall(SSL_REQUEST)
        assert sock.recv(1) == b"S"
        sock.sendall(b"\x16\x03\x01\x02\x00\x01")
    elif steps >= 4:
        sock.sendall(packet)
        answer = handshake.receive(sock.recv(4096))
        if steps == 5:
            sock.sendall(answer)
            sock.recv(4096)


# --- anything at all ----------------------------------------------------------------------------------------------------

PIECES = [
    SSL_REQUEST, struct.pack(">II", 8, startup.GSS_REQUEST_CODE), STARTUP, STARTUP[:-1], startup.cancel_packet(1, b"1234"),
    startup.cancel_packet(1, bytes(300)), struct.pack(">II", 10_000, 3 << 16) + bytes(9_992), struct.pack(">I", 0x7FFFFFFF),
    struct.pack(">II", 8, 80877105), messages.message(b"p", b"SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=abcdefghijklmnopqrstuvw"),
    messages.message(b"p", b"SCRAM-SHA-256-PLUS\0\xff\xff\xff\xff"), messages.message(b"p", b"c=biws,r=abcdefgh,p=x"),
    messages.query("SELECT 1"), b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\0" * 9, bytes(70_000),
]  # fmt: skip


@hypothesis.settings(max_examples=100, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=40), max_size=6).map(b"".join),
    st.lists(st.integers(1, 400), max_size=6),
    st.booleans(),
)
def test_any_bytes_at_all_end_in_an_answer_an_error_or_a_close(
    running: Running, stream: bytes, cuts: list[int], in_tls: bool
) -> None:
    """Cut anywhere, in clear or in TLS: no failure of ours, no waiting beyond the deadline."""
    with raw(running) as plain:
        sock = tls_client().wrap_socket(plain) if in_tls else plain
        received = b""
        with contextlib.suppress(OSError):
            for cut in cuts:
                sock.sendall(stream[:cut])
                stream = stream[cut:]
            sock.sendall(stream)
            if not in_tls:
                sock.shutdown(socket.SHUT_WR)
            else:
                sock.settimeout(0.1)
            received = until_closed(sock)
    for code in (b"CXX000", b"Doorward failed"):
        assert code not in received
    assert not received or received[:1] in b"SNERv\x15\x16", received


def test_floods_before_signing_in_take_no_memory(running: Running) -> None:
    """Each connection holds at most a small buffer, whatever it sends and however it goes on."""
    gateway = json.loads(running.data.state.read_text())["gateway_pid"]

    def resident_kib() -> int:
        status = Path(f"/proc/{gateway}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    before = resident_kib()
    with contextlib.ExitStack() as stack:
        for _one in range(LIMITS.signing_in_from_one - 2):
            sock = stack.enter_context(raw(running))
            sock.sendall(STARTUP)
            sock.recv(4096)
            sock.settimeout(0.2)
            with contextlib.suppress(OSError):
                for _more in range(40):
                    sock.sendall(messages.message(b"p", b"SCRAM-SHA-256\0\0\0\0\x20n,,n=,r=abcdefghijklmnopqrstuvw"))
                    sock.sendall(bytes(1 << 20))
        assert resident_kib() - before < 24 << 10
