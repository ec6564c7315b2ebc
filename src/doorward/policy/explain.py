"""A decision in words: what clients are sent, and what agents read.

Only names are told: commands, objects, rules and groups. Never a value from a row, a parameter or a credential.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from doorward.model.decision import Decision, Facts, Reason, Verdict
from doorward.policy.rules import GROUP_JOINT

OBJECTS_TOLD = 3  # more names than this make a message that nobody reads
OBJECTS_IN_FIELDS = 50  # keeps the fields within what clients show of a notice
LONGEST_NAME = 130  # schema.name of PostgreSQL: 63 bytes each, a dot, and some for the ellipsis

_OPENINGS = {
    Verdict.ALLOW: "Doorward permits {what}",
    Verdict.DENY: "Doorward refused {what}",
    Verdict.HOLD: "Doorward holds {what} until somebody approves it",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The three texts of an ErrorResponse or NoticeResponse, and the same as JSON on one line."""

    message: str
    detail: str
    hint: str
    json: str


def _one_line(words: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in words)


def _plain(name: str) -> str:
    """*name* on one line and of bearable length: quoted identifiers may hold anything."""
    shown = _one_line(name)
    return shown if len(shown) <= LONGEST_NAME else shown[: LONGEST_NAME - 1] + "…"


def _listed(names: tuple[str, ...]) -> str:
    told = [_plain(name) for name in dict.fromkeys(names)]
    rest = len(told) - OBJECTS_TOLD
    return ", ".join(told[:OBJECTS_TOLD]) + (f" and {rest} more" if rest > 0 else "")


# A change that hides in a WITH of something that reads like a query is called what it is.
_CHANGING = {("write", "SELECT"): "SELECT that changes rows", ("write", "VALUES"): "VALUES that changes rows"}


def _what(facts: Facts) -> str:
    """``DROP TABLE on public.orders``."""
    command = (
        _listed(tuple(_CHANGING.get((facts.action, tag), tag) for tag in facts.tags)) or f"a statement ({_plain(facts.action)})"
    )
    objects = _listed((*facts.objects, *facts.unresolved))
    return f"{command} on {objects}" if objects else command


def _detail(decision: Decision, facts: Facts) -> str:
    told = [f"Rule {reason.rule}: {_one_line(reason.text)}" for reason in decision.reasons]
    refusal = _one_line(facts.refusal)
    # The analysis's own words, unless the rule is already made of them.
    if decision.verdict is Verdict.DENY and refusal and not any(refusal in line for line in told):
        told.append(refusal)
    return "\n".join(told)


def who_can_approve(approvers: str) -> str:
    """``Somebody in the group security can approve it``; empty when nobody can."""
    groups = [group for group in approvers.split(GROUP_JOINT) if group]
    if not groups:
        return ""
    if len(groups) == 1:
        return f"Somebody in the group {groups[0]} can approve it, other than you."
    return f"Somebody who is in all of the groups {', '.join(groups)} can approve it, other than you."


def _hint(decision: Decision, link: str) -> str:
    told = [who_can_approve(decision.approvers), f"The request is at {link}" if link else ""]
    told += dict.fromkeys(reason.advice for reason in decision.reasons if decision.verdict is not Verdict.ALLOW)
    return "\n".join(line for line in told if line)


def _rule_fields(reason: Reason) -> dict[str, str]:
    return {"id": reason.rule, "text": reason.text, "advice": reason.advice}


def explain(decision: Decision, facts: Facts, *, link: str = "") -> Explanation:
    """What to tell whoever sent the statement. *link* is where its request can be seen, when it is held."""
    message = _OPENINGS[decision.verdict].format(what=_what(facts))
    hint = _hint(decision, link)
    fields = {
        "verdict": decision.verdict.value,
        "message": message,
        "action": facts.action,
        "commands": [_plain(tag) for tag in facts.tags[:OBJECTS_IN_FIELDS]],
        "objects": [_plain(name) for name in (*facts.objects, *facts.unresolved)[:OBJECTS_IN_FIELDS]],
        "rules": [_rule_fields(reason) for reason in decision.reasons],
        "approvers": [group for group in decision.approvers.split(GROUP_JOINT) if group],
        "hold_seconds": decision.hold_seconds,
        "row_limit": decision.row_limit,
        "what_to_do": hint,
        "link": link,
        "policy_version": decision.policy_version,
    }
    return Explanation(message, _detail(decision, facts), hint, json.dumps(fields))
