"""Signing in to an upstream by whatever it asks for, in clear and over TLS, against a real server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator

import pytest

from doorward.assembly.certificate import ensure_certificate
from doorward.errors import UpstreamUnavailable
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_connections import UpstreamQuerier
from tests.live.servers import Database, Role, Server, fresh_database

pytestmark = pytest.mark.live

ASK = "SELECT current_user::text, coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)::text"


@contextlib.contextmanager
def _asking_for(server: Server, role: Role, method: str) -> Iterator[None]:
    """The server asks *role* for *method*, until the end."""
    rules = server.directory / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"host all {role.name} 127.0.0.1/32 {method}\n{before}")
    _reload(server)
    try:
        yield
    finally:
        rules.write_text(before)
        _reload(server)


@contextlib.contextmanager
def _with_tls(server: Server) -> Iterator[None]:
    """The server offers TLS with a certificate of its own, until the end."""
    data = server.directory / "data"
    owner = data.stat()
    certificate, key = data / "tls-test.crt", data / "tls-test.key"
    ensure_certificate(certificate, key, "127.0.0.1")
    for path in (certificate, key):
        os.chown(path, owner.st_uid, owner.st_gid)
    with server.connect() as connection:
        connection.execute("ALTER SYSTEM SET ssl_cert_file = 'tls-test.crt'")
        connection.execute("ALTER SYSTEM SET ssl_key_file = 'tls-test.key'")
        connection.execute("ALTER SYSTEM SET ssl = on")
    _reload(server)
    try:
        yield
    finally:
        with server.connect() as connection:
            for name in ("ssl", "ssl_cert_file", "ssl_key_file"):
                connection.execute(f"ALTER SYSTEM RESET {name}".encode())
        _reload(server)


def _reload(server: Server) -> None:
    with server.connect() as connection:
        connection.execute("SELECT pg_reload_conf()")
    time.sleep(0.3)


@pytest.fixture
def database(postgres15: Server) -> Iterator[Database]:
    """A database on Debian's server, which is built with TLS."""
    with fresh_database(postgres15) as made:
        yield made


def _who(database: Database, role: Role, *, tls: str = "prefer", password: str | None = None) -> tuple[str, bool]:
    """Whom the server takes Doorward for, and whether the connection is encrypted."""
    given = role.password if password is None else password
    upstream = Upstream("x", "postgresql", "127.0.0.1", database.port, database.name, role.name, given, tls)

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
        with pytest.raises(UpstreamUnavailable, match="TLS with the upstream"):
            _who(database, role, tls="verify-full")
