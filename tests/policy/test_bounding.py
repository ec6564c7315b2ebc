"""Bounds take away and never give."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.model.bounds import Bounds
from doorward.model.decision import Decision, Facts, Reason, Verdict
from doorward.model.statement import Action
from doorward.policy.bounding import bounded

READ = Facts("read", ("SELECT",), objects=("public.orders",))
ALLOWED = Decision(Verdict.ALLOW, (Reason("may-read", "Reading is permitted."),), "v1", row_limit=0)
NAMES = st.sampled_from(["public.orders", "public.customers", "pg_catalog.pg_class"])
STRICTNESS = {Verdict.ALLOW: 0, Verdict.HOLD: 1, Verdict.DENY: 2}


@pytest.mark.parametrize("action", list(Action))
def test_a_reading_session_does_nothing_but_read(action: Action) -> None:
    told = bounded(ALLOWED, replace(READ, action=action.value), Bounds("task", "It", read_only=True))
    expected = Verdict.ALLOW if action in (Action.SESSION, Action.READ) else Verdict.DENY
    assert told.verdict is expected
    if told.verdict is Verdict.DENY:
        assert told.reasons[0].rule == "task"


def test_tables_beside_those_named_are_out_of_reach() -> None:
    bounds = Bounds("task", "It", tables=frozenset({"public.orders"}))
    assert bounded(ALLOWED, READ, bounds) == ALLOWED
    assert bounded(ALLOWED, replace(READ, objects=("public.orders", "public.customers")), bounds).verdict is Verdict.DENY
    assert bounded(ALLOWED, replace(READ, unresolved=("orders",)), bounds).verdict is Verdict.DENY


@pytest.mark.parametrize(("policy", "own", "limit"), [(0, 0, 0), (0, 5, 5), (5, 0, 5), (5, 9, 5), (9, 5, 5)])
def test_the_smaller_number_of_rows_counts(policy: int, own: int, limit: int) -> None:
    assert bounded(replace(ALLOWED, row_limit=policy), READ, Bounds("task", "It", rows=own)).row_limit == limit


@given(
    st.sampled_from(list(Verdict)),
    st.integers(0, 9),
    st.sampled_from([action.value for action in Action]),
    st.lists(NAMES, max_size=3),
    st.booleans(),
    st.sets(NAMES),
    st.integers(0, 9),
)
def test_bounds_never_give_anything(
    verdict: Verdict, row_limit: int, action: str, objects: list[str], read_only: bool, tables: set[str], rows: int
) -> None:
    decision = replace(ALLOWED, verdict=verdict, row_limit=row_limit)
    told = bounded(decision, Facts(action, (), tuple(objects)), Bounds("task", "It", read_only, frozenset(tables), rows))
    assert STRICTNESS[told.verdict] >= STRICTNESS[verdict]
    assert told.cleared <= decision.cleared
    if told.verdict is not Verdict.DENY:
        assert 0 < (told.row_limit or 10**9) <= (row_limit or 10**9)
    if verdict is Verdict.DENY:
        assert told == decision
