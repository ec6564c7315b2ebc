"""Where entries are played: a real server, a Doorward before it, and the fixture as it should be before each entry."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psycopg

from doorward.assembly import control_side
from doorward.assembly.control_side import definition_is_clear
from doorward.catalog.introspection.postgres import MARK_SQL
from doorward.catalog.snapshot import read_snapshot
from doorward.control.operators import LOCAL
from doorward.errors import NotFound
from doorward.model.catalog import Label
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_connections import UpstreamQuerier
from tests.adversarial.client import Client
from tests.live.running import Running, running_doorward
from tests.live.servers import Server

DATABASE = "postgres"
APP_PASSWORD = "app of the fixture"
CLEARED = frozenset({("public.customers", "region"), ("public.v_customers", "region")})
# What the corpus's entries change besides what the mark tells of.
_CONTENTS = (
    "SELECT md5(concat_ws('|', (SELECT string_agg(c::text, ';' ORDER BY id) FROM public.customers c),"
    " (SELECT string_agg(o::text, ';' ORDER BY id) FROM public.orders o),"
    " (SELECT string_agg(v::text, ';' ORDER BY id) FROM public.victim v), (SELECT count(*) FROM pg_roles),"
    " (SELECT string_agg(setconfig::text, ';') FROM pg_db_role_setting), (SELECT count(*) FROM pg_trigger),"
    " (SELECT count(*) FROM pg_extension), (SELECT count(*) FROM pg_largeobject_metadata)))"
)


@dataclass
class Stage:
    """One server behind one Doorward that signs in to it with *role*. Make it by ``staged``."""

    server: Server
    running: Running
    upstream: Upstream
    fixture: str
    files: Path
    admin: psycopg.Connection[Any]
    _querier: UpstreamQuerier = field(init=False)
    _state: tuple[str, str] | None = None
    _kept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._querier = UpstreamQuerier(self.upstream)

    def prepare(self, setup: tuple[str, ...], *, keep: bool = False) -> None:
        """The fixture as it was made, then *setup*, then Doorward's own reading of the catalog. With *keep* all of it stays as
        it is where the one before asked for the same: only for whoever reads.

        Sessions that begin afterwards see that reading: a gateway hears of it on the same wire, before the answer to the
        sign-in. What is still as the last entry found it is left alone.
        """
        if keep and setup and self._kept == setup:
            return
        self._kept = setup if keep else ()
        if setup or self._state is None or self._look() != self._state:
            self._run(self.fixture)
            self._run("SELECT lo_unlink(oid) FROM pg_largeobject_metadata")
            for statement in setup:
                self._run(statement.replace("{files}", str(self.files)))
            self.read_catalog()
            self._state = None if setup else self._look()

    def oid(self, relation: str) -> int:
        """The number of a relation by its qualified name."""
        row = self.admin.execute("SELECT %s::regclass::oid::int8", (relation,)).fetchone()
        assert row is not None
        return int(row[0])

    def _run(self, statement: str) -> None:
        self.admin.execute(statement.encode())

    def _look(self) -> tuple[str, str] | None:
        try:
            return self._value(MARK_SQL), self._value(_CONTENTS)
        except psycopg.Error:
            return None

    def _value(self, sql: str) -> str:
        row = self.admin.execute(sql.encode()).fetchone()
        assert row is not None
        return str(row[0])

    def read_catalog(self, *, anew: bool = True) -> None:
        """Make Doorward read the catalog now. *anew*: the fixture was just made, and somebody judges its columns."""
        for _attempt in range(5):
            # Doorward's own watch may publish an older reading in between.
            with contextlib.suppress(NotFound):
                self.running.do(self._read(anew))
                return
        raise AssertionError("the catalog does not stand still")

    async def _read(self, anew: bool) -> None:
        catalog = self.running.control.office.catalog
        verdicts = catalog.protective_verdicts(self.upstream.name)
        snapshot = await read_snapshot(self._querier, self.upstream.name, verdicts, definition_is_clear)
        await catalog.publish_snapshot(snapshot)
        if not anew:
            return
        # Somebody has said of these that they may be seen: attacks need clear columns to hide behind.
        for relation in snapshot.relations:
            for column in relation.columns:
                if (relation.qualified_name, column.name) in CLEARED and column.label.is_protected:
                    await catalog.decide(LOCAL, self.upstream.name, relation.oid, column.number, Label.NONE)

    def client(self, principal: str, startup: dict[str, str] | None = None) -> Client:
        """A connection through Doorward as *principal*, not yet signed in."""
        secret = self.running.secrets.get(principal) or self.running.secret(principal)
        return Client("127.0.0.1", self.running.control.port, principal, secret, DATABASE, dict(startup or {}))

    def is_true(self, check: str) -> bool:
        """Whether the superuser finds *check* to be true; an error means that it isn't."""
        try:
            row = self.admin.execute(check.replace("{files}", str(self.files)).encode()).fetchone()
            return row is not None and row[0] is True
        except psycopg.Error:
            return False

    def close(self) -> None:
        """End our own connection in the control process's loop."""
        self.running.do(self._querier.close())


@contextlib.contextmanager
def staged(server: Server, role: str, fixture: Path) -> Iterator[Stage]:
    """A Doorward that signs in as *role*: "app" or anything else for the superuser."""
    files = server.directory / "files"
    files.mkdir(exist_ok=True)
    for name in ("secret.txt", "lf.txt"):
        (files / name).write_text("123-45-6789\n")
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres" if _has_account("postgres") else "nobody")
        for path in (files, *files.iterdir()):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    text = fixture.read_text("utf-8")
    admin = server.connect(DATABASE)
    admin.add_notice_handler(lambda _notice: None)
    try:
        admin.execute(text.encode())
        admin.execute(f"ALTER ROLE app PASSWORD '{APP_PASSWORD}'".encode())
        is_app = role == "app"
        upstream = Upstream(
            name="corpus",
            engine="postgresql",
            host=server.host,
            port=server.port,
            database=DATABASE,
            user="app" if is_app else server.user,
            password=APP_PASSWORD if is_app else server.password,
            tls="disable",
        )
        # Doorward's own watch would publish readings of the entry before beside ours: it sleeps, and what would wake it is
        # put where it does not look.
        poll_seconds, control_side.CATALOG_POLL_SECONDS = control_side.CATALOG_POLL_SECONDS, 86_400.0
        with running_doorward(upstream, tls=False) as running:
            running.do(let_sleep(running))
            stage = Stage(server, running, upstream, text, files, admin)
            try:
                yield stage
            finally:
                control_side.CATALOG_POLL_SECONDS = poll_seconds
                stage.close()
    finally:
        admin.close()


class _Unheard(asyncio.Event):
    """Can be set, and wakes nobody."""

    async def wait(self) -> Literal[True]:
        await asyncio.Event().wait()
        return True


async def let_sleep(running: Running) -> None:
    """From now on the stage alone reads the catalog: a reading beside its own could end after it with what was before."""
    before, running.control._touched = running.control._touched, _Unheard()
    before.set()  # whoever waits for it comes round, and waits for the other then
    await asyncio.sleep(0.3)


def _has_account(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
