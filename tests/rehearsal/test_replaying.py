"""Proposed rules over what the log has: everything is counted, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from doorward.audit.day_keys import keys_in
from doorward.audit.reader import LogReader
from doorward.config import DataDirectory
from doorward.policy.load import default_texts
from doorward.rehearsal.parts import first_since, replay_log
from doorward.rehearsal.replaying import Change, Plan, Replayed
from doorward.store.database import open_store
from doorward.store.names import read_names
from tests.rehearsal.history import APART_US, BEGAN_US, PEOPLE, RARE, Said, statements, write_history

HEAD = '@id("{}") @description("d") '
NO_TICKETS = HEAD.format("no-tickets") + (
    'forbid (principal is Human, action == Action::"read", resource) '
    'when { context.objects.contains("public.support_tickets") };'
)
DEVELOPER, OTHER, SERVICE, AGENT = 1, 0, 30, len(PEOPLE)
TICKETS = "SELECT body FROM support_tickets WHERE customer_id = 7"


def plan_of(data: DataDirectory, *rules: str) -> Plan:
    """The packaged rules with *rules* added, over a data directory."""
    stored = read_names(data.store)
    assert stored is not None
    candidate = {**default_texts(), "zz.cedar": "\n".join(rules)}
    return Plan(data.log, candidate, default_texts(), stored, data.day_keys, data.wrapping_key)


def replayed(folder: Path, said: Iterable[Said], *rules: str) -> Replayed:
    """*rules* over *said*."""
    data = write_history(folder, said)
    return replay_log(plan_of(data, *rules), 0, LogReader(data.log).size(), 1, lambda count: None)


def test_what_would_have_been_denied_is_told_with_who_rule_and_example(tmp_path: Path) -> None:
    """Statements that differ in literals are one change; the example is shown without them."""
    said = [Said(TICKETS.replace("7", str(n)), DEVELOPER) for n in range(5)]
    said += [Said(TICKETS, SERVICE), Said("SELECT 1", DEVELOPER), Said(TICKETS, AGENT)]
    found = replayed(tmp_path, said, NO_TICKETS)
    assert (found.statements, found.judged, dict(found.unjudged)) == (8, 8, {})
    assert dict(found.changes) == {
        Change("person-1", "person-1", "allow", "deny", ("no-tickets",)): 5,
        Change("person-0", "agent-0 for person-0", "allow", "deny", ("no-tickets",)): 1,
    }
    example = found.examples[Change("person-1", "person-1", "allow", "deny", ("no-tickets",))]
    assert example[1] == "SELECT body FROM support_tickets WHERE customer_id = ?"


def test_the_same_rules_change_nothing_but_what_has_changed_since(tmp_path: Path) -> None:
    """What the rules in force would decide otherwise by now is told apart."""
    said = [Said(TICKETS, DEVELOPER), Said("DELETE FROM orders", DEVELOPER, "hold"), Said("DROP TABLE orders", OTHER, "allow")]
    found = replayed(tmp_path, said)
    assert dict(found.changes) == {Change("person-0", "person-0", "allow", "deny", ("no-drop-of-data",), anyway=True): 1}


def test_what_would_be_shown_or_masked_is_told(tmp_path: Path) -> None:
    """An unmasked label is the most expensive surprise of all."""
    see = HEAD.format("see") + 'permit (principal is Human, action == Action::"unmask", resource == Label::"email");'
    found = replayed(tmp_path, [Said("SELECT email FROM customers", DEVELOPER)], see)
    (change,) = found.changes
    assert (change.before, change.after, change.shown, change.hidden) == ("allow", "allow", ("email",), ())


def test_an_approved_execution_is_judged_as_approved(tmp_path: Path) -> None:
    """And what was only observed by what it would have been."""
    said = [
        Said("DELETE FROM orders", DEVELOPER, grant="req-1"),
        Said("DELETE FROM orders", DEVELOPER, rules=("observed-not-held", "x")),
        Said("SELECT 1", DEVELOPER, rules=("only-observed", "x")),
    ]
    assert not replayed(tmp_path, said).changes


def test_claims_addresses_and_times_are_those_of_then(tmp_path: Path) -> None:
    """The session's, the statement's, and the moment's."""
    rule = HEAD.format("x") + 'forbid (principal, action == Action::"read", resource) when { %s };'
    said = [Said("SELECT 1", OTHER, claimed=(("ticket", "OPS-1"),)), Said("SELECT 1", DEVELOPER)]
    for condition, who in (
        ('context.ticket == "OPS-1"', {"person-0"}),
        ('context has client && context.client == ip("10.0.0.1")', {"person-1"}),
        (f"context.time.epoch == {BEGAN_US // 1_000_000}", {"person-0", "person-1"}),
        ('context.application == "other"', set()),
    ):
        found = replayed(tmp_path / str(len(condition)), said, rule % condition)
        assert {change.person for change in found.changes} == who


def test_what_cannot_be_read_again_is_counted_and_not_judged(tmp_path: Path) -> None:
    """A text that was not kept, one whose key was destroyed, EXECUTE, somebody who is not there any more."""
    said = [*(Said(text, DEVELOPER) for text in RARE), Said(TICKETS, 2), Said("SELECT 1", DEVELOPER)]
    data = write_history(tmp_path, said)
    store = open_store(data.store)
    store.principals.revoke(PEOPLE[2].id, 2)
    store.close()
    whole = replay_log(plan_of(data), 0, LogReader(data.log).size(), 1, lambda count: None)
    assert (whole.statements, whole.judged) == (5, 2)
    assert set(whole.unjudged) == {
        "the text is not kept, or its key was destroyed",
        "it runs what another statement said",
        "somebody in the chain is not there any more",
    }
    keys = keys_in(data.day_keys, data.wrapping_key)
    keys.erase(keys.all()[0].id, 3, "operator")
    erased = replay_log(plan_of(data), 0, LogReader(data.log).size(), 1, lambda count: None)
    assert erased.judged == 1  # DELETE FROM order_items has no literal, and is in clear; SELECT 1 is sealed
    assert erased.statements == 5


def test_parts_and_processes_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However it is cut."""
    data = write_history(tmp_path, statements(900))
    plan, size = plan_of(data, NO_TICKETS), LogReader(data.log).size()
    whole = replay_log(plan, 0, size, 1, lambda count: None)
    assert whole.statements == 900
    monkeypatch.setattr("doorward.rehearsal.parts.PART", 100)
    monkeypatch.setattr("doorward.rehearsal.parts.ALONE", 0)
    seen: list[int] = []
    apart = replay_log(plan, 0, size, 2, seen.append)
    assert sum(seen) == size
    assert (apart.changes, apart.examples, apart.unjudged) == (whole.changes, whole.examples, whole.unjudged)


def test_a_replay_may_begin_at_a_moment(tmp_path: Path) -> None:
    """Found without reading all that lies before."""
    data = write_history(tmp_path, statements(300))
    reader = LogReader(data.log)
    sessions = reader.size() - 300
    assert first_since(reader, 0) == 0
    assert first_since(reader, BEGAN_US + 100 * APART_US) == sessions + 100
    assert first_since(reader, BEGAN_US + 100 * APART_US - 1) == sessions + 100
    assert first_since(reader, BEGAN_US + 10**12) == reader.size()
