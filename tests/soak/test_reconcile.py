"""Two logs agree one to one, or the statement in which they differ is named."""

from __future__ import annotations

from collections import Counter
from itertools import count
from typing import Any

import pytest

from tests.soak.reconcile import PREFIX, Intents, differences, statements_logged

_executions = count(1)


def entries(text: str, verdict: str = "allow", status: str = "done", protocol: str = "simple") -> list[dict[str, Any]]:
    """An intent and its outcome."""
    execution = f"exe_{next(_executions)}"
    intent = {"kind": "statement.intent", "execution": execution, "statement": text, "verdict": verdict, "protocol": protocol}
    return [intent, {"kind": "statement.outcome", "execution": execution, "status": status}]


def intents_of(*pairs: list[dict[str, Any]]) -> Intents:
    """The intents of these entries."""
    intents = Intents()
    for pair in pairs:
        for entry in pair:
            intents.take(entry)
    return intents


def test_the_servers_log_is_read_line_by_line() -> None:
    """Both protocols; other sessions, fetches from a portal that ran before, and other lines do not count."""
    lines = [
        "soak|shop|LOG:  statement: SELECT 1\n",
        "soak|shop|LOG:  execute <unnamed>: SELECT 2\n",
        "soak|shop|LOG:  execute named: SELECT 2\n",
        "soak|shop|LOG:  execute fetch from named: SELECT 2\n",
        "soak|shop|DETAIL:  parameters: $1 = '1'\n",
        "soak|shop|ERROR:  division by zero\n",
        "other|shop|LOG:  statement: SELECT 3\n",
        "soak|else|LOG:  statement: SELECT 4\n",
    ]
    assert statements_logged(lines, "soak", "shop") == Counter({"SELECT 1": 1, "SELECT 2": 2})
    assert PREFIX == "%a|%d|"


@pytest.mark.parametrize(
    ("entry", "allowed"),
    [
        (entries("x"), {1}),
        (entries("x", status="failed"), {1}),
        (entries("x", status="failed", protocol="extended"), {0, 1}),
        (entries("x", status="skipped"), {0, 1}),
        (entries("x", status="abandoned"), {0, 1}),
        (entries("x", verdict="deny", status="refused"), {0}),
        (entries("x", verdict="hold", status="refused"), {0}),
        (entries("x", verdict="hold", status="approved"), {0}),
    ],
)
def test_an_intent_says_how_often_the_server_may_have_run_it(entry: list[dict[str, Any]], allowed: set[int]) -> None:
    """Neither more nor less."""
    intents = intents_of(entry)
    fitting = {number for number in range(3) if not list(differences(intents, Counter({"x": number} if number else {})))}
    assert fitting == allowed


def test_a_statement_without_an_intent_is_named() -> None:
    """The one thing that must never be."""
    assert list(differences(Intents(), Counter({"DROP TABLE x": 1}))) == [
        "the server ran it 1 times, the log has 0: DROP TABLE x"
    ]


def test_an_intent_without_an_outcome_is_kept_in_sight() -> None:
    """Until its outcome comes."""
    intents = Intents()
    intent, outcome = entries("x")
    intents.take(intent)
    assert intents.without_outcome() == [intent]
    intents.take(outcome)
    assert intents.without_outcome() == []
