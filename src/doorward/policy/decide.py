"""Ask the rules in force: may this run, may this be approved.

Three outcomes make one, strictest first: DENY, HOLD, ALLOW. Everybody in an identity chain is judged by themselves and the
strictest judgement holds, so an agent never may what the person behind it may not, nor the other way round. Nothing here
counts or looks at a clock: one question always has one answer, which is why answers are remembered. Only what some rule speaks
of is part of the question, so that the time of day makes answers short-lived where a rule asks for it, and nowhere else.
(One module: what is remembered must be asked in one place alone.)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from cedarpy import AuthzResult, Entities, is_authorized_batch
from cedarpy import Decision as CedarDecision

from doorward.model.approval import ApprovalRequest
from doorward.model.catalog import Label
from doorward.model.decision import (
    NOTHING_GRANTED,
    NOTHING_KNOWN,
    Budget,
    Circumstances,
    Decision,
    Facts,
    Granted,
    Reason,
    Verdict,
)
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.policy import floors, request
from doorward.policy.combining import budget_of, escalation, least_told, smallest
from doorward.policy.load import ACTIONS, APPROVE, SCAN, UNMASK, WAYS, PolicySetInForce, Prepared, schema
from doorward.policy.rules import GROUP_JOINT, REQUIREMENTS, TOKEN, Rule

# A decision with its facts is about 3 KiB: 12 MiB at most. An application's statements are a few hundred.
DECISIONS_REMEMBERED = 4096
# Entities of a chain are about 30 KiB, all labels included.
CHAINS_REMEMBERED = 256

_Situation = tuple[tuple[str, ...], int]
"""The circumstances that some rule asks for, in the order of its Needs, and the number of the step of time."""
_NO_SITUATION: _Situation = ((), 0)

_STATEMENT_ACTIONS = frozenset(ACTIONS) - {UNMASK, SCAN, APPROVE, *WAYS}
_STRICTNESS = {Verdict.ALLOW: 0, Verdict.HOLD: 1, Verdict.DENY: 2}
_OBSERVED = {
    Verdict.ALLOW: floors.OBSERVED,
    Verdict.HOLD: floors.OBSERVED_NOT_HELD,
    Verdict.DENY: floors.OBSERVED_NOT_DENIED,
}
_PROTECTED_LABELS = frozenset(label for label in Label if label.is_protected)


@dataclass(frozen=True, slots=True)
class _Judgement:
    """What the rules say of one member of a chain, and which rules decided."""

    verdict: Verdict
    rules: tuple[Rule, ...] = ()
    failed: bool = False
    otherwise: Reason = floors.NO_RULE_PERMITS
    about: str = ""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why, never empty. A refusal that can't be lifted leaves out the rules that could be."""
        if self.failed:
            return (floors.POLICY_ERROR,)
        deciding = [rule for rule in self.rules if self.verdict is not Verdict.DENY or not rule.hold]
        about = f" [{self.about}]" if self.about else ""
        return tuple(Reason(rule.id, rule.text + about, rule.advice) for rule in deciding) or (self.otherwise,)


_FAILED = _Judgement(Verdict.DENY, failed=True)


class Policy:
    """The rules in force, ready to be asked. Replaced whole when they change; never raises for what it is asked about.

    *observed* names the upstreams that are only watched: there everything is allowed and nothing masked, and the decision
    tells what it would have been.
    """

    def __init__(self, in_force: PolicySetInForce, observed: frozenset[str] = frozenset()) -> None:
        self.in_force = in_force
        self.observed = observed
        self._remembered = lru_cache(maxsize=DECISIONS_REMEMBERED)(self._decide)
        self._entities = lru_cache(maxsize=CHAINS_REMEMBERED)(_entities)

    def decide(
        self,
        identity: Identity,
        facts: Facts,
        upstream: str,
        database: str,
        *,
        approved: bool = False,
        circumstances: Circumstances = NOTHING_KNOWN,
        at_us: int = 0,
        granted: Granted = NOTHING_GRANTED,
    ) -> Decision:
        """May *identity* run what *facts* describe on *database* of *upstream*?

        *at_us* is the present moment (microseconds of Unix time); the decision's ``until_us`` says how long it holds.
        *approved* lifts the rules with @hold: the caller vouches that somebody whom :meth:`may_approve` lets answer said
        yes to exactly this execution under this version of the rules. *granted* is what fits it of the access that whoever
        holds the connection was granted for a time; broken glass lifts the same rules as an approval.
        """
        situation = self._situation(facts.action, circumstances, at_us)
        chain = (identity.principal, *identity.actors)
        decision = self._remembered(chain, facts, upstream, database, approved, situation, granted)
        return _only_observed(decision) if upstream in self.observed else decision

    def decide_unreadable(self, why: str, upstream: str) -> Decision:
        """The decision on a text that can't be read: no rule permits what nobody knows."""
        decision = self._floor(replace(floors.UNREADABLE_STATEMENT, text=why))
        return _only_observed(decision) if upstream in self.observed else decision

    def may_approve(self, approver: Principal, asked: ApprovalRequest) -> Decision:
        """May *approver* answer *asked*? ALLOW or DENY.

        That only people answer, and never their own, is not up to any rule. A request put to several groups needs
        somebody who is in all of them.
        """
        groups = asked.approvers.split(GROUP_JOINT)
        if approver.kind is not PrincipalKind.HUMAN:
            return self._floor(floors.ONLY_PEOPLE_APPROVE)
        if approver.id in (asked.principal_id, *asked.actor_ids):
            return self._floor(floors.NOBODY_APPROVES_THEIR_OWN)
        if not set(groups) <= set(approver.groups):
            return self._floor(floors.NOT_IN_APPROVER_GROUP)
        context = request.request_context(asked)
        questions = [request.ask(approver, APPROVE, request.uid("Group", group), context) for group in groups]
        judgements = self._put(self.in_force.strict[APPROVE], self._entities((approver,), asked.upstream, ""), questions)
        decision = self._strictest(judgements)
        if decision.verdict is Verdict.HOLD:  # an approval can't wait for another approval
            return Decision(Verdict.DENY, decision.reasons, self.in_force.version)
        return decision

    def why_shown(
        self,
        identity: Identity,
        facts: Facts,
        upstream: str,
        database: str,
        label: Label,
        *,
        approved: bool = False,
        circumstances: Circumstances = NOTHING_KNOWN,
        at_us: int = 0,
        granted: Granted = NOTHING_GRANTED,
    ) -> tuple[Reason, ...]:
        """Which rules have it that *label* is shown, scanned or masked in an answer to *identity*: those that decided last."""
        chain = (identity.principal, *identity.actors)
        entities = self._entities(chain, upstream, database)
        context = request.statement_context(
            facts, upstream, database, approved=approved, circumstances=circumstances, at_us=at_us, granted=granted
        )
        policies = self.in_force.lifted if approved or granted.break_glass else self.in_force.strict
        where = request.uid("Label", label.value)
        decisions = []
        for action in (UNMASK, SCAN):
            questions = [request.ask(who, action, where, context) for who in chain]
            decisions.append(self._strictest(self._put(policies[action], entities, questions), circumstances))
        unmasked, scanned = decisions
        if unmasked.verdict is not Verdict.ALLOW and scanned.verdict is Verdict.ALLOW:
            return scanned.reasons
        return unmasked.reasons

    def _situation(self, action: str, circumstances: Circumstances, at_us: int) -> _Situation:
        """What of *circumstances* and the time any rule asks for."""
        needs = self.in_force.needs.get(action)
        if needs is None or not (needs.circumstances or needs.step_us):
            return _NO_SITUATION
        known = tuple([getattr(circumstances, name) for name in needs.circumstances])
        return known, at_us // needs.step_us if needs.step_us else 0

    def _decide(
        self,
        chain: tuple[Principal, ...],
        facts: Facts,
        upstream: str,
        database: str,
        approved: bool,
        situation: _Situation,
        granted: Granted,
    ) -> Decision:
        needs = self.in_force.needs.get(facts.action)
        decision = self._decide_now(chain, facts, upstream, database, approved, situation, granted)
        if granted.row_limit and decision.verdict is Verdict.ALLOW:
            decision = replace(decision, row_limit=smallest((decision.row_limit, granted.row_limit)))
        if granted.ids:
            decision = replace(decision, grants=granted.ids)
        if needs is None or not needs.step_us:
            return decision
        return replace(decision, until_us=(situation[1] + 1) * needs.step_us)

    def _decide_now(
        self,
        chain: tuple[Principal, ...],
        facts: Facts,
        upstream: str,
        database: str,
        approved: bool,
        situation: _Situation,
        granted: Granted,
    ) -> Decision:
        if facts.action not in _STATEMENT_ACTIONS:
            unlisted = floors.UNLISTED_STATEMENT
            return self._floor(Reason(unlisted.rule, facts.refusal or unlisted.text, unlisted.advice))
        if chain[0].kind is PrincipalKind.AGENT:
            return self._floor(floors.NOBODY_BEHIND_AGENT)
        needs = self.in_force.needs[facts.action]
        circumstances = Circumstances(**dict(zip(needs.circumstances, situation[0], strict=False)))
        entities = self._entities(chain, upstream, database)

        def told(only: frozenset[str] | None) -> str:
            return request.statement_context(
                facts,
                upstream,
                database,
                approved=approved,
                circumstances=circumstances,
                at_us=situation[1] * needs.step_us,
                only=only,
                granted=granted,
            )

        context = told(needs.facts)
        where = request.database_uid(upstream, database)
        policies = self.in_force.lifted if approved or granted.break_glass else self.in_force.strict
        questions = [request.ask(who, facts.action, where, context) for who in chain]
        judgements = self._put(policies[facts.action], entities, questions)
        budgets: tuple[Budget, ...] = ()
        if facts.steering:
            steering, budgets = self._steering(policies, chain, entities, facts, context, circumstances)
            judgements += steering
        decision = self._strictest(judgements, circumstances)
        if decision.verdict is Verdict.HOLD:
            # What would be refused even when approved is refused now, so that nobody is asked in vain; and what would be
            # shown when approved is what approvers are told.
            once_approved = self._remembered(chain, facts, upstream, database, True, situation, granted)
            if once_approved.verdict is Verdict.DENY:
                return once_approved
            return replace(
                decision,
                cleared=once_approved.cleared,
                scanned=once_approved.scanned,
                tokenized=once_approved.tokenized,
                row_limit=once_approved.row_limit,
                parameters=once_approved.parameters,
            )
        if decision.verdict is Verdict.ALLOW:
            if facts.labels:  # rules on showing mostly ask for less, and are asked once a label
                context = told(self.in_force.needs[UNMASK].facts)
            cleared = self._shown(UNMASK, policies[UNMASK], chain, entities, facts, context, circumstances)
            scanned = self._shown(SCAN, policies[SCAN], chain, entities, facts, context, circumstances)
            tokenized = self._tokenized(policies[SCAN], chain, entities, scanned - cleared, context)
            return replace(
                decision, cleared=cleared, scanned=scanned - cleared - tokenized, tokenized=tokenized, budgets=budgets
            )
        return decision

    def _steering(
        self,
        policies: Mapping[str, Prepared],
        chain: tuple[Principal, ...],
        entities: Entities | None,
        facts: Facts,
        context: str,
        circumstances: Circumstances,
    ) -> tuple[list[_Judgement], tuple[Budget, ...]]:
        """What the rules say of each protected column that steers rows, but for labels that may be seen anyway.

        Of all rules that permit it, to anybody in the chain, the smallest bounds make the budget of a column.
        """
        cleared = self._shown(UNMASK, policies[UNMASK], chain, entities, facts, context, circumstances)
        judgements: list[_Judgement] = []
        budgets: list[Budget] = []
        for way, label in dict.fromkeys((steered.way, steered.label) for steered in facts.steering):
            if label in cleared:
                continue
            concerned = [steered for steered in facts.steering if steered.way is way and steered.label is label]
            columns = ", ".join(steered.column for steered in concerned)
            questions = [request.ask(who, way.value, request.uid("Label", label.value), context) for who in chain]
            told = self._put(policies[way.value], entities, questions)
            otherwise = floors.not_by(way, columns, label.value)
            judgements += [replace(one, otherwise=otherwise, about=columns) for one in told]
            bounding = [rule for one in told for rule in one.rules if rule.beyond]
            if bounding:
                budgets += [budget_of(steered, bounding) for steered in concerned]
        return judgements, tuple(budgets)

    def _shown(
        self,
        action: str,
        prepared: Prepared,
        chain: tuple[Principal, ...],
        entities: Entities | None,
        facts: Facts,
        context: str,
        circumstances: Circumstances,
    ) -> frozenset[Label]:
        """The labels that everybody in *chain* may see, as *action* shows them."""
        labels = [label for label in dict.fromkeys(facts.labels) if label.is_protected]
        if not prepared.can_permit:
            return frozenset()
        for who in chain:
            questions = [request.ask(who, action, request.uid("Label", label.value), context) for label in labels]
            judgements = self._put(prepared, entities, questions)
            labels = [
                label
                for label, told in zip(labels, judgements, strict=True)
                if told.verdict is Verdict.ALLOW and not _missing(told.rules, circumstances)
            ]
        return frozenset(labels)

    def _tokenized(
        self,
        prepared: Prepared,
        chain: tuple[Principal, ...],
        entities: Entities | None,
        labels: frozenset[Label],
        context: str,
    ) -> frozenset[Label]:
        """Those of *labels*, which may be scanned, that some rule wants tokens for."""
        if not labels or not any(rule.mask for rule in self.in_force.rules):
            return frozenset()
        asked = [(label, who) for label in sorted(labels, key=lambda label: label.value) for who in chain]
        questions = [request.ask(who, SCAN, request.uid("Label", label.value), context) for label, who in asked]
        told = self._put(prepared, entities, questions)
        return frozenset(
            label for (label, _), one in zip(asked, told, strict=True) if any(rule.mask == TOKEN for rule in one.rules)
        )

    def _put(self, prepared: Prepared, entities: Entities | None, questions: list[dict[str, Any]]) -> list[_Judgement]:
        """Cedar's answers to *questions*, in order. Whatever Cedar can't take or work out comes back as failed."""
        if entities is None or not questions:
            return [_FAILED] * len(questions)
        try:
            results = is_authorized_batch(questions, prepared.policies, entities)
        except (ValueError, TypeError):
            return [_FAILED] * len(questions)
        return [self._judge(result) for result in results]

    def _judge(self, result: AuthzResult) -> _Judgement:
        # A rule that can't be worked out might have been the one that forbids.
        if result.diagnostics.errors or result.decision is CedarDecision.NoDecision:
            return _FAILED
        ids = result.diagnostics.reasons
        rules = tuple(rule for rule in self.in_force.rules if rule.id in ids) if ids else ()
        if result.decision is CedarDecision.Allow:
            return _Judgement(Verdict.ALLOW, rules)
        if rules and all(rule.hold for rule in rules):
            return _Judgement(Verdict.HOLD, rules)
        return _Judgement(Verdict.DENY, rules)

    def _floor(self, reason: Reason) -> Decision:
        return Decision(Verdict.DENY, (reason,), self.in_force.version)

    def _strictest(self, judgements: list[_Judgement], circumstances: Circumstances = NOTHING_KNOWN) -> Decision:
        """One decision out of the judgements of a chain: the strictest verdict, with the reasons of those who share it.

        What a rule requires to be said and isn't makes it a denial, whether it permits or holds.
        """
        verdict = max((judgement.verdict for judgement in judgements), key=_STRICTNESS.__getitem__)
        sharing = [judgement for judgement in judgements if judgement.verdict is verdict]
        reasons = tuple(dict.fromkeys(reason for judgement in sharing for reason in judgement.reasons))
        rules = [rule for judgement in sharing for rule in judgement.rules]
        if verdict is Verdict.DENY:
            return Decision(verdict, reasons, self.in_force.version)
        if missing := _missing(rules, circumstances):
            return Decision(Verdict.DENY, (*missing, *reasons), self.in_force.version)
        return Decision(
            verdict,
            reasons,
            self.in_force.version,
            # Several rules may ask several groups. Whoever approves must be in all of them: one group's yes never stands
            # in for another's.
            approvers=GROUP_JOINT.join(sorted({rule.hold for rule in rules if rule.hold})),
            hold_seconds=smallest(rule.hold_seconds for rule in rules),
            row_limit=smallest(rule.row_limit for rule in rules),
            parameters=least_told(rule.parameters for rule in rules),
            quorum=max((rule.quorum for rule in rules), default=1),
            **escalation([rule for rule in rules if rule.hold]),
        )


def _missing(rules: Iterable[Rule], circumstances: Circumstances) -> tuple[Reason, ...]:
    """What *rules* require to be said and was not."""
    required = {word for rule in rules for word in rule.require}
    return tuple(floors.REQUIRED[word] for word in sorted(required) if not getattr(circumstances, REQUIREMENTS[word]))


def outcome_of(decision: Decision) -> str:
    """The verdict in a word; for an upstream that is only watched, the rule that says what it would have been."""
    return decision.reasons[0].rule if decision.observed else decision.verdict.value


def _only_observed(decision: Decision) -> Decision:
    """What becomes of *decision* on an upstream that is only watched: allowed, all in clear, with what it would have been."""
    return Decision(
        Verdict.ALLOW,
        (_OBSERVED[decision.verdict], *decision.reasons),
        decision.policy_version,
        cleared=_PROTECTED_LABELS,
        observed=True,
    )


def _entities(chain: tuple[Principal, ...], upstream: str, database: str) -> Entities | None:
    """The entities of a chain, or None when Cedar can't take them."""
    try:
        return request.entities(chain, upstream, database, schema())
    except (ValueError, TypeError):
        return None
