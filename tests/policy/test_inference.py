"""The packaged rules on columns that decide which rows come: restricted ones only by =, agents only look up."""

from __future__ import annotations

import pytest

from doorward.model.catalog import Label, LabelClass
from doorward.model.decision import Decision, Facts, Steered, Verdict
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.model.statement import Way
from doorward.policy.decide import Policy
from doorward.policy.load import default_texts, load
from tests.policy.identities import WHO

ALICE, NIGHTLY, AGENT_FOR_ALICE = WHO["alice"], WHO["etl"], WHO["bot"]
POLICY = Policy(load(default_texts()))
CLEAR_FRAUD = """
@id("fraud-sees-cards")
@description("Fraud sees card numbers.")
permit (principal in Group::"fraud", action == Action::"unmask", resource == Label::"card");
"""


def decided(who: Identity, label: Label, way: Way, policy: Policy = POLICY, *, approved: bool = False) -> Decision:
    """A read in which one column of *label* steers rows in that way."""
    steering = (Steered("public.people.it", label, way, 1),)
    facts = Facts("read", ("SELECT",), ("public.people",), (), (label,), True, steering=steering)
    return policy.decide(who, facts, "shop", "shop", approved=approved)


# What people, services and agents may; whatever is not here, nobody.
PERMITTED = {
    LabelClass.PERSONAL: {"human": set(Way), "service": set(Way), "agent": {Way.COMPARE, Way.MATCH}},
    LabelClass.FREE_TEXT: {
        "human": {Way.COMPARE, Way.MATCH, Way.SEARCH},
        "service": {Way.COMPARE, Way.MATCH, Way.SEARCH},
        "agent": {Way.COMPARE},
    },
    # People see what is only proposed, and so may do with it what they like.
    LabelClass.PROPOSED: {"human": set(Way), "service": set(Way), "agent": {Way.COMPARE}},
}
ONLY_COMPARE = {"human": {Way.COMPARE}, "service": {Way.COMPARE}, "agent": {Way.COMPARE}}


@pytest.mark.parametrize("label", [label for label in Label if label.is_protected])
@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("who", [ALICE, NIGHTLY, AGENT_FOR_ALICE], ids=["human", "service", "agent"])
def test_every_label_and_way_for_everybody(label: Label, way: Way, who: Identity) -> None:
    """The whole table, read the other way round."""
    kind = who.speaker.kind.value
    permitted = way in PERMITTED.get(label.label_class, ONLY_COMPARE)[kind]
    assert (decided(who, label, way).verdict is Verdict.ALLOW) is permitted


def test_a_denial_names_column_and_way_out() -> None:
    """What to do next is in the advice."""
    decision = decided(ALICE, Label.NATIONAL_ID, Way.SEARCH)
    (reason,) = decision.reasons
    assert decision.verdict is Verdict.DENY
    assert reason.rule == "no-rule-permits-inference"
    assert "public.people.it (national_id)" in reason.text
    assert "column = ..." in reason.advice


def test_whoever_is_cleared_for_a_label_may_steer_by_it_and_is_not_counted() -> None:
    """To be shown a value is more than to learn of it."""
    policy = Policy(load(default_texts() | {"96.cedar": CLEAR_FRAUD}))
    fraud = Identity(Principal("prn_f", PrincipalKind.HUMAN, "fay", ("fraud",)), (), "scram-sha-256", "c")
    decision = decided(fraud, Label.CARD, Way.STEER, policy)
    assert (decision.verdict, decision.budgets) == (Verdict.ALLOW, ())
    assert decided(ALICE, Label.CARD, Way.STEER, policy).verdict is Verdict.DENY


def test_people_and_agents_are_counted_and_services_are_not() -> None:
    """Of several rules that permit it, the smallest numbers count."""
    (budget,) = decided(ALICE, Label.EMAIL, Way.COMPARE).budgets
    assert (budget.column, budget.probes, budget.rows, budget.window_seconds) == ("public.people.it", 200, 20_000, 3_600)
    assert budget.approvers == "security"
    assert decided(AGENT_FOR_ALICE, Label.EMAIL, Way.MATCH).budgets
    assert not decided(NIGHTLY, Label.EMAIL, Way.COMPARE).budgets


def test_a_forbid_with_hold_asks_and_an_approval_lifts_it() -> None:
    """As for every other action."""
    rule = """
    @id("email-search-needs-review")
    @description("Searching by e-mail waits.")
    @hold("security")
    forbid (principal, action == Action::"search", resource == Label::"email");
    """
    policy = Policy(load(default_texts() | {"96.cedar": rule}))
    held = decided(ALICE, Label.EMAIL, Way.SEARCH, policy)
    assert (held.verdict, held.approvers) == (Verdict.HOLD, "security")
    assert held.reasons[0].text == "Searching by e-mail waits. [public.people.it]"
    assert decided(ALICE, Label.EMAIL, Way.SEARCH, policy, approved=True).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("annotations", "fault"),
    [
        ('@probes("5")', "@probes needs a @beyond"),
        ('@learned_rows("5")', "@learned_rows needs a @beyond"),
        ('@beyond("security")', "@beyond needs @probes or @learned_rows"),
        ('@window_seconds("60")', "@window_seconds needs @probes or @learned_rows"),
        ('@probes("0") @beyond("security")', "must be a whole number"),
    ],
)
def test_half_a_bound_is_refused(annotations: str, fault: str) -> None:
    text = f'@id("x") @description("X.") {annotations} permit (principal, action in Action::"infer", resource);'
    with pytest.raises(Exception, match=fault):
        load({"x.cedar": text})
