"""What clients are told when a statement does not run: what, by which rule, what to do next."""

from __future__ import annotations

from collections.abc import Sequence

from doorward.errors import AuditUnavailable
from doorward.model.approval import RequestState
from doorward.model.decision import Decision, Facts
from doorward.model.entry import ColumnStamp
from doorward.policy.explain import explain
from doorward.policy.floors import UNREADABLE_STATEMENT
from doorward.proxy.holds import Settlement
from doorward.wire.governor import Refusal

# SQLSTATEs that clients know (manual, "PostgreSQL Error Codes").
INSUFFICIENT_PRIVILEGE = "42501"
CANCELLED = "57014"
SYNTAX_ERROR = "42601"
LIMIT_EXCEEDED = "54000"


def denied(decision: Decision, facts: Facts) -> Refusal:
    """Policy, or the reading of the statement, says no."""
    told = explain(decision, facts)
    sqlstate = SYNTAX_ERROR if decision.reasons[0].rule == UNREADABLE_STATEMENT.rule else INSUFFICIENT_PRIVILEGE
    return Refusal(sqlstate, told.message, told.detail, told.hint)


def after_a_wait(settlement: Settlement, decision: Decision) -> Refusal:
    """The statement was held, and not approved."""
    rule = _rule(decision)
    if settlement.state is RequestState.REJECTED:
        said = f" They said: {settlement.reason}" if settlement.reason else ""
        message, hint = f"{settlement.by} rejected this statement.{said}", "Talk to them before you ask again."
        return Refusal(INSUFFICIENT_PRIVILEGE, message, rule, hint)
    if settlement.state is RequestState.EXPIRED:
        message, hint = "Nobody approved this statement in time.", "Run it again when an approver is there."
        return Refusal(INSUFFICIENT_PRIVILEGE, message, rule, hint)
    return Refusal(CANCELLED, "canceling statement due to user request", rule)


def nobody_to_ask(decision: Decision) -> Refusal:
    """The statement needs an approval, and the question can't be put."""
    message = "Doorward could not ask anybody to approve this statement."
    return Refusal(INSUFFICIENT_PRIVILEGE, message, _rule(decision), "Try again; if it stays, tell the operator.")


def cut_at_row_limit(limit: int, decision: Decision) -> Refusal:
    """The result was longer than policy lets this identity have."""
    hint = f"Ask for at most {limit} rows with LIMIT, or aggregate in the statement."
    return Refusal(LIMIT_EXCEEDED, f"Doorward ended the result after {limit} rows.", _rule(decision), hint)


_WHY_MASKED = {
    "labelled": "masked, for it holds {label}",
    "scanned": "shown with what was found in it replaced, for it holds {label}",
    "tokenized": "shown as tokens, for it holds {label}",
    "unproven": "masked whole, for nothing proves that it is calculated from clear columns alone",
}
_MOST_NAMED = 20


def masked(columns: Sequence[ColumnStamp], count: int) -> tuple[str, str, str]:
    """What a client that asked for it is told of a result: message, detail, hint."""
    told = [column for column in columns if column.treatment in _WHY_MASKED]
    lines = [f"{column.name}: {_WHY_MASKED[column.treatment].format(label=column.label)}" for column in told[:_MOST_NAMED]]
    if count > len(lines):
        lines.append(f"and {count - len(lines)} more")
    what = "1 column" if count == 1 else f"{count} columns"
    hint = "Whoever keeps the rules can clear you for a label."
    return f"Doorward masked {what} of this result.", "\n".join(lines), hint


def unrecorded(error: AuditUnavailable) -> Refusal:
    """The log can't be written: nothing is forwarded."""
    return Refusal(error.sqlstate, f"Nothing was run: {error.message}", "", error.remedy or "Tell the operator of Doorward.")


def _rule(decision: Decision) -> str:
    return f"Rule {decision.reasons[0].rule}: {decision.reasons[0].text}"
