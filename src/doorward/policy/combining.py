"""What several rules make together, when all of them have their say: the strictest of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from doorward.model.decision import Budget, Parameters, Steered
from doorward.policy.rules import GROUP_JOINT, Rule


def smallest(limits: Iterable[int]) -> int:
    """The smallest limit, where 0 is none."""
    return min((limit for limit in limits if limit), default=0)


_TOLD = {way: position for position, way in enumerate(Parameters)}


def least_told(ways: Iterable[Parameters | None]) -> Parameters:
    """The way of keeping parameters that tells least of those that rules ask for; digests when none says anything."""
    return min((way for way in ways if way is not None), key=_TOLD.__getitem__, default=Parameters.HASHED)


def escalation(holds: list[Rule]) -> dict[str, Any]:
    """Who is asked later: for each rule its second group, or the first where it has none; nobody sooner than all rules say."""
    if not any(rule.escalate for rule in holds):
        return {}
    groups = {rule.escalate or rule.hold for rule in holds}
    if groups == {rule.hold for rule in holds}:
        return {}
    seconds = max(rule.escalate_seconds for rule in holds)
    return {"escalates_to": GROUP_JOINT.join(sorted(groups)), "escalates_seconds": seconds}


def budget_of(steered: Steered, rules: list[Rule]) -> Budget:
    """The strictest of what *rules* let be learned of a column."""
    return Budget(
        steered.column,
        steered.label,
        probes=smallest(rule.probes for rule in rules),
        rows=smallest(rule.learned_rows for rule in rules),
        window_seconds=max(rule.window_seconds for rule in rules),
        approvers=GROUP_JOINT.join(sorted({rule.beyond for rule in rules})),
        rule=rules[0].id,
        times=steered.times,
    )
