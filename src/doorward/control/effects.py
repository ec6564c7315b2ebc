"""What a held statement would probably do: looked at aside, read-only, on a connection of its own, within seconds.

Nothing of it runs: a plan is asked for without executing it, rows of a whole table are counted up to a bound, and for a change
of the schema the catalog is asked. An estimate that is late or fails holds up nobody; the approver is told that there is none.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Protocol

import msgspec

from doorward.catalog.resolve import Resolved, names_are_vouched, resolve
from doorward.catalog.sampling import quoted
from doorward.databases import database_for
from doorward.errors import DoorwardError
from doorward.model.approval import ApprovalRequest
from doorward.model.catalog import Relation, Snapshot
from doorward.model.statement import Action, Analysis, Use, WhereClause

ESTIMATE_SECONDS = 6.0
MOST_COUNTED = 100_000
MOST_PARAMETERS = 100
MOST_KEPT = 500
MOST_AT_ONCE = 2
MOST_RELATIONS = 10

_PLANNED = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})

# Table-level lock of a command (manual, "Explicit Locking" and the pages of the commands). What is not listed: the strictest.
STRICTEST = "ACCESS EXCLUSIVE: nobody reads or writes it meanwhile"
LOCKS = {
    "SELECT": "ACCESS SHARE: others read and write",
    "INSERT": "ROW EXCLUSIVE: others read and write other rows",
    "UPDATE": "ROW EXCLUSIVE: others read and write other rows",
    "DELETE": "ROW EXCLUSIVE: others read and write other rows",
    "MERGE": "ROW EXCLUSIVE: others read and write other rows",
    "CREATE INDEX": "SHARE: others read, nobody writes meanwhile",
    "CREATE TRIGGER": "SHARE ROW EXCLUSIVE: others read, nobody writes meanwhile",
    "COMMENT": "SHARE UPDATE EXCLUSIVE: others read and write",
    "ANALYZE": "SHARE UPDATE EXCLUSIVE: others read and write",
    "VACUUM": "SHARE UPDATE EXCLUSIVE: others read and write",
    "CREATE STATISTICS": "SHARE UPDATE EXCLUSIVE: others read and write",
    "CREATE TABLE": "none on what is there already",
    "CREATE VIEW": "none on what is there already",
    "CREATE SCHEMA": "none on what is there already",
    "CREATE SEQUENCE": "none on what is there already",
    "CREATE FUNCTION": "none on what is there already",
    "GRANT": "none on tables",
    "REVOKE": "none on tables",
}


class TableEffect(msgspec.Struct, frozen=True):
    """A table that is changed: how large it is, what depends on it, and who uses it now."""

    table: str
    rows: int
    size_bytes: int
    dependents: tuple[str, ...]
    used_by: int


class Effect(msgspec.Struct, frozen=True):
    """The estimate. *rows* is -1 when there is none; *how* says what it is: planned, counted, or at least.

    *none_because* says why there is no estimate of rows.
    """

    rows: int = -1
    how: str = ""
    lock: str = ""
    tables: tuple[TableEffect, ...] = ()
    none_because: str = ""


class Querying(Protocol):
    """A connection for questions of our own."""

    async def query(self, sql: str) -> list[tuple[str | None, ...]]:
        """The rows of *sql*, as text. Raises DoorwardError."""

    async def close(self) -> None:
        """End the connection."""


class Effects:
    """Estimates for what waits, made in the background. *connect* opens a connection to an upstream of that name."""

    def __init__(
        self,
        snapshot_of: Callable[[str], Snapshot | None],
        connect: Callable[[str], Querying | None],
        changed: Callable[[], None],
    ) -> None:
        self._snapshot_of = snapshot_of
        self._connect = connect
        self._changed = changed
        self._known: dict[str, Effect] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    def of(self, request_id: str) -> Effect | None:
        """The estimate; None while it is being made, or was never asked for."""
        return self._known.get(request_id)

    def begin(self, request: ApprovalRequest) -> None:
        """Make the estimate for *request*, soon and aside."""
        if request.wish is not None or len(self._tasks) >= MOST_KEPT:
            return
        task = asyncio.create_task(self._make(request), name="estimate")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop making any."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _make(self, request: ApprovalRequest) -> None:
        async with self._room:
            effect = await self._estimate(request)
        if len(self._known) >= MOST_KEPT:
            self._known.pop(next(iter(self._known)))
        self._known[request.id] = effect
        self._changed()

    async def _estimate(self, request: ApprovalRequest) -> Effect:
        snapshot, querier = self._snapshot_of(request.upstream), self._connect(request.upstream)
        if snapshot is None or querier is None:
            return Effect(none_because="The database is not known.")
        analysis = await asyncio.to_thread(database_for("postgresql").analyze, request.statement)
        resolved = resolve(analysis, snapshot)
        effect = Effect(lock=lock_of(analysis))
        try:
            async with asyncio.timeout(ESTIMATE_SECONDS):
                # Nothing may be changed by what is asked here, and nobody waits behind it.
                await querier.query("BEGIN READ ONLY")
                await querier.query("SET LOCAL statement_timeout = '2s'")
                await querier.query("SET LOCAL lock_timeout = '200ms'")
                if analysis.action.severity >= Action.DEFINE.severity:
                    effect = msgspec.structs.replace(effect, tables=await _tables(querier, resolved))
                else:
                    effect = await _rows(querier, request, analysis, resolved, snapshot, effect)
        except (DoorwardError, TimeoutError):
            effect = msgspec.structs.replace(effect, none_because="The database gave no estimate in time.")
        finally:
            await querier.close()
        return effect


def lock_of(analysis: Analysis) -> str:
    """The strictest lock that the commands of a text take on tables."""
    locks = [LOCKS.get(statement.tag, STRICTEST) for statement in analysis.statements]
    return STRICTEST if STRICTEST in locks else " / ".join(dict.fromkeys(locks))


async def _rows(
    querier: Querying, request: ApprovalRequest, analysis: Analysis, resolved: Resolved, snapshot: Snapshot, effect: Effect
) -> Effect:
    statements = analysis.statements
    if len(statements) != 1 or statements[0].node not in _PLANNED or statements[0].explain:
        return msgspec.structs.replace(effect, none_because="There is no plan to ask for.")
    if not names_are_vouched(analysis, snapshot) or resolved.facts.unresolved:
        # Planning runs functions that are declared immutable, whatever they do.
        return msgspec.structs.replace(effect, none_because="It uses names that nobody vouches for.")
    if statements[0].where is WhereClause.MISSING:
        written = {str(use.relation.name) for use in statements[0].relations if use.use is Use.WRITE}
        targets = [relation for relation in resolved.relations if relation.name in written]
        if len(targets) == 1:
            return await _counted(querier, targets[0], effect)
    if len(request.parameters) > MOST_PARAMETERS:
        return msgspec.structs.replace(effect, none_because="It has too many parameters.")
    rows = await querier.query(f"PREPARE doorward_estimate AS {request.statement.rstrip().rstrip(';')}")
    await querier.query("SET LOCAL plan_cache_mode = force_generic_plan")
    values = f"({', '.join(['NULL'] * len(request.parameters))})" if request.parameters else ""
    rows = await querier.query(f"EXPLAIN (FORMAT JSON) EXECUTE doorward_estimate{values}")
    return msgspec.structs.replace(effect, rows=planned_rows(rows[0][0] or ""), how="planned")


async def _counted(querier: Querying, target: Relation, effect: Effect) -> Effect:
    name = f"{quoted(target.schema)}.{quoted(target.name)}"
    inner = f"SELECT 1 FROM {name} LIMIT {MOST_COUNTED + 1}"  # noqa: S608 - names of the catalog, quoted
    rows = await querier.query(f"SELECT pg_catalog.count(*) FROM ({inner}) counted")  # noqa: S608
    count = int(rows[0][0] or 0)
    how = "counted" if count <= MOST_COUNTED else "at least"
    return msgspec.structs.replace(effect, rows=min(count, MOST_COUNTED), how=how)


async def _tables(querier: Querying, resolved: Resolved) -> tuple[TableEffect, ...]:
    found = []
    for relation in resolved.relations[:MOST_RELATIONS]:
        rows = await querier.query(_SIZE_SQL.format(oid=int(relation.oid)))
        dependents = await querier.query(_DEPENDENTS_SQL.format(oid=int(relation.oid)))
        if rows:
            estimate, size, used = (int(value or 0) for value in rows[0])
            names = tuple(str(row[0]) for row in dependents)
            found.append(TableEffect(relation.qualified_name, estimate, size, names, used))
    return tuple(found)


_SIZE_SQL = """SELECT c.reltuples::pg_catalog.int8, pg_catalog.pg_total_relation_size(c.oid),
 (SELECT pg_catalog.count(DISTINCT l.pid) FROM pg_catalog.pg_locks l
  WHERE l.relation = c.oid AND l.granted AND l.pid <> pg_catalog.pg_backend_pid())
FROM pg_catalog.pg_class c WHERE c.oid = {oid}"""
_DEPENDENTS_SQL = """SELECT 'view ' || r.ev_class::pg_catalog.regclass FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
 AND d.refobjid = {oid} AND r.ev_class <> {oid}
UNION SELECT 'foreign key of ' || k.conrelid::pg_catalog.regclass FROM pg_catalog.pg_constraint k
WHERE k.contype = 'f' AND k.confrelid = {oid}
UNION SELECT 'trigger ' || pg_catalog.quote_ident(t.tgname) FROM pg_catalog.pg_trigger t
WHERE t.tgrelid = {oid} AND NOT t.tgisinternal ORDER BY 1 LIMIT 20"""


def planned_rows(plan: str) -> int:
    """How many rows a plan reads for a query, or changes: what comes out under the node that changes them. -1 for none."""
    try:
        node = json.loads(plan)[0]["Plan"]
        if node.get("Node Type") == "ModifyTable":
            node = node["Plans"][0]
        return int(node["Plan Rows"])
    except (ValueError, KeyError, IndexError, TypeError):
        return -1
