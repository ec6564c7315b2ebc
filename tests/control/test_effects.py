"""What a held statement would do, estimated aside: nothing of it runs, and nobody waits for it."""

from __future__ import annotations

import asyncio

import pytest

from doorward.control.effects import STRICTEST, Effect, Effects, lock_of, planned_rows
from doorward.errors import UpstreamUnavailable
from doorward.model.approval import ApprovalRequest
from doorward.sql.analyze import analyze
from tests.approvals.requests import a_request
from tests.control.offices import SNAPSHOT, anyio_backend

__all__ = ["anyio_backend"]
pytestmark = pytest.mark.anyio

PLAN = '[{"Plan": {"Node Type": "ModifyTable", "Plan Rows": 0, "Plans": [{"Plan Rows": 42}]}}]'


class Answers:
    """A connection that gives canned answers, or fails, and remembers what it was asked."""

    def __init__(self, *, fails: bool = False) -> None:
        self.asked: list[str] = []
        self.is_closed = False
        self._fails = fails

    async def query(self, sql: str) -> list[tuple[str | None, ...]]:
        self.asked.append(sql)
        if self._fails:
            raise UpstreamUnavailable("gone")
        if "EXPLAIN" in sql:
            return [(PLAN,)]
        if "counted" in sql:
            return [("7",)]
        if "pg_total_relation_size" in sql:
            return [("1200", "8192", "2")]
        return [("view public.contacts",)] if "pg_depend" in sql else []

    async def close(self) -> None:
        self.is_closed = True


async def estimated(connection: Answers, request: ApprovalRequest) -> Effect:
    """The estimate for *request*."""
    made = asyncio.Event()
    effects = Effects(lambda _name: SNAPSHOT, lambda _name: connection, made.set)
    effects.begin(request)
    await asyncio.wait_for(made.wait(), 10)
    effect = effects.of(request.id)
    assert effect is not None
    assert connection.is_closed
    return effect


async def test_rows_of_a_bounded_change_are_planned_read_only() -> None:
    """With a generic plan, so that no value is needed; in a transaction that can change nothing."""
    connection = Answers()
    request = a_request(statement="DELETE FROM public.customers WHERE id = $1;", parameters=("7",))
    effect = await estimated(connection, request)
    assert (effect.rows, effect.how, effect.none_because) == (42, "planned", "")
    assert connection.asked[0] == "BEGIN READ ONLY"
    assert connection.asked[-1] == "EXPLAIN (FORMAT JSON) EXECUTE doorward_estimate(NULL)"
    assert not any("ANALYZE" in sql for sql in connection.asked)


async def test_rows_of_a_whole_table_are_counted_up_to_a_bound() -> None:
    """The count is one of a bounded subquery."""
    connection = Answers()
    effect = await estimated(connection, a_request(statement="DELETE FROM public.customers", parameters=()))
    assert (effect.rows, effect.how) == (7, "counted")
    assert 'FROM "public"."customers" LIMIT 100001' in connection.asked[-1]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM public.customers WHERE wipe(id)",
        "DELETE FROM nowhere WHERE id = 1",
        "DELETE FROM public.customers WHERE id = 1; SELECT 1",
        "EXPLAIN ANALYZE DELETE FROM public.customers WHERE id = 1",
    ],
)
async def test_what_could_run_something_is_not_even_planned(statement: str) -> None:
    """Planning runs functions that are declared immutable; several statements are no plan; EXPLAIN ANALYZE runs."""
    connection = Answers()
    effect = await estimated(connection, a_request(statement=statement, parameters=()))
    assert effect.rows == -1
    assert effect.none_because
    assert not any(statement in sql for sql in connection.asked)


async def test_a_schema_change_tells_size_dependents_and_lock() -> None:
    """From the catalog alone."""
    effect = await estimated(Answers(), a_request(statement="ALTER TABLE public.customers ADD COLUMN x int", parameters=()))
    assert effect.lock == STRICTEST
    (table,) = effect.tables
    assert (table.table, table.rows, table.size_bytes, table.used_by) == ("public.customers", 1200, 8192, 2)
    assert table.dependents == ("view public.contacts",)


async def test_an_estimate_that_fails_says_so() -> None:
    """And nothing else happens."""
    effect = await estimated(
        Answers(fails=True), a_request(statement="DELETE FROM public.customers WHERE id = 1", parameters=())
    )
    assert (effect.rows, effect.none_because) == (-1, "The database gave no estimate in time.")


@pytest.mark.parametrize(
    ("text", "lock"),
    [("CREATE INDEX i ON customers (id)", "SHARE:"), ("TRUNCATE customers", STRICTEST), ("SELECT 1; DROP TABLE t", STRICTEST)],
)
def test_the_strictest_lock_of_a_text_counts(text: str, lock: str) -> None:
    """What nobody listed takes the strictest."""
    assert lock_of(analyze(text)).startswith(lock)


@pytest.mark.parametrize(
    "plan", ["", "[]", "{}", '[{"Plan": {"Plan Rows": "many"}}]', '[{"Plan": {"Node Type": "ModifyTable"}}]']
)
def test_a_plan_that_is_none_gives_no_rows(plan: str) -> None:
    """A server may say anything."""
    assert planned_rows(plan) == -1
