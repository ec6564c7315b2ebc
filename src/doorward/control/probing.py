"""Probes: forbidden statements that would do no harm, tried through Doorward's own door, to see that they are refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from doorward.control.changes import Changes
from doorward.control.filters import Filters
from doorward.control.operators import LOCAL, Operator
from doorward.control.principals import Principals
from doorward.control.record import Record
from doorward.control.secrets import Secrets
from doorward.control.views import EntryView
from doorward.errors import DoorwardError
from doorward.model.identity import PrincipalKind
from doorward.model.upstream import Upstream
from doorward.proxy.upstream_connections import UpstreamQuerier
from doorward.store.repositories import Store

PROBE = "doorward-probe"
SECRET_HOURS = 0.1
# How long the log may take to show what was decided.
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.1

# Should a guardrail be gone, the database itself refuses each of them, or does nothing: nothing of these names exists.
PROBES = {
    "dropping a table": "DROP TABLE doorward_probe_no_such_table",
    "emptying a table": "TRUNCATE doorward_probe_no_such_table",
    "running a program on the server": "COPY (SELECT 1) TO PROGRAM 'true'",
    "reading a file of the server": "SELECT pg_catalog.pg_read_file('doorward-probe-no-such-file')",
    "changing the server's settings": 'ALTER SYSTEM RESET "doorward_probe.no_such_setting"',
    "adding an extension": "CREATE EXTENSION doorward_probe_no_such_extension",
    "what can not be parsed": "SELEC doorward_probe",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One probe. *told* is what the client was answered; *entry* is the entry that shows the decision, -1 if there is none."""

    probe: str
    refused: bool
    verdict: str
    entry: int
    told: str


class Probing:
    """Tries the probes as a service of their own, made when it is missing, with a secret that is gone afterwards."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        principals: Principals,
        secrets: Secrets,
        record: Record,
        door: Callable[[], tuple[str, int]],
        now: Callable[[], int],
        new_id: Callable[[str], str],
    ) -> None:
        self._store = store
        self._changes = changes
        self._principals = principals
        self._secrets = secrets
        self._record = record
        self._door = door
        self._now = now
        self._new_id = new_id

    async def probe(self, by: Operator) -> tuple[Tried, ...]:
        """Try every probe on every upstream, and record each with what came of it.

        A probe counts as refused if the log says that it was denied and not forwarded, whatever the client was told.
        """
        by.require_administration()
        if self._store.principals.named(PROBE) is None:
            await self._principals.add(by, PrincipalKind.SERVICE, PROBE)
        minted = await self._secrets.mint(by, PROBE, SECRET_HOURS, "probes")
        try:
            found = [tried for upstream in self._store.upstreams.all() for tried in await self._try(upstream, minted.secret)]
        finally:
            await self._secrets.revoke(by, minted.credential_id)
        round_id = self._new_id("rnd")
        for tried in found:
            await self._changes.record(
                by,
                "probe.tried",
                tried.probe,
                round=round_id,
                refused="yes" if tried.refused else "no",
                verdict=tried.verdict,
                shown_by=str(tried.entry),
                told=tried.told,
            )
        return tuple(found)

    async def _try(self, upstream: Upstream, secret: str) -> list[Tried]:
        host, port = self._door()
        through = Upstream(upstream.name, upstream.engine, host, port, upstream.database, PROBE, secret)
        began_us = self._now()
        answers = {}
        querier = UpstreamQuerier(through)
        try:
            for name, statement in PROBES.items():
                answers[name] = await _answer(querier, statement)
        finally:
            await querier.close()
        rows = await self._recorded(began_us)
        return [_judged(name, answer, rows) for name, answer in answers.items()]

    async def _recorded(self, began_us: int) -> list[EntryView]:
        """What the log has of the probes, oldest first; waited for, since it is read a moment after it is written."""
        filters = Filters(party=PROBE, kind="statement.intent", since_us=began_us, limit=100)
        deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            rows = (await self._record.search(LOCAL, filters)).rows
            if len(rows) >= len(PROBES) or asyncio.get_running_loop().time() > deadline:
                return list(reversed(rows))
            await asyncio.sleep(PAUSE_SECONDS)


async def _answer(querier: UpstreamQuerier, statement: str) -> str:
    try:
        await querier.query(statement)
    except DoorwardError as error:
        return f"{error.sqlstate}: {error.message}"[:300]
    return "it ran"


def _judged(name: str, answer: str, rows: list[EntryView]) -> Tried:
    """The probe *name* by the entry of its statement, known by its place: they are tried one after another."""
    place = list(PROBES).index(name)
    row = rows[place] if place < len(rows) else None
    refused = row is not None and row.verdict == "deny" and row.status == "refused" and answer != "it ran"
    return Tried(name, refused, row.verdict if row else "", row.index if row else -1, answer)
