"""One statement tried under a set of rules: the steps of the statement path that need no database, in their order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from doorward.catalog.resolve import resolve
from doorward.model.catalog import Label, Snapshot
from doorward.model.decision import NOTHING_GRANTED, NOTHING_KNOWN, Circumstances, Decision, Facts, Granted, Reason, Verdict
from doorward.model.identity import Identity
from doorward.model.statement import Analysis
from doorward.policy.decide import Policy
from doorward.proxy import judging
from doorward.sql.analyze import analyze

_analyze = lru_cache(maxsize=1_024)(analyze)


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of a statement. *masked*, *scanned* and *shown* are the protected labels within its reach."""

    facts: Facts
    decision: Decision
    masked: frozenset[Label] = frozenset()
    scanned: frozenset[Label] = frozenset()
    shown: frozenset[Label] = frozenset()


def try_statement(
    policy: Policy,
    identity: Identity,
    text: str,
    snapshot: Snapshot,
    upstream: str,
    database: str,
    *,
    approved: bool = False,
    circumstances: Circumstances = NOTHING_KNOWN,
    at_us: int = 0,
    granted: Granted = NOTHING_GRANTED,
) -> Trial:
    """Analyze, resolve and decide *text* as a session of *identity* would have it done."""
    analysis: Analysis = _analyze(text)
    facts = resolve(analysis, snapshot).facts
    decision = judging.decide(
        policy,
        identity,
        analysis,
        facts,
        upstream,
        database,
        approved=approved,
        circumstances=circumstances,
        at_us=at_us,
        granted=granted,
    )
    if decision.verdict is Verdict.DENY:
        return Trial(facts, decision)
    protected = frozenset(label for label in facts.labels if label.is_protected)
    shown = protected & decision.cleared
    scanned = (protected & decision.scanned) - shown
    return Trial(facts, decision, protected - shown - scanned, scanned, shown)


def rules_of(reasons: tuple[Reason, ...]) -> frozenset[str]:
    """The ids of the rules that decided."""
    return frozenset(reason.rule for reason in reasons)
