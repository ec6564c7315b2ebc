"""Cases run against a set of rules: what each expected, what came of it, and which rules had a say in any."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from doorward.model.approval import ApprovalRequest
from doorward.model.decision import Facts
from doorward.policy.decide import Policy
from doorward.policy.load import load
from doorward.rehearsal.cases import Case, Expected
from doorward.rehearsal.statements import Trial, rules_of, try_statement

_NO_FACTS = Facts(action="", tags=())
ADDED_FILE = "zz-added-by-the-case.cedar"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was expected, in words."""

    what: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """A case and what came of it. *rules* are all that had a say, also in what is shown and masked."""

    case: Case
    trial: Trial
    differences: tuple[Difference, ...]
    rules: frozenset[str]

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.differences


def run_cases(texts: Mapping[str, str], cases: Iterable[Case]) -> tuple[Outcome, ...]:
    """The outcome of each case under the rules in *texts*. Raises PolicyInvalid when they can't be used, or a case's."""
    policies: dict[str, Policy] = {}
    outcomes = []
    for case in cases:
        if case.added not in policies:
            added = {ADDED_FILE: case.added} if case.added else {}
            policies[case.added] = Policy(load({**texts, **added}))
        outcomes.append(run_case(policies[case.added], case))
    return tuple(outcomes)


def run_case(policy: Policy, case: Case) -> Outcome:
    """The outcome of one case."""
    if case.question is not None:
        decision = policy.may_approve(case.identity.speaker, _request(case))
        trial = Trial(_NO_FACTS, decision)
        return Outcome(case, trial, _differences(case.expected, trial), rules_of(decision.reasons))
    trial = try_statement(
        policy,
        case.identity,
        case.statement,
        case.snapshot,
        case.upstream,
        case.database,
        approved=case.approved,
        circumstances=case.circumstances,
        at_us=case.at_us,
        granted=case.granted,
    )
    rules = rules_of(trial.decision.reasons)
    for label in trial.masked | trial.shown | trial.scanned:
        rules |= rules_of(
            policy.why_shown(
                case.identity,
                trial.facts,
                case.upstream,
                case.database,
                label,
                approved=case.approved,
                circumstances=case.circumstances,
                at_us=case.at_us,
                granted=case.granted,
            )
        )
    return Outcome(case, trial, _differences(case.expected, trial), rules)


def _request(case: Case) -> ApprovalRequest:
    assert case.question is not None
    asked = case.question.asked_by
    return ApprovalRequest(
        id="case",
        session="case",
        chain=asked.chain,
        principal_id=asked.principal.id,
        actor_ids=tuple(actor.id for actor in asked.actors),
        upstream=case.upstream,
        statement="",
        parameters=(),
        action="write",
        objects=(),
        labels=(),
        rules=(),
        reason="",
        approvers=case.question.group,
        policy_version="",
        binding="",
        asked_us=0,
        expires_us=0,
    )


def _differences(expected: Expected, trial: Trial) -> tuple[Difference, ...]:
    decision = trial.decision
    pairs: list[tuple[str, object, object, Callable[[object], str]]] = [
        ("verdict", expected.verdict, decision.verdict, _word),
        ("rules", expected.rules, rules_of(decision.reasons), _listed),
        ("holds for", expected.holds_for, decision.approvers, str),
        ("masked", expected.masked, trial.masked, _listed),
        ("scanned", expected.scanned, trial.scanned, _listed),
        ("shown", expected.shown, trial.shown, _listed),
        ("row limit", expected.row_limit, decision.row_limit, str),
        ("parameters", expected.parameters, decision.parameters, _word),
    ]
    return tuple(
        Difference(what, told(wanted), told(got)) for what, wanted, got, told in pairs if wanted is not None and wanted != got
    )


def _word(value: object) -> str:
    return str(getattr(value, "value", value))


def _listed(values: object) -> str:
    assert isinstance(values, frozenset)
    return ", ".join(sorted(map(_word, values))) or "none"
