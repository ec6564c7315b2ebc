"""What is decided of a text and of its result: for a session that runs it, and for whoever has it explained."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from doorward.catalog.resolve import Resolved
from doorward.masking.plan import Plan, plan_result
from doorward.model.catalog import Label
from doorward.model.decision import NOTHING_GRANTED, NOTHING_KNOWN, Circumstances, Decision, Facts, Granted, Verdict
from doorward.model.identity import Identity
from doorward.model.result import ResultColumn
from doorward.model.statement import Analysis
from doorward.policy.decide import Policy


def decide(
    policy: Policy,
    identity: Identity,
    analysis: Analysis,
    facts: Facts,
    upstream: str,
    database: str,
    *,
    approved: bool,
    circumstances: Circumstances = NOTHING_KNOWN,
    at_us: int = 0,
    granted: Granted = NOTHING_GRANTED,
) -> Decision:
    """May *identity* run it? What can't be read is refused whatever *facts* say."""
    if analysis.error:
        return policy.decide_unreadable(analysis.error, upstream)
    return policy.decide(
        identity, facts, upstream, database, approved=approved, circumstances=circumstances, at_us=at_us, granted=granted
    )


# How a setting is spelled. Custom ones have a dot; what is shorter could be the number of something that prints as anything.
_SETTING = re.compile(rb"[A-Za-z_]{6,63}")


def hides_settings(analysis: Analysis, inner: Sequence[Analysis], parameters: Sequence[bytes | None]) -> bool:
    """Whether a parameter may name a setting that clients don't read: one that is not spelled like a built-in setting's name.

    The values with which a statement was prepared or declared are not known here, so *inner* may have no such parameter.
    """
    numbers = [number for statement in analysis.statements for number in statement.shown_parameters]
    values = [parameters[number - 1] if number <= len(parameters) else None for number in numbers]
    return any(other.shows_settings for other in inner) or any(not _SETTING.fullmatch(value or b"") for value in values)


def plan(
    resolved: Resolved, decision: Decision, labels: Mapping[tuple[int, int], Label], columns: Sequence[ResultColumn]
) -> Plan:
    """What is done to each of *columns*, a result of what *resolved* is about."""
    fits = resolved.output_count == len(columns)
    return plan_result(
        columns,
        labels,
        decision.cleared if decision.verdict is Verdict.ALLOW else frozenset(),
        expressions_are_clear=resolved.expressions_are_clear,
        clear_outputs=resolved.clear_outputs if fits else frozenset(),
        origins_hold=not resolved.facts.copies_protected,
        scanned=decision.scanned,
        tokenized=decision.tokenized,
        observed=decision.observed,
    )
