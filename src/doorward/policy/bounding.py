"""What a decision becomes under bounds: stricter, or what it was."""

from __future__ import annotations

from dataclasses import replace

from doorward.model.bounds import Bounds
from doorward.model.decision import Decision, Facts, Reason, Verdict
from doorward.model.statement import Action


def bounded(decision: Decision, facts: Facts, bounds: Bounds) -> Decision:
    """*decision* on *facts*, within *bounds*. A refusal stays the refusal that it was."""
    if decision.verdict is Verdict.DENY:
        return decision
    why = _why_outside(facts, bounds)
    if why is not None:
        return Decision(Verdict.DENY, (why,), decision.policy_version)
    if bounds.rows and (not decision.row_limit or bounds.rows < decision.row_limit):
        reason = Reason(bounds.rule, f"{bounds.text} gives at most {bounds.rows} rows of a result.")
        return replace(decision, row_limit=bounds.rows, reasons=(*decision.reasons, reason))
    return decision


def _why_outside(facts: Facts, bounds: Bounds) -> Reason | None:
    if bounds.read_only and Action(facts.action).severity > Action.READ.severity:
        return Reason(bounds.rule, f"{bounds.text} only reads.", "Ask for leave to write, if that is what the task needs.")
    if bounds.tables:
        outside = [name for name in (*facts.objects, *facts.unresolved) if name not in bounds.tables]
        if outside:
            return Reason(
                bounds.rule,
                f"{bounds.text} reaches {', '.join(sorted(bounds.tables))}, and nothing else.",
                "Leave the other tables out, or ask for a task that includes them.",
            )
    return None
