"""Signing in to an upstream by whatever it asks for, in clear and over TLS, against a real server."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from doorward.assembly.certificate import ensure_certificate
from doorward.errors import UpstreamUnavailable
from doorward.model.upstream import Reach, Upstream
from doorward.proxy.upstream_connections import UpstreamQuerier, connect, send_cancel
from doorward.wire.postgres import messages
from tests.live.servers import Database, Role, Server, fresh_database

pytestmark = pytest.mark.live

ASK = "SELECT current_user::text, coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)::text"


@contextlib.contextmanager
def _asking_for(server: Server, role: Role, method: str, where: str = "host") -> Iterator[None]:
    """The server asks *role* for *method*, until the end."""
    rules = server.directory / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"{where} all {role.name} 127.0.0.1/32 {method}\n{before}")
    _reload(server)
    try:
        yield
    finally:
        rules.write_text(before)
        _reload(server)


@contextlib.contextmanager
def _with_tls(server: Server, clients: Path | None = None) -> Iterator[Path]:
    """The server offers TLS with a certificate of its own, which is given, and trusts that of *clients*, until the end."""
    data = server.directory / "data"
    owner = data.stat()
    certificate, key = data / "tls-test.crt", data / "tls-test.key"
    ensure_certificate(certificate, key, "127.0.0.1")
    authorities = data / "tls-test-clients.crt"
    authorities.write_bytes(clients.read_bytes() if clients else certificate.read_bytes())
    for path in (certificate, key, authorities):
        os.chown(path, owner.st_uid, owner.st_gid)
    with server.connect() as connection:
        connection.execute("ALTER SYSTEM SET ssl_cert_file = 'tls-test.crt'")
        connection.execute("ALTER SYSTEM SET ssl_key_file = 'tls-test.key'")
        connection.execute("ALTER SYSTEM SET ssl_ca_file = 'tls-test-clients.crt'")
        connection.execute("ALTER SYSTEM SET ssl = on")
    _reload(server)
    try:
        yield certificate
    finally:
        with server.connect() as connection:
            for name in ("ssl", "ssl_cert_file", "ssl_key_file", "ssl_ca_file"):
                connection.execute(f"ALTER SYSTEM RESET {name}".encode())
        _reload(server)


def _own_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for *name*, and its key."""
    folder.mkdir()
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    made = folder / "client.crt", folder / "client.key"
    made[0].write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    made[1].write_bytes(key.private_bytes(*pem))
    made[1].chmod(0o600)
    return made


def _reload(server: Server) -> None:
    """Let *server* read its files again; done once a new connection goes by them."""
    with server.connect() as connection:
        before = connection.execute("SELECT clock_timestamp(), pg_reload_conf()").fetchone()
    assert before is not None
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with server.connect() as connection:
            if connection.execute("SELECT pg_conf_load_time() >= %s", before[:1]).fetchone() == (True,):
                return
        time.sleep(0.02)
    raise TimeoutError("the server did not read its files again")


@pytest.fixture
def database(postgres15: Server) -> Iterator[Database]:
    """A database on Debian's server, which is built with TLS."""
    with fresh_database(postgres15) as made:
        yield made


def _who(
    database: Database,
    role: Role,
    *,
    tls: str = "prefer",
    password: str | None = None,
    host: str = "127.0.0.1",
    reach: Reach | None = None,
) -> tuple[str, bool]:
    """Whom the server takes Doorward for, and whether the connection is encrypted."""
    given = role.password if password is None else password
    at = host, database.port, database.name, role.name, given
    upstream = Upstream("x", "postgresql", *at, tls, reach=reach or Reach())

    async def ask() -> tuple[str, bool]:
        querier = UpstreamQuerier(upstream)
        try:
            ((user, encrypted),) = await querier.query(ASK)
            return str(user), encrypted == "true"
        finally:
            await querier.close()

    return asyncio.run(ask())


@pytest.mark.parametrize("method", ["trust", "scram-sha-256", "md5"])
def test_it_signs_in_by_what_is_asked_for(database: Database, method: str) -> None:
    """Without TLS, where the server has none."""
    role = database.new_role()
    if method == "md5":
        database.execute(f"SET password_encryption = 'md5'; ALTER ROLE {role.name} PASSWORD '{role.password}'")
    with _asking_for(database.server, role, method):
        assert _who(database, role) == (role.name, False)
        if method != "trust":
            with pytest.raises(UpstreamUnavailable, match="password authentication failed"):
                _who(database, role, password="not it")


def test_a_password_in_clear_goes_over_tls_alone(database: Database) -> None:
    """Asked for it on an open line, Doorward refuses and says what to do; encrypted, it signs in."""
    role = database.new_role()
    with _asking_for(database.server, role, "password"):
        with pytest.raises(UpstreamUnavailable, match="it was not sent"):
            _who(database, role)
        with _with_tls(database.server):
            assert _who(database, role, tls="require") == (role.name, True)


def test_tls_is_taken_when_offered_and_demanded_when_asked_for(database: Database) -> None:
    """prefer takes it, disable does not, require needs it, verify-full needs a certificate that proves itself."""
    role = database.new_role()
    with pytest.raises(UpstreamUnavailable, match="has no TLS"):
        _who(database, role, tls="require")
    with _with_tls(database.server):
        assert _who(database, role, tls="prefer") == (role.name, True)
        assert _who(database, role, tls="require") == (role.name, True)
        assert _who(database, role, tls="disable") == (role.name, False)
        with pytest.raises(UpstreamUnavailable, match="TLS with the upstream") as raised:
            _who(database, role, tls="verify-full")
        assert "sslrootcert" in raised.value.remedy


@pytest.mark.parametrize(
    ("host", "mode", "failure"),
    [
        ("localhost", "verify-full", ""),
        ("127.0.0.1", "verify-full", ""),
        ("db.internal", "verify-ca", ""),
        ("db.internal", "require", ""),
        ("db.internal", "verify-full", "another name"),
        ("10.0.0.5", "verify-full", "another address"),
    ],
)
def test_an_authority_and_a_name_are_checked(database: Database, tmp_path: Path, host: str, mode: str, failure: str) -> None:
    """By the name that was meant, wherever it is reached; another authority is never good."""
    role = database.new_role()
    other = tmp_path / "other.crt", tmp_path / "other.key"
    ensure_certificate(*other, "127.0.0.1")
    with _with_tls(database.server) as root:
        reach = Reach(hostaddr="127.0.0.1", sslrootcert=str(root), channel_binding="require")
        if failure:
            with pytest.raises(UpstreamUnavailable) as raised:
                _who(database, role, tls=mode, host=host, reach=reach)
            assert failure in raised.value.remedy
        else:
            assert _who(database, role, tls=mode, host=host, reach=reach) == (role.name, True)
        with pytest.raises(UpstreamUnavailable, match="not accepted"):
            _who(database, role, tls=mode, host=host, reach=Reach(hostaddr="127.0.0.1", sslrootcert=str(other[0])))


def test_a_certificate_of_its_own_signs_it_in(database: Database, tmp_path: Path) -> None:
    """pg_hba's cert, without a password; without the certificate, or with one that is not trusted, the cause is told."""
    role = database.new_role()
    (mine, key), stranger = _own_certificate(tmp_path / "a", role.name), _own_certificate(tmp_path / "b", role.name)
    with _with_tls(database.server, clients=mine) as root, _asking_for(database.server, role, "cert", "hostssl"):
        reach = Reach(sslrootcert=str(root), sslcert=str(mine), sslkey=str(key))
        assert _who(database, role, tls="verify-full", password="", reach=reach) == (role.name, True)
        with pytest.raises(UpstreamUnavailable, match="certificate"):
            _who(database, role, tls="verify-full", password="", reach=Reach(sslrootcert=str(root)))
        theirs = Reach(sslrootcert=str(root), sslcert=str(stranger[0]), sslkey=str(stranger[1]))
        with pytest.raises(UpstreamUnavailable, match="TLS with the upstream") as raised:
            _who(database, role, tls="verify-full", password="", reach=theirs)
        assert "sslcert" in raised.value.remedy


@pytest.mark.parametrize(("wish", "method", "is_in"), [
    ("require", "scram-sha-256", True), ("prefer", "scram-sha-256", True), ("disable", "scram-sha-256", True),
    ("require", "password", False), ("require", "trust", False), ("prefer", "password", True), ("disable", "trust", True),
])  # fmt: skip
def test_channel_binding_is_done_or_refused_as_asked(database: Database, wish: str, method: str, is_in: bool) -> None:
    """With require, no other way in is taken and no password leaves."""
    role = database.new_role()
    with _with_tls(database.server), _asking_for(database.server, role, method):
        reach = Reach(channel_binding=wish)
        if is_in:
            assert _who(database, role, tls="require", reach=reach) == (role.name, True)
        else:
            with pytest.raises(UpstreamUnavailable, match="channel_binding=require"):
                _who(database, role, tls="require", reach=reach)


def test_a_role_whose_password_took_many_rounds_holds_up_nobody(postgres18: Server) -> None:
    """Other sessions go on while the first sign-in does the rounds (scram_iterations, from PostgreSQL 16)."""

    async def run(upstream: Upstream) -> tuple[float, float]:
        beats = [time.monotonic()]

        async def beat() -> None:
            while True:
                await asyncio.sleep(0.002)
                beats.append(time.monotonic())

        beating = asyncio.create_task(beat())
        await asyncio.sleep(0.01)
        begun = time.monotonic()
        connections = await asyncio.gather(*(connect(upstream, {}) for _each in range(4)))
        spent = time.monotonic() - begun
        beating.cancel()
        for connection in connections:
            connection.close()
        return spent, max(later - earlier for earlier, later in itertools.pairwise(beats))

    with fresh_database(postgres18) as database:
        role = database.new_role()
        database.execute(f"SET scram_iterations = 300000; ALTER ROLE {role.name} PASSWORD '{role.password}'")
        at = database.host, database.port, database.name, role.name, role.password
        spent, longest = asyncio.run(run(Upstream("x", "postgresql", *at, "disable")))
    assert longest < spent / 2


@pytest.mark.parametrize(("version", "asked", "length"), [(15, "3.0", 4), (15, "3.2", 4), (18, "3.0", 4), (18, "latest", 32)])
def test_the_upstreams_key_is_kept_and_cancels(request: pytest.FixtureRequest, version: int, asked: str, length: int) -> None:
    """Long where the server speaks 3.2, four bytes where it does not know it."""
    server: Server = request.getfixturevalue(f"postgres{version}")

    async def run() -> None:
        at = server.host, server.port, "postgres", server.user, server.password
        upstream = Upstream("x", "postgresql", *at, "disable", reach=Reach(max_protocol_version=asked))
        connection = await connect(upstream, {})
        assert len(connection.key) == length
        connection.write(messages.query("SELECT pg_sleep(20)"))
        await asyncio.sleep(0.2)
        await send_cancel(upstream, connection.process_id, connection.key)
        async with asyncio.timeout(10):
            assert b"57014" in await connection.next_chunk()
        connection.close()

    asyncio.run(run())
