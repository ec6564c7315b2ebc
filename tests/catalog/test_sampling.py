"""Sampling: what is asked of the server, and when it is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from doorward.catalog.sampling import ROWS, is_sampled, question, sample, why_not_now
from doorward.errors import DoorwardError
from doorward.model.catalog import Column, Label, Relation, RelationKind
from doorward.model.result import ResultColumn

Row = tuple[str | None, ...]


class Server:
    """Answers questions as told, and remembers them."""

    def __init__(self, answer: Callable[[str], list[Row]], load: Row = ("f", "1", "100")) -> None:
        self.asked: list[str] = []
        self._answer = answer
        self._load = load

    async def query(self, sql: str) -> list[Row]:
        self.asked.append(sql)
        if "pg_stat_activity" in sql:
            return [self._load]
        return self._answer(sql) if sql.startswith("SELECT") else []

    async def describe(self, sql: str) -> list[ResultColumn]:
        return []


def relation(rows: int = 100, kind: RelationKind = RelationKind.TABLE, name: str = "people") -> Relation:
    """A table with a text, a number and a secret."""
    columns = (
        Column(1, "id", "integer", Label.NONE),
        Column(2, "reach", "character varying(80)", Label.NONE),
        Column(3, "pass", "text", Label.SECRET),
    )
    return Relation(7, "public", name, kind, columns, rows)


def mails(_sql: str) -> list[Row]:
    return [(f"user{n}@example.org",) for n in range(30)]


def test_a_table_is_asked_once_read_only_with_little_patience() -> None:
    """The transaction ends whatever happens; secrets and short numbers are not looked at."""
    server = Server(mails)
    found = asyncio.run(sample(server, [relation()], 60, lambda: 0.0))
    assert found.votes[7, 2].label is Label.EMAIL
    assert set(found.votes) == {(7, 2)}
    assert server.asked[1] == "BEGIN READ ONLY"
    assert server.asked[2].startswith("SET LOCAL statement_timeout")
    assert server.asked[3].startswith("SET LOCAL lock_timeout")
    assert server.asked[-1] == "ROLLBACK"


def test_a_large_table_is_read_by_random_pages() -> None:
    """The percentage shrinks as the table grows, so that the pages do not grow in number."""
    columns = relation().columns[1:2]
    assert "TABLESAMPLE" not in question(relation(100), columns)
    assert "TABLESAMPLE SYSTEM (0.0800)" in question(relation(1_000_000), columns)
    assert "TABLESAMPLE SYSTEM (0.0001)" in question(relation(10_000_000_000), columns)
    assert question(relation(1_000_000), columns).endswith(f"LIMIT {ROWS}")


def test_names_are_quoted() -> None:
    """A table may be called anything."""
    asked = question(relation(name='x"; DROP TABLE y; --'), relation().columns[1:2])
    assert '"x""; DROP TABLE y; --"' in asked


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (("f", "3", "100"), ""),
        (("f", "80", "100"), "80 sessions are busy"),
        (("t", "3", "100"), ""),
        (("t", "20", "100"), "the server is a replica with 20 busy sessions"),
    ],
)
def test_a_server_with_much_to_do_is_left_alone(load: Row, told: str) -> None:
    """A replica sooner, since it may be there for others' reports."""
    server = Server(mails, load)
    assert asyncio.run(why_not_now(server)) == told
    found = asyncio.run(sample(Server(mails, load), [relation()], 60, lambda: 0.0))
    assert found.skipped == told
    assert bool(found.votes) == (not told)


def test_a_table_that_cannot_be_read_is_passed_over() -> None:
    """Locked, slow or forbidden: the next one is tried."""

    def refuse_first(sql: str) -> list[Row]:
        if '"locked"' in sql:
            raise DoorwardError("canceling statement due to lock timeout")
        return mails(sql)

    server = Server(refuse_first)
    found = asyncio.run(sample(server, [relation(name="locked"), relation()], 60, lambda: 0.0))
    assert found.votes[7, 2].label is Label.EMAIL
    assert server.asked.count("BEGIN READ ONLY") == server.asked.count("ROLLBACK") == 2


def test_a_round_ends_when_its_time_is_up() -> None:
    """What was seen so far counts."""
    ticks = iter(range(0, 1000, 40))
    found = asyncio.run(sample(Server(mails), [relation(), relation()], 60, lambda: float(next(ticks))))
    assert found.skipped == "the time for it was up"
    assert found.tables == 1


def test_views_foreign_tables_and_empty_tables_are_not_read() -> None:
    """A view may compute for hours, a foreign table asks another server."""
    server = Server(mails)
    kinds = [RelationKind.VIEW, RelationKind.FOREIGN_TABLE, RelationKind.MATERIALIZED_VIEW, RelationKind.SEQUENCE]
    asyncio.run(sample(server, [*(relation(kind=kind) for kind in kinds), relation(rows=0)], 60, lambda: 0.0))
    assert "BEGIN READ ONLY" not in server.asked


@pytest.mark.parametrize(
    ("type_name", "sampled"),
    [("text", True), ("character varying(9)", True), ("public.mood", False), ("uuid", False), ("bytea", False)],
)
def test_only_built_in_texts_are_looked_at(type_name: str, sampled: bool) -> None:
    """A type of somebody's own runs a function of somebody's own."""
    assert is_sampled(Column(1, "c", type_name, Label.NONE)) is sampled
