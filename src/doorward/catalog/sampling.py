"""Looks at a few values of each column, so gently that a production server does not notice. Nothing of them is kept or told.

A table is asked once, for a few hundred rows from pages picked at random (TABLESAMPLE SYSTEM, PostgreSQL manual, "SELECT"),
in a read-only transaction with a short statement timeout and next to no patience for locks. A server with much to do is
left alone until the next time, and the whole round ends when its time is up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from doorward.catalog.introspection.querier import Querier
from doorward.catalog.labelling import ColumnKey
from doorward.catalog.shapes import MOST_CHARACTERS, Vote, vote
from doorward.detectors.scanner import Scanner
from doorward.errors import DoorwardError
from doorward.model.catalog import Column, Label, Relation, RelationKind

ROWS = 200
SMALL_TABLE_ROWS = 5_000  # read from the start, up to ROWS: no sampling needed
_SPREAD = 4  # times as many rows as wanted are sampled, for pages are uneven
COLUMNS_AT_ONCE = 40
STATEMENT_MS, LOCK_MS = 2_000, 100
BUSY_SHARE = 0.5  # of the server's connections, busy: then it has better things to do
BUSY_ON_REPLICA = 8

# Types whose text form PostgreSQL itself makes: no function of anybody's runs for it.
_READABLE = (
    "text", "character varying", "varchar", "character", "char", "bpchar", "citext", "json", "jsonb", "bigint", "numeric",
)  # fmt: skip
_LOAD_SQL = (
    "SELECT pg_catalog.pg_is_in_recovery(), pg_catalog.count(*) FILTER (WHERE a.state = 'active'),"
    " pg_catalog.current_setting('max_connections')"
    " FROM pg_catalog.pg_stat_activity a WHERE a.backend_type = 'client backend'"
)


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of sampling found. *skipped* says why it did nothing, or ended early; empty when it saw everything."""

    votes: Mapping[ColumnKey, Vote]
    tables: int
    skipped: str = ""


def quoted(name: str) -> str:
    """*name* as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def is_sampled(column: Column) -> bool:
    """Whether values of *column* can tell something: texts and long numbers, but for secrets known as such."""
    base = column.type_name.split("(")[0].strip().lower()
    return base in _READABLE and column.label is not Label.SECRET


def question(relation: Relation, columns: Iterable[Column]) -> str:
    """The statement that takes a sample of *columns*. It reads a bounded number of pages, however large the table is."""
    listed = ", ".join(
        f"pg_catalog.substr(s.{quoted(column.name)}::pg_catalog.text, 1, {MOST_CHARACTERS})" for column in columns
    )
    table = f"ONLY {quoted(relation.schema)}.{quoted(relation.name)}"
    sample = ""
    if relation.estimated_rows > SMALL_TABLE_ROWS:
        percent = max(0.0001, min(100.0, 100.0 * ROWS * _SPREAD / relation.estimated_rows))
        sample = f" TABLESAMPLE SYSTEM ({percent:.4f})"
    return f"SELECT {listed} FROM {table} AS s{sample} LIMIT {ROWS}"  # noqa: S608 - identifiers are quoted


async def why_not_now(querier: Querier) -> str:
    """Why the server is better left alone now; empty when it has time. Raises DoorwardError."""
    rows = await querier.query(_LOAD_SQL)
    replica, active, most = rows[0] if rows else ("f", "0", "100")
    busy = int(active or 0)
    if replica == "t" and busy > BUSY_ON_REPLICA:
        return f"the server is a replica with {busy} busy sessions"
    if busy > BUSY_SHARE * int(most or 100):
        return f"{busy} sessions are busy"
    return ""


async def sample(
    querier: Querier,
    relations: Iterable[Relation],
    seconds: float,
    now: Callable[[], float],
    progress: Callable[[Relation], None] = lambda _relation: None,
) -> Round:
    """Votes on the columns of *relations*, tables alone, for at most *seconds* as *now* counts them.

    A table that can't be read within its time, or at all, is passed over. Raises DoorwardError if the server does not answer.
    """
    reason = await why_not_now(querier)
    if reason:
        return Round({}, 0, reason)
    scanner = Scanner()
    votes: dict[ColumnKey, Vote] = {}
    end = now() + seconds
    seen = 0
    for relation in relations:
        progress(relation)
        if relation.is_system or relation.kind is not RelationKind.TABLE or relation.estimated_rows == 0:
            continue
        if now() > end:
            return Round(votes, seen, "the time for it was up")
        wanted = [column for column in relation.columns if is_sampled(column)]
        for start in range(0, len(wanted), COLUMNS_AT_ONCE):
            columns = wanted[start : start + COLUMNS_AT_ONCE]
            rows = await _rows(querier, question(relation, columns))
            # Thousands of values take a while to read; whoever serves people here must not stand still meanwhile.
            votes |= await asyncio.to_thread(_votes, relation, columns, rows, scanner)
        seen += bool(wanted)
    return Round(votes, seen)


def _votes(
    relation: Relation, columns: list[Column], rows: list[tuple[str | None, ...]], scanner: Scanner
) -> dict[ColumnKey, Vote]:
    return {
        (relation.oid, column.number): vote([value for value in values if value is not None], column.name, scanner)
        for column, values in zip(columns, zip(*rows, strict=True), strict=False)
    }


async def _rows(querier: Querier, sql: str) -> list[tuple[str | None, ...]]:
    """The rows of *sql*, or none when it can't be run in time: locked, too slow, or not for us."""
    await querier.query("BEGIN READ ONLY")
    try:
        await querier.query(f"SET LOCAL statement_timeout = {STATEMENT_MS}")
        await querier.query(f"SET LOCAL lock_timeout = {LOCK_MS}")
        return await querier.query(sql)
    except DoorwardError:
        return []
    finally:
        await querier.query("ROLLBACK")
