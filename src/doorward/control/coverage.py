"""Coverage: the database's own list of sessions, compared with those that came through Doorward."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from doorward.control.changes import Changes
from doorward.control.operators import Operator
from doorward.control.projection.finding import Finder
from doorward.errors import DoorwardError, IndexUnavailable
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_connections import UpstreamQuerier, own_process_ids
from doorward.store.repositories import Store

# The database's clock and a gateway's differ; a process that Doorward used was started before the session in it was recorded.
SKEW_US = 60_000_000
# A session is in the index some time after it was opened: whoever is not known at once is looked for again.
PATIENCE_SECONDS = 6.0
PAUSE_SECONDS = 0.5

# Without the right to read all statistics a role sees of others' sessions only that they are there: no kind, no address.
_SESSIONS = """SELECT pid, usename, coalesce(application_name, ''), coalesce(client_addr::text, ''),
        coalesce((extract(epoch FROM backend_start) * 1000000)::bigint, 0)
    FROM pg_catalog.pg_stat_activity
    WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid() AND usename IS NOT NULL
        AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')"""
_STATEMENTS = """SELECT r.rolname, sum(s.calls) FROM pg_stat_statements s JOIN pg_catalog.pg_roles r ON r.oid = s.userid
    WHERE s.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
        AND r.rolname <> current_user GROUP BY r.rolname"""


@dataclass(frozen=True, slots=True)
class Beside:
    """A session, or statements of a role, that did not come through Doorward. *pid* is 0 for the latter."""

    pid: int
    user: str
    application: str
    client: str
    since_us: int
    told: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison: *sessions* there were, *own* are Doorward's own questions, *beside* came past it.

    *statistics* says whether pg_stat_statements could be asked as well.
    """

    upstream: str
    at_us: int
    sessions: int
    own: int
    beside: tuple[Beside, ...]
    statistics: str

    @property
    def told(self) -> str:
        """The outcome in words, with names of roles and processes and nothing of what they ran."""
        if not self.beside:
            return "every session came through Doorward"
        return "beside Doorward: " + "; ".join(one.told for one in self.beside)[:1_000]


class Coverage:
    """Compares on demand, and records each comparison."""

    def __init__(self, store: Store, changes: Changes, index: Finder | None, now: Callable[[], int]) -> None:
        self._store = store
        self._changes = changes
        self._index = index
        self._now = now
        self._calls: dict[str, dict[str, int]] = {}  # upstream -> role -> calls, as of the last comparison

    async def compare(self, by: Operator) -> tuple[Compared, ...]:
        """Compare every upstream, and put the outcome in the log.

        Raises NotPermitted, UpstreamUnavailable, IndexUnavailable; what could not be compared is not recorded as compared.
        """
        by.require_administration()
        found = []
        for upstream in self._store.upstreams.all():
            compared = await self._compare(upstream)
            await self._changes.record(
                by,
                "coverage.checked",
                upstream.name,
                sessions=str(compared.sessions),
                beside=str(len(compared.beside)),
                statistics=compared.statistics,
                told=compared.told,
            )
            found.append(compared)
        return tuple(found)

    async def _compare(self, upstream: Upstream) -> Compared:
        querier = UpstreamQuerier(upstream)
        try:
            deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
            while True:
                rows = await querier.query(_SESSIONS)
                own = own_process_ids()
                strange = [row for row in rows if int(row[0] or 0) not in own and not self._is_known(upstream, row)]
                if not strange or asyncio.get_running_loop().time() > deadline:
                    break
                await asyncio.sleep(PAUSE_SECONDS)
            beside = [_session(row) for row in strange]
            statistics, grown = await self._statements(upstream, querier)
        finally:
            await querier.close()
        mine = sum(int(row[0] or 0) in own for row in rows)
        return Compared(upstream.name, self._now(), len(rows), mine, (*beside, *grown), statistics)

    def _is_known(self, upstream: Upstream, row: tuple[str | None, ...]) -> bool:
        """Whether the log has a session in this process, opened since it was started."""
        if row[1] != upstream.user or self._index is None:
            return False
        try:
            opened_us = self._index.last_opened(int(row[0] or 0))
        except sqlite3.Error:
            raise IndexUnavailable("The search index is not complete yet.", "Ask again in a while.") from None
        return opened_us > 0 and opened_us >= int(row[4] or 0) - SKEW_US

    async def _statements(self, upstream: Upstream, querier: UpstreamQuerier) -> tuple[str, list[Beside]]:
        """What other roles ran since the last comparison, where the database counts it."""
        try:
            rows = await querier.query(_STATEMENTS)
        except DoorwardError:
            return "pg_stat_statements is not there, or not readable", []
        calls = {str(role): int(count or 0) for role, count in rows}
        before = self._calls.get(upstream.name)
        self._calls[upstream.name] = calls
        if before is None:
            return "pg_stat_statements: counted for the first time since Doorward was started", []
        grown = {role: count - before.get(role, 0) for role, count in calls.items() if count > before.get(role, 0)}
        told = "pg_stat_statements: compared with the last time"
        return told, [Beside(0, role, "", "", 0, f"the role {role} ran {more} statements") for role, more in grown.items()]


def _session(row: tuple[str | None, ...]) -> Beside:
    pid, user, application, client, since_us = row
    where = f" from {client}" if client else ""
    told = f"process {pid} of {user}{where}"
    return Beside(int(pid or 0), user or "", application or "", client or "", int(since_us or 0), told)
