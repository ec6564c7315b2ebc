"""The tour's promises do not hold when they are broken: each is given observations that were doctored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from doorward.demo.clients import Fetched, Heard
from doorward.demo.promises import (
    Finding,
    Held,
    all_in_log,
    deletes_stopped,
    drop_refused,
    held_until_approved,
    log_intact_and_damage_named,
    masked_in_driver,
    masked_in_psql,
)
from doorward.demo.tour import summary

GOOD = Heard("psql", "1 | R*** | gold\n20000", "", 0)
HIDDEN = ["rosa@example.com", "Rosa"]
TRUTH = [{"id": 1, "email": "rosa@example.com", "born": date(1990, 2, 3), "tier": "gold"}]
FETCHED = Fetched("", ("id", "email", "born", "tier"), ((1, "r***@***", date(1970, 1, 1), "gold"),), True)
REFUSED = Heard(
    "psql",
    "20000",
    "ERROR:  Doorward refused DROP TABLE on public.orders\nDETAIL:  Rule no-drop-of-data: ...\nHINT:  DELETE",
    0,
)
HELD = Held(
    link="http://127.0.0.1:1/approvals/req_1",
    shown_while_waiting=True,
    column_before=False,
    by_asker=Heard("", "", "error", 1),
    waits_after_asker=True,
    column_after_asker=False,
    by_approver=Heard("", "approved", "", 0),
    client=Heard("psql", "ALTER TABLE\n", "", 0),
    column_at_end=True,
)
STOPPED = Heard("psql", "20000", "ERROR: a\nDETAIL: the whole table.\nERROR: b\nDETAIL: the whole table.", 0)
REJECTIONS = [Heard("", "rejected", "", 0)] * 2
SOUND = Heard("", "intact  49 entries", "", 0)
DAMAGED = Heard("", "NOT INTACT  49 entries\n ✗ entry 24: altered", "", 1)


def row(text: str, chain: str, verdict: str, **more: Any) -> dict[str, Any]:
    return {
        "text": text,
        "chain": chain,
        "verdict": verdict,
        "rules": ["r"],
        "rows": 0,
        "columns": [],
        "answered_by": "",
        **more,
    }


MASKED = [{"name": "email"}, {"name": "phone"}]
ROWS = [
    row("SELECT * FROM customers", "alice", "allow", rows=4, columns=MASKED),
    row("SELECT * FROM customers", "report-bot for alice", "allow", rows=4, columns=MASKED),
    row("DROP TABLE orders", "alice", "deny"),
    row("ALTER TABLE customers", "alice", "hold", answered_by="bob"),
    row("DELETE FROM orders", "alice", "hold", answered_by="bob"),
    row("WITH gone AS (DELETE FROM orders)", "alice", "hold", answered_by="bob"),
]


def holds(findings: list[Finding]) -> bool:
    return bool(findings) and all(finding.holds for finding in findings)


def driver(fetched: Fetched, chain: str = "report-bot for alice") -> list[Finding]:
    return masked_in_driver(fetched, TRUTH, ("email", "born"), chain)


KEPT: list[Callable[[], list[Finding]]] = [
    lambda: masked_in_psql(GOOD, HIDDEN, ["gold"], 2),
    lambda: driver(FETCHED),
    lambda: drop_refused(REFUSED, 20000, 20000),
    lambda: held_until_approved(HELD),
    lambda: deletes_stopped(STOPPED, REJECTIONS, 20000, 20000),
    lambda: all_in_log(ROWS),
    lambda: log_intact_and_damage_named(SOUND, DAMAGED, 24),
]

BROKEN: dict[str, Callable[[], list[Finding]]] = {
    "a value in a row": lambda: masked_in_psql(replace(GOOD, output="1 | Rosa | gold"), HIDDEN, ["gold"], 2),
    "a value in an error": lambda: masked_in_psql(replace(GOOD, errors="rosa@example.com"), HIDDEN, ["gold"], 2),
    "nothing came": lambda: masked_in_psql(replace(GOOD, output=""), HIDDEN, ["gold"], 2),
    "nothing to hide": lambda: masked_in_psql(GOOD, [], ["gold"], 2),
    "psql failed": lambda: masked_in_psql(replace(GOOD, code=2), HIDDEN, ["gold"], 2),
    "a true e-mail": lambda: driver(replace(FETCHED, rows=((1, "rosa@example.com", date(1970, 1, 1), "gold"),))),
    "a true date": lambda: driver(replace(FETCHED, rows=((1, "r***@***", date(1990, 2, 3), "gold"),))),
    "a type that changed": lambda: driver(replace(FETCHED, rows=((1, "r***@***", "***", "gold"),))),
    "a clear value that changed": lambda: driver(replace(FETCHED, rows=((1, "r***@***", date(1970, 1, 1), "***"),))),
    "text results": lambda: driver(replace(FETCHED, is_binary=False)),
    "no rows": lambda: driver(replace(FETCHED, rows=())),
    "a ghost in the record": lambda: driver(FETCHED, "report-bot"),
    "a table that is gone": lambda: drop_refused(REFUSED, 20000, -1),
    "rows that are gone": lambda: drop_refused(REFUSED, 20000, 19999),
    "an error that says nothing": lambda: drop_refused(replace(REFUSED, errors="ERROR: no"), 20000, 20000),
    "a session that ended": lambda: drop_refused(replace(REFUSED, output="", code=2), 20000, 20000),
    "no link": lambda: held_until_approved(replace(HELD, link="")),
    "no waiting": lambda: held_until_approved(replace(HELD, shown_while_waiting=False)),
    "changed before a yes": lambda: held_until_approved(replace(HELD, column_before=True)),
    "approved by the asker": lambda: held_until_approved(replace(HELD, by_asker=Heard("", "approved", "", 0))),
    "changed by the asker's yes": lambda: held_until_approved(replace(HELD, column_after_asker=True)),
    "no approval": lambda: held_until_approved(replace(HELD, by_approver=Heard("", "", "error", 1))),
    "never completed": lambda: held_until_approved(replace(HELD, client=Heard("", "", "", 2))),
    "said to be done, and is not": lambda: held_until_approved(replace(HELD, column_at_end=False)),
    "all deleted": lambda: deletes_stopped(STOPPED, REJECTIONS, 20000, 0),
    "one form got through": lambda: deletes_stopped(
        replace(STOPPED, errors="ERROR: the whole table"), REJECTIONS[:1], 20000, 20000
    ),
    "a tag of deletion": lambda: deletes_stopped(replace(STOPPED, output="DELETE 20000"), REJECTIONS, 20000, 20000),
    "damage found in the log": lambda: log_intact_and_damage_named(DAMAGED, DAMAGED, 24),
    "damage not found in the copy": lambda: log_intact_and_damage_named(SOUND, SOUND, 24),
    "another entry named": lambda: log_intact_and_damage_named(SOUND, DAMAGED, 23),
    "no masks in the log": lambda: all_in_log([{**one, "columns": []} for one in ROWS]),
    **{f"log without row {at}": (lambda at=at: all_in_log(ROWS[:at] + ROWS[at + 1 :])) for at in range(len(ROWS))},
}


@pytest.mark.parametrize("observed", KEPT)
def test_kept_promise_holds(observed: Callable[[], list[Finding]]) -> None:
    """The observations of a good run."""
    assert holds(observed())


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_promise_does_not_hold(broken: str) -> None:
    """One thing wrong is enough."""
    assert not holds(BROKEN[broken]())


def test_summary_counts_steps() -> None:
    """The words that scripts look for."""
    assert summary(7, 7) == "tour: 7/7 steps hold"
