"""How much an agent may do is counted over time, and never comes out as more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from doorward.model.agents import Limits, Task, Terms
from doorward.proxy.metering import AgentMeter, AgentMeters, bounds_of, is_metered

MINUTE = 60_000_000
START = 1_000 * MINUTE


def test_statements_are_counted_by_the_minute() -> None:
    meter, terms = AgentMeter(), Terms(Limits(statements_per_minute=2))
    assert meter.begin(terms, START) is None
    assert meter.begin(terms, START + 1) is None
    assert meter.begin(terms, START + 2) is not None
    assert meter.begin(terms, START + MINUTE) is None


def test_rows_are_counted_by_the_hour() -> None:
    meter, terms = AgentMeter(), Terms(Limits(rows_per_hour=10))
    assert meter.rows_left(terms, START) == 10
    meter.count(terms, 7, START)
    assert meter.rows_left(terms, START) == 3
    meter.count(terms, 3, START + MINUTE)
    assert meter.begin(terms, START + 2 * MINUTE) is not None
    assert meter.begin(terms, START + 60 * MINUTE) is None
    assert meter.rows_left(terms, START + 60 * MINUTE) == 7


def test_a_task_has_rows_of_its_own_and_an_end() -> None:
    meter, terms = AgentMeter(), Terms(task=Task("t1", START + MINUTE, rows=5))
    meter.count(terms, 5, START)
    assert meter.begin(terms, START) is not None
    again = Terms(task=Task("t2", START + MINUTE, rows=5))
    assert meter.begin(again, START) is None
    assert meter.begin(again, START + MINUTE) is not None


def test_terms_that_limit_nothing_cost_nothing() -> None:
    assert not is_metered(Terms())
    assert bounds_of(Terms()) == ()
    assert is_metered(Terms(Limits(rows_per_hour=1)))
    assert [bounds.rows for bounds in bounds_of(Terms(Limits(rows_per_statement=4)))] == [4]
    (bounds,) = bounds_of(Terms(task=Task("t1", START, tables=("public.orders",))))
    assert (bounds.read_only, bounds.tables) == (True, {"public.orders"})


def test_sessions_of_one_agent_share_a_meter() -> None:
    meters = AgentMeters()
    assert meters.of("prn_1") is meters.of("prn_1")
    assert meters.of("prn_1") is not meters.of("prn_2")


@given(st.integers(1, 50), st.lists(st.tuples(st.integers(0, 5 * MINUTE), st.integers(0, 60)), max_size=60))
def test_no_hour_has_more_rows_than_are_allowed(limit: int, steps: list[tuple[int, int]]) -> None:
    meter, terms, now = AgentMeter(), Terms(Limits(rows_per_hour=limit)), START
    given_rows: list[tuple[int, int]] = []
    for later, wanted in steps:
        now += later
        if meter.begin(terms, now) is None:
            rows = min(wanted, meter.rows_left(terms, now))
            meter.count(terms, rows, now)
            given_rows.append((now, rows))
            # Exactly to the minute in which it was.
            assert sum(count for at, count in given_rows if at > now - 59 * MINUTE) <= limit
