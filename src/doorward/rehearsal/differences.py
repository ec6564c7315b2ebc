"""Two sets of rules side by side: which rules differ, and what that changes for cases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from doorward.policy.load import load
from doorward.policy.rules import Rule
from doorward.rehearsal.cases import Case
from doorward.rehearsal.verdicts import Outcome, run_cases

ADDED, REMOVED, CHANGED = "added", "removed", "changed"


@dataclass(frozen=True, slots=True)
class RuleDifference:
    """A rule that is in one set alone, or says something else in the other. *change* is added, removed or changed."""

    id: str
    change: str
    before: Rule | None
    after: Rule | None


@dataclass(frozen=True, slots=True)
class CaseDifference:
    """A case of which something else comes."""

    before: Outcome
    after: Outcome


def rule_differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[RuleDifference, ...]:
    """What differs between two sets of texts, in the order of ids; where a rule stands doesn't matter. Raises PolicyInvalid."""
    old, new = load(before).by_id, load(after).by_id
    found = []
    for key in sorted({*old, *new}):
        one, other = old.get(key), new.get(key)
        if one is None or other is None:
            found.append(RuleDifference(key, ADDED if one is None else REMOVED, one, other))
        elif _told(one) != _told(other):
            found.append(RuleDifference(key, CHANGED, one, other))
    return tuple(found)


def _told(rule: Rule) -> Rule:
    """*rule* wherever it stands and however its lines are broken."""
    return replace(rule, file="", line=0, source=" ".join(rule.source.split()))


def case_differences(before: Mapping[str, str], after: Mapping[str, str], cases: Iterable[Case]) -> tuple[CaseDifference, ...]:
    """The *cases* of which something else comes, whatever they expect. Raises PolicyInvalid."""
    listed = list(cases)
    pairs = zip(run_cases(before, listed), run_cases(after, listed), strict=True)
    return tuple(CaseDifference(one, other) for one, other in pairs if _came(one) != _came(other))


def _came(outcome: Outcome) -> tuple[object, ...]:
    """What came of a case, apart from the version of the rules."""
    trial, decision = outcome.trial, outcome.trial.decision
    reasons = frozenset(reason.rule for reason in decision.reasons)
    obligations = (decision.approvers, decision.hold_seconds, decision.quorum, decision.row_limit, decision.parameters)
    return decision.verdict, reasons, trial.masked, trial.scanned, trial.shown, obligations
