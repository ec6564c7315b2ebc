"""What rules speak of decides what a decision is remembered for, and for how long."""

from dataclasses import replace

import pytest

from doorward.model.catalog import Label
from doorward.model.decision import Circumstances, Facts, Verdict
from doorward.model.statement import Action, Way
from doorward.policy.load import ACTIONS, default_texts, load, schema
from doorward.policy.mentions import mentioned
from doorward.policy.reading import read
from tests.policy.identities import WHO, policy_of

READ = Facts("read", ("SELECT",), ("public.orders",))
HEAD = '@id("{}") @description("d") '
PERMIT = HEAD.format("all") + 'permit (principal, action in Action::"statement", resource);'
SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
# Monday, 4 January 2027, 17:59:59.5 UTC.
MONDAY_EVENING = 1_799_085_599_500_000


def names(condition: str) -> set[str]:
    """What a forbid with *condition* mentions."""
    text = HEAD.format("x") + f'forbid (principal, action == Action::"read", resource) {condition};'
    (found,) = read({"a.cedar": text}).rules
    return set(mentioned(found.policy))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("", set()),
        ("when { context.multiple } unless { context.temporary }", {"multiple", "temporary"}),
        ("when { context.time.hour > 3 }", {"time.hour"}),
        ("when { if context.multiple then context.time.epoch == 1 else true }", {"multiple", "time.epoch"}),
        ('when { context has client && context.client.isInRange(ip("10.0.0.0/8")) }', {"client"}),
        ('when { [context.purpose, "x"].contains(context.ticket) }', {"purpose", "ticket"}),
        ('when { context.application like "psql*" }', {"application"}),
        ("when { {a: context.tags} == {a: context.tags} }", {"tags"}),
        ("when { context == context }", {"*"}),
        ("when { context.time == context.time }", {"time"}),
        ("when { principal is Human }", set()),
    ],
)
def test_mentions_are_found_wherever_they_hide(condition: str, expected: set[str]) -> None:
    """One that is missed would make a decision stay good for longer than it is."""
    assert names(condition) == expected


def decide_at(policy_text: str, at_us: int, circumstances: Circumstances = Circumstances(), facts: Facts = READ):  # type: ignore[no-untyped-def] # noqa: B008
    """The decision on alice's statement at a moment."""
    return policy_of(a=PERMIT, b=policy_text).decide(
        WHO["alice"], facts, "shop", "orders", circumstances=circumstances, at_us=at_us
    )


@pytest.mark.parametrize(
    ("condition", "until"),
    [
        ("", 0),
        ("when { context.multiple }", 0),
        ("when { context.time.hour >= 18 }", 1_799_085_600_000_000),
        ('when { context.time.weekday == "sunday" }', MONDAY_EVENING // DAY * DAY + DAY),
        ("when { context.time.minute > 30 }", 1_799_085_600_000_000),
        ("when { context.time.epoch > 9999999999 }", MONDAY_EVENING // SECOND * SECOND + SECOND),
        ("when { context.time.hour >= 18 && context.time.epoch > 9999999999 }", MONDAY_EVENING // SECOND * SECOND + SECOND),
        ("when { context == context && context.multiple }", MONDAY_EVENING // SECOND * SECOND + SECOND),
    ],
)
def test_a_decision_holds_until_what_was_asked_for_changes(condition: str, until: int) -> None:
    """For good where no rule speaks of time."""
    text = HEAD.format("x") + f'forbid (principal, action == Action::"read", resource) {condition};'
    assert decide_at(text, MONDAY_EVENING).until_us == until


def test_a_rule_about_time_shortens_only_what_it_is_about() -> None:
    """A window for dropping does not make reads be decided every hour."""
    text = HEAD.format("x") + 'forbid (principal, action == Action::"destroy", resource) when { context.time.hour < 9 };'
    assert decide_at(text, MONDAY_EVENING).until_us == 0
    assert decide_at(text, MONDAY_EVENING, facts=Facts("destroy", ("DROP TABLE",))).until_us > 0
    see = HEAD.format("x") + 'permit (principal, action == Action::"unmask", resource) when { context.time.hour < 9 };'
    assert decide_at(see, MONDAY_EVENING).until_us > 0  # what a read shows may change with the hour


def test_the_same_question_has_another_answer_an_hour_later() -> None:
    """One policy object, as a gateway keeps it, over a day."""
    text = (
        HEAD.format("office")
        + "forbid (principal, action, resource is Database) unless { context.time.hour >= 8 && context.time.hour < 18 };"
    )
    policy = policy_of(a=PERMIT, b=text)
    midnight = MONDAY_EVENING // DAY * DAY
    allowed = [
        hour
        for hour in range(24)
        for again in (0, 17 * MINUTE, HOUR - 1)
        if policy.decide(WHO["alice"], READ, "shop", "orders", at_us=midnight + hour * HOUR + again).verdict is Verdict.ALLOW
    ]
    assert allowed == [hour for hour in range(8, 18) for _ in range(3)]


@pytest.mark.parametrize(("days", "weekday"), [(0, "monday"), (1, "tuesday"), (5, "saturday"), (6, "sunday"), (7, "monday")])
def test_weekdays_are_those_of_the_calendar(days: int, weekday: str) -> None:
    """4 January 2027 is a Monday."""
    text = (
        HEAD.format("day")
        + f'forbid (principal, action, resource is Database) unless {{ context.time.weekday == "{weekday}" }};'
    )
    assert decide_at(text, MONDAY_EVENING + days * DAY).verdict is Verdict.ALLOW
    assert decide_at(text, MONDAY_EVENING + (days + 1) * DAY).verdict is Verdict.DENY


@pytest.mark.parametrize(
    ("condition", "met", "unmet"),
    [
        ('context.purpose == "refund"', Circumstances(purpose="refund"), Circumstances()),
        ('context.ticket like "OPS-*"', Circumstances(ticket="OPS-17"), Circumstances(ticket="X")),
        ('context.application == "psql"', Circumstances(application="psql"), Circumstances(application="psql2")),
        ('context.tls == "TLSv1.3"', Circumstances(tls="TLSv1.3"), Circumstances()),
        (
            'context has client && context.client.isInRange(ip("10.0.0.0/8"))',
            Circumstances(client="10.1.2.3"),
            Circumstances(client="192.0.2.1"),
        ),
        (
            'context has client && context.client.isInRange(ip("2001:db8::/32"))',
            Circumstances(client="2001:db8::1"),
            Circumstances(),
        ),
        ('context.schemas.contains("public")', Circumstances(), None),
    ],
)
def test_circumstances_reach_the_rules_and_the_memory(condition: str, met: Circumstances, unmet: Circumstances | None) -> None:
    """Two clients of one person don't get each other's decision."""
    text = HEAD.format("x") + f"forbid (principal, action, resource is Database) unless {{ {condition} }};"
    policy = policy_of(a=PERMIT, b=text)

    def verdict(circumstances: Circumstances) -> Verdict:
        return policy.decide(WHO["alice"], READ, "shop", "orders", circumstances=circumstances).verdict

    assert verdict(met) is Verdict.ALLOW
    if unmet is not None:
        assert verdict(unmet) is Verdict.DENY
        assert verdict(met) is Verdict.ALLOW


def test_groups_of_actions_are_those_of_the_schema() -> None:
    """A group with an action more in the schema than here would leave a rule out of what it concerns."""
    text = str(schema())
    statements = [action.value for action in Action if action is not Action.UNKNOWN]
    ways = [way.value for way in Way]
    assert set(ACTIONS) - set(statements) == {"unmask", "scan", "approve", *ways}
    for group, members in (("statement", statements), ("change", statements[2:])):
        rule = HEAD.format("x") + f'forbid (principal, action in Action::"{group}", resource);'
        in_force = load({"a.cedar": PERMIT.replace('"all"', '"p"') + rule})
        policy = policy_of(
            a=PERMIT.replace(
                'in Action::"statement"', f"in [{', '.join(f'Action::{chr(34)}{a}{chr(34)}' for a in statements)}]"
            ),
            b=rule,
        )
        for action in statements:
            decided = policy.decide(WHO["alice"], Facts(action, ()), "shop", "orders").verdict
            assert (decided is Verdict.DENY) == (action in members)
        assert in_force.needs["read"].step_us == 0
    assert text


def test_the_packaged_rules_never_ask_for_time_or_claims() -> None:
    """So everybody's decisions stay remembered."""
    needs = load(default_texts()).needs
    assert all(not need.circumstances and not need.step_us for need in needs.values())


REQUIRE_TICKET = HEAD.format("drops-need-a-ticket") + (
    '@require("ticket") permit (principal is Human in Group::"developers", action == Action::"destroy", resource);'
)


def test_what_a_permit_requires_must_be_said() -> None:
    """And the refusal tells how; anybody in the chain may be whose rule requires it."""
    policy = policy_of(a=REQUIRE_TICKET)
    drop = Facts("destroy", ("DROP VIEW",))
    refused = policy.decide(WHO["alice"], drop, "shop", "orders")
    assert refused.verdict is Verdict.DENY
    assert [reason.rule for reason in refused.reasons] == ["ticket-required", "drops-need-a-ticket"]
    assert "doorward.ticket" in refused.reasons[0].advice
    said = policy.decide(WHO["alice"], drop, "shop", "orders", circumstances=Circumstances(ticket="OPS-1"))
    assert (said.verdict, said.reasons[0].rule) == (Verdict.ALLOW, "drops-need-a-ticket")


def test_a_hold_may_require_a_reason_before_anybody_is_asked() -> None:
    """An approver who isn't told why can't decide; both may be required."""
    held = HEAD.format("look") + '@hold("dba") @require("reason ticket") forbid (principal, action, resource is Database);'
    policy = policy_of(a=PERMIT, b=held)

    def decide(circumstances: Circumstances) -> tuple[Verdict, list[str]]:
        decision = policy.decide(WHO["alice"], READ, "shop", "orders", circumstances=circumstances)
        return decision.verdict, [reason.rule for reason in decision.reasons]

    assert decide(Circumstances()) == (Verdict.DENY, ["reason-required", "ticket-required", "look"])
    assert decide(Circumstances(ticket="1")) == (Verdict.DENY, ["reason-required", "look"])
    assert decide(Circumstances("why", "1")) == (Verdict.HOLD, ["look"])


def test_what_showing_a_label_requires_must_be_said_or_it_is_masked() -> None:
    """Unmasking is never refused aloud."""
    see = HEAD.format("see") + '@require("reason") permit (principal, action == Action::"unmask", resource);'
    policy = policy_of(a=PERMIT, b=see)
    facts = Facts("read", ("SELECT",), labels=(Label.EMAIL,), touches_protected=True)
    assert policy.decide(WHO["alice"], facts, "shop", "orders").cleared == frozenset()
    told = policy.decide(WHO["alice"], facts, "shop", "orders", circumstances=Circumstances(purpose="refund"))
    assert told.cleared == {Label.EMAIL}


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('@require("phone") permit (principal, action == Action::"read", resource);', "must be of"),
        ('@require("") permit (principal, action == Action::"read", resource);', "must be of"),
        ('@require("reason") forbid (principal, action == Action::"read", resource);', "needs a @hold"),
        (
            '@require("reason") permit (principal, action == Action::"approve", resource);',
            "means nothing for the action approve",
        ),
        ('@row_limit("5") permit (principal, action == Action::"unmask", resource);', "means nothing for the action unmask"),
        ('@parameters("kept") permit (principal, action in [Action::"scan", Action::"unmask"], resource);', "scan, unmask"),
    ],
)
def test_an_obligation_where_nothing_would_come_of_it_is_refused(rule: str, words: str) -> None:
    """None is ever ignored."""
    (fault,) = read({"a.cedar": HEAD.format("x") + rule}).faults
    assert words in fault.words


@pytest.mark.parametrize("action", ["unmask", "scan"])
def test_rules_on_showing_are_told_what_they_alone_ask_for(action: str) -> None:
    """Facts that no rule on the statement itself mentions, and the time, reach those on what it shows."""
    see = HEAD.format("see") + (
        f'permit (principal, action == Action::"{action}", resource) when {{ context.objects.contains("public.orders") && '
        'context.purpose == "refund" && context.time.hour == 17 && context.label_classes.contains(LabelClass::"free text") };'
    )
    once = HEAD.format("once") + 'forbid (principal, action == Action::"read", resource) when { context.multiple };'
    policy = policy_of(a=PERMIT, b=see, c=once)
    facts = Facts("read", ("SELECT",), ("public.orders",), labels=(Label.FREE_TEXT,), touches_protected=True)

    def shown(facts: Facts, purpose: str, at_us: int) -> frozenset[Label]:
        decision = policy.decide(
            WHO["alice"], facts, "shop", "orders", circumstances=Circumstances(purpose=purpose), at_us=at_us
        )
        assert decision.verdict is Verdict.ALLOW
        return decision.cleared | decision.scanned | decision.tokenized

    assert shown(facts, "refund", MONDAY_EVENING) == {Label.FREE_TEXT}
    assert shown(facts, "refund", MONDAY_EVENING + HOUR) == frozenset()
    assert shown(facts, "", MONDAY_EVENING) == frozenset()
    assert shown(replace(facts, objects=("public.other",)), "refund", MONDAY_EVENING) == frozenset()
    assert policy.decide(WHO["alice"], replace(facts, multiple=True), "shop", "orders").verdict is Verdict.DENY
