"""How verdicts, holds, masks and limits come out of rules."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.model.catalog import Label
from doorward.model.decision import Decision, Facts, Granted, Parameters, Verdict
from doorward.model.identity import Principal, PrincipalKind
from doorward.policy.decide import DECISIONS_REMEMBERED, Policy
from doorward.policy.load import default_texts, load
from tests.policy.identities import (
    ALICE,
    BOT,
    ETL,
    SAM,
    VERA,
    WHO,
    acting,
    alone,
    default_policy,
    policy_of,
    request_for,
    with_defaults,
)
from tests.policy.test_defaults import EVERYONE, any_facts

READ = Facts("read", ("SELECT",), ("public.customers",), labels=(Label.EMAIL, Label.CARD), touches_protected=True)
STRICTNESS = {Verdict.ALLOW: 0, Verdict.HOLD: 1, Verdict.DENY: 2}
PERMIT = '@id("all-statements") @description("d") permit (principal, action in Action::"statement", resource);'


def hold(rule_id: str, group: str, seconds: int = 0, condition: str = "") -> str:
    """A forbid that *group* may lift."""
    more = f'@hold_seconds("{seconds}")' if seconds else ""
    scope = 'forbid (principal, action in Action::"statement", resource)'
    return f'@id("{rule_id}") @description("d") @hold("{group}") {more} {scope} {condition};'


def decide(policy: Policy, who: str = "alice", facts: Facts = READ, approved: bool = False) -> Decision:
    """Ask about a statement on shop/orders."""
    return policy.decide(WHO[who], facts, "shop", "orders", approved=approved)


def rules(decision: Decision) -> list[str]:
    """The ids of the rules that decided."""
    return [reason.rule for reason in decision.reasons]


def test_nothing_is_permitted_unless_a_rule_permits_it() -> None:
    """Silence is a denial, and says so."""
    decision = decide(policy_of(a=PERMIT.replace("principal,", 'principal == Human::"nobody",')))
    assert decision.verdict is Verdict.DENY
    assert rules(decision) == ["no-rule-permits"]


def test_forbid_with_hold_holds_for_its_group() -> None:
    """The group and the time are the rule's; the version is the rules'."""
    policy = policy_of(a=PERMIT, b=hold("look", "dba", 90))
    decision = decide(policy)
    assert (decision.verdict, decision.approvers, decision.hold_seconds) == (Verdict.HOLD, "dba", 90)
    assert rules(decision) == ["look"]
    assert decision.policy_version == policy.in_force.version


def test_plain_forbid_beside_a_hold_denies() -> None:
    """A hold softens itself only, and its rule is not among the reasons for a refusal that it could not lift."""
    plain = '@id("never") @description("d") @reason("r") @advice("a") forbid (principal, action, resource);'
    decision = decide(policy_of(a=PERMIT, b=hold("look", "dba"), c=plain))
    assert decision.verdict is Verdict.DENY
    assert [(r.rule, r.text, r.advice) for r in decision.reasons] == [("never", "r", "a")]


def test_approval_lifts_holds_and_nothing_else() -> None:
    """An approved execution meets every other rule again."""
    never = '@id("never") @description("d") forbid (principal, action, resource is Database) when { context.multiple };'
    policy = policy_of(a=PERMIT, b=hold("look", "dba"), c=never)
    assert decide(policy, approved=True).verdict is Verdict.ALLOW
    assert decide(policy, facts=Facts("read", (), multiple=True), approved=True).verdict is Verdict.DENY


def test_what_would_be_refused_even_if_approved_is_not_held() -> None:
    """Nobody is asked in vain: without a permit, a hold is a denial."""
    permit_reads = PERMIT.replace('in Action::"statement"', '== Action::"read"')
    decision = decide(policy_of(a=permit_reads, b=hold("look", "dba")), facts=Facts("write", ("INSERT",)))
    assert decision.verdict is Verdict.DENY
    assert rules(decision) == ["no-rule-permits"]


def test_the_largest_number_of_approvers_counts() -> None:
    """A rule that asks one does not make another content with one; a decision without holds asks nobody."""
    two = hold("look", "dba").replace('@hold("dba")', '@hold("dba") @quorum("2")')
    assert decide(policy_of(a=PERMIT, b=two, c=hold("watch", "dba"))).quorum == 2
    assert decide(policy_of(a=PERMIT, c=hold("watch", "dba"))).quorum == 1
    assert decide(policy_of(a=PERMIT)).quorum == 1


def test_escalation_of_several_rules_is_no_way_round_any() -> None:
    """A rule that has a second group may ask that; one that has none still asks its own. The later time counts."""
    look = hold("look", "dba").replace('@hold("dba")', '@hold("dba") @escalate("managers") @escalate_after("1m")')
    watch = hold("watch", "security").replace('@hold("security")', '@hold("security") @escalate("board") @escalate_after("2m")')
    told = [
        (decision.approvers, decision.escalates_to, decision.escalates_seconds)
        for decision in (
            decide(policy_of(a=PERMIT, b=look)),
            decide(policy_of(a=PERMIT, b=look, c=hold("watch", "security"))),
            decide(policy_of(a=PERMIT, b=look, c=watch)),
            decide(policy_of(a=PERMIT, b=hold("look", "dba"))),
        )
    ]
    assert told == [
        ("dba", "managers", 60),
        ("dba+security", "managers+security", 60),
        ("dba+security", "board+managers", 120),
        ("dba", "", 0),
    ]


def test_several_groups_must_all_agree_and_the_shortest_time_counts() -> None:
    """Whoever approves must be in every group that a rule names."""
    policy = policy_of(a=PERMIT, b=hold("look", "security", 90), c=hold("watch", "dba", 60))
    decision = decide(policy)
    assert (decision.approvers, decision.hold_seconds) == ("dba+security", 60)
    both = Principal("p-both", PrincipalKind.HUMAN, "both", ("dba", "security"))
    with_approvals = with_defaults(z=hold("watch", "dba"))
    asked = request_for(ALICE, approvers=decision.approvers)
    assert with_approvals.may_approve(both, asked).verdict is Verdict.ALLOW
    assert with_approvals.may_approve(SAM, asked).verdict is Verdict.DENY


@pytest.mark.parametrize(
    ("asked", "counts"),
    [
        ((), Parameters.HASHED),
        (("kept",), Parameters.KEPT),
        (("kept", "hashed"), Parameters.HASHED),
        (("kept", "dropped", "hashed"), Parameters.DROPPED),
    ],
)
def test_the_permit_that_tells_least_of_parameters_counts(asked: tuple[str, ...], counts: Parameters) -> None:
    """Digests when none says anything; a permit that says nothing leaves it to the others."""
    ways = "".join(f'@parameters("{way}") {PERMIT.replace("all-statements", f"way-{way}")}' for way in asked)
    assert decide(policy_of(a=PERMIT + ways)).parameters is counts


def test_smallest_row_limit_counts() -> None:
    """Of several permits with limits the strictest holds; one without a limit doesn't widen another's."""
    limits = "".join(f'@row_limit("{n}") {PERMIT.replace("all-statements", f"up-to-{n}")}' for n in (70, 50, 60))
    assert decide(policy_of(a=PERMIT + limits)).row_limit == 50


def test_agent_and_whoever_it_acts_for_must_both_be_permitted() -> None:
    """Verdicts and cleared labels are those of the stricter, whichever of the two that is."""
    unmask = 'permit (principal, action == Action::"unmask", resource == Label::"{}")'
    texts = {
        "a": PERMIT,
        "b": '@id("email") @description("d") ' + unmask.format("email") + ";",
        "c": '@id("card") @description("d") ' + unmask.format("card") + " unless { principal is Agent };",
        "d": hold("agents", "dba", condition="when { principal is Agent }"),
        "e": '@id("not-vera") @description("d") forbid (principal == Human::"vera", action, resource);',
    }
    policy = policy_of(**texts)
    assert decide(policy).cleared == {Label.EMAIL, Label.CARD}
    held = decide(policy, "bot")
    assert (held.verdict, rules(held), held.cleared) == (Verdict.HOLD, ["agents"], {Label.EMAIL})
    for_vera = policy.decide(acting(BOT, VERA), READ, "shop", "orders")
    assert (for_vera.verdict, rules(for_vera), for_vera.cleared) == (Verdict.DENY, ["not-vera"], frozenset())


def test_everybody_in_a_longer_chain_is_judged() -> None:
    """An agent between two others counts as well."""
    policy = policy_of(
        a=PERMIT, b='@id("no-bot") @description("d") forbid (principal == Agent::"report-bot", action, resource);'
    )
    last = Principal("p-last", PrincipalKind.AGENT, "last", (), "alice")
    assert policy.decide(acting(last, ALICE), READ, "s", "d").verdict is Verdict.ALLOW
    assert policy.decide(acting(last, ALICE, BOT), READ, "s", "d").verdict is Verdict.DENY


def test_agent_with_nobody_behind_it_is_refused() -> None:
    """No ghost users: the floor stands under any rules."""
    decision = policy_of(a=PERMIT).decide(alone(BOT), READ, "shop", "orders")
    assert (decision.verdict, rules(decision)) == (Verdict.DENY, ["nobody-behind-agent"])


def test_rules_can_ask_whom_an_agent_acts_for() -> None:
    """The attribute is there for agents of people and of services."""
    texts = {
        "a": PERMIT.replace(";", " unless { principal is Agent };"),
        "b": '@id("b") @description("d") permit (principal is Agent, action in Action::"statement", resource) '
        'when { principal has for_human && principal.for_human in Group::"developers" };',
    }
    policy = policy_of(**texts)
    assert decide(policy, "bot").verdict is Verdict.ALLOW
    assert decide(policy, "etl-bot").verdict is Verdict.DENY


@pytest.mark.parametrize("action", ["unknown", "", "unmask", "approve", "statement", "READ"])
def test_action_that_is_no_statement_is_refused_whatever_rules_say(action: str) -> None:
    """What was not understood is refused by a floor, with the analysis's own words."""
    decision = decide(policy_of(a=PERMIT), facts=Facts(action, (), refusal="No such thing."))
    assert decision.verdict is Verdict.DENY
    assert [(r.rule, r.text) for r in decision.reasons] == [("unlisted-statement", "No such thing.")]


def test_error_in_a_rule_denies() -> None:
    """A rule that can't be worked out (here: a number out of range) might have been the one that forbids."""
    broken = (
        '@id("sum") @description("d") forbid (principal, action in Action::"statement", resource) '
        "when { context.multiple && 9223372036854775807 + 1 == 0 };"
    )
    policy = policy_of(a=PERMIT, b=broken)
    decision = decide(policy, facts=Facts("read", (), multiple=True))
    assert (decision.verdict, rules(decision)) == (Verdict.DENY, ["policy-error"])
    assert decide(policy).verdict is Verdict.ALLOW


def test_names_that_cedar_cannot_take_are_refused() -> None:
    """Half of a character, and two members of a chain that can't be told apart."""
    half = Principal("p", PrincipalKind.HUMAN, "al\ud800ice")
    twin = Principal("p-twin", PrincipalKind.HUMAN, "alice")
    for identity in (alone(half), acting(twin, ALICE)):
        assert rules(policy_of(a=PERMIT).decide(identity, READ, "s", "d")) == ["policy-error"]


def test_label_none_is_never_asked_about() -> None:
    """Clear columns need no clearance, so that *cleared* holds protected labels alone."""
    everything = '@id("see") @description("d") permit (principal, action == Action::"unmask", resource);'
    decision = decide(policy_of(a=PERMIT + everything), facts=Facts("read", (), labels=(Label.NONE, Label.IP, Label.IP)))
    assert decision.cleared == {Label.IP}


def test_label_class_clears_all_its_labels() -> None:
    """Rules may speak of classes; secrets stay masked under the defaults even then."""
    see = '@id("see") @description("d") permit (principal, action == Action::"unmask", resource)'
    facts = Facts("read", (), labels=tuple(Label))
    personal = decide(policy_of(a=PERMIT + see + ' when { resource in LabelClass::"personal" };'), facts=facts).cleared
    assert personal == {label for label in Label if label.label_class.value == "personal"}
    assert decide(with_defaults(a=see + ";"), facts=facts).cleared == set(Label) - {Label.NONE, Label.SECRET}
    assert decide(with_defaults(a=see + ";"), "bot", facts).cleared == frozenset()


def test_held_decision_tells_what_would_be_shown() -> None:
    """Approvers see what they let through: a clearance that needs the approval is counted in."""
    see = '@id("see") @description("d") permit (principal, action == Action::"unmask", resource) when { context.approved };'
    policy = policy_of(a=PERMIT + see, b=hold("look", "dba", condition="when { context.multiple }"))
    held = decide(policy, facts=Facts("read", (), labels=(Label.EMAIL,), multiple=True))
    assert (held.verdict, held.cleared) == (Verdict.HOLD, {Label.EMAIL})
    assert decide(policy).cleared == frozenset()


def test_rules_may_speak_of_places() -> None:
    """A database, and the upstream it is in."""
    permit = '@id("p") @description("d") permit (principal, action in Action::"statement", resource{});'
    for scope, upstream, database, permitted in [
        (' == Database::"shop/orders"', "shop", "orders", True),
        (' == Database::"shop/orders"', "shop", "other", False),
        (' in Upstream::"shop"', "shop", "other", True),
        (' in Upstream::"shop"', "test", "orders", False),
    ]:
        decision = policy_of(a=permit.format(scope)).decide(WHO["vera"], READ, upstream, database)
        assert (decision.verdict is Verdict.ALLOW) == permitted


def test_decisions_are_remembered_by_everything_that_matters() -> None:
    """Groups, facts, place and approval are part of the question; how somebody signed in is not."""
    policy = policy_of(a=PERMIT.replace("principal,", 'principal in Group::"developers",'), b=hold("look", "dba"))
    first = decide(policy)
    assert policy.decide(alone(ALICE), READ, "shop", "orders") is first
    left = Principal(ALICE.id, ALICE.kind, ALICE.name, ())
    assert policy.decide(alone(left), READ, "shop", "orders").verdict is Verdict.DENY
    assert decide(policy, approved=True).verdict is Verdict.ALLOW
    assert decide(policy) is first


def test_memory_of_decisions_is_bounded() -> None:
    """A client that never repeats itself can't fill the memory."""
    assert default_policy()._remembered.cache_info().maxsize == DECISIONS_REMEMBERED


CONDITIONS = ["", "when { context.touches_protected }", "when { context.multiple }", "when { principal is Agent }"]
SCOPES = ["action", 'action in Action::"statement"', 'action == Action::"read"', 'action == Action::"unmask"']
OBLIGATIONS = ["", '@hold("security")', '@hold("interns") @hold_seconds("1")']
SEE = '@id("see") @description("d") permit (principal, action == Action::"unmask", resource);'


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(CONDITIONS),
    st.sampled_from(SCOPES),
    st.sampled_from(OBLIGATIONS),
    st.sampled_from(EVERYONE),
    any_facts,
    st.booleans(),
)
def test_another_forbid_never_widens(
    condition: str, scope: str, obligation: str, who: str, facts: Facts, approved: bool
) -> None:
    """No verdict gets milder, no label is cleared, and no group that had to agree is left out, wherever the file sorts."""
    if scope == "action" and condition.startswith("when { context"):
        scope = "action, resource is Database"
    else:
        scope += ", resource"
    forbid = f'@id("more") @description("d") {obligation} forbid (principal, {scope}) {condition};'
    narrow = policy_with(forbid).decide(WHO[who], facts, "shop", "orders", approved=approved)
    wide = policy_with("").decide(WHO[who], facts, "shop", "orders", approved=approved)
    assert STRICTNESS[narrow.verdict] >= STRICTNESS[wide.verdict]
    assert narrow.cleared <= wide.cleared
    if narrow.verdict is Verdict.HOLD and wide.verdict is Verdict.HOLD:
        assert set(wide.approvers.split("+")) <= set(narrow.approvers.split("+"))
        assert narrow.hold_seconds <= wide.hold_seconds
    if narrow.verdict is not Verdict.DENY:
        assert narrow.row_limit == wide.row_limit


_BUILT: dict[str, Policy] = {}


def policy_with(forbid: str) -> Policy:
    """The defaults, a permit to unmask, and *forbid* in a file that sorts first."""
    if forbid not in _BUILT:
        _BUILT[forbid] = Policy(load(default_texts() | {"00-more.cedar": forbid, "99-see.cedar": SEE}))
    return _BUILT[forbid]


OTHER_AGENT = Principal("p-x", PrincipalKind.AGENT, "x", ("security",), "sam")


@pytest.mark.parametrize(
    ("approver", "request_", "rule"),
    [
        (SAM, request_for(ALICE), "group-answers"),
        (SAM, request_for(ALICE, BOT), "group-answers"),
        (SAM, request_for(ETL), "group-answers"),
        (SAM, request_for(SAM), "nobody-approves-their-own"),
        (SAM, request_for(SAM, BOT), "nobody-approves-their-own"),
        (SAM, request_for(ALICE, SAM), "nobody-approves-their-own"),
        (ALICE, request_for(VERA), "not-in-approver-group"),
        (SAM, request_for(ALICE, approvers=""), "not-in-approver-group"),
        (SAM, request_for(ALICE, approvers="security+dba"), "not-in-approver-group"),
        (OTHER_AGENT, request_for(ALICE), "only-people-approve"),
        (Principal("p-y", PrincipalKind.SERVICE, "y", ("security",)), request_for(ALICE), "only-people-approve"),
    ],
)
def test_duties_are_separate(approver: Principal, request_, rule: str) -> None:
    """Only people of the group answer, and never anybody in the chain that asks."""
    decision = default_policy().may_approve(approver, request_)
    assert rules(decision) == [rule]
    assert (decision.verdict is Verdict.ALLOW) == (rule == "group-answers")


def test_rules_may_narrow_who_approves_but_never_widen() -> None:
    """A permit for everybody doesn't lift the floors; a forbid stands, with @hold or without."""
    anybody = '@id("anybody") @description("d") permit (principal, action == Action::"approve", resource);'
    assert with_defaults(z=anybody).may_approve(SAM, request_for(SAM)).verdict is Verdict.DENY
    assert with_defaults(z=anybody).may_approve(ALICE, request_for(VERA)).verdict is Verdict.DENY
    for obligation in ("", '@hold("dba")'):
        no_email = (
            f'@id("no-email") @description("d") {obligation} forbid (principal, action == Action::"approve", resource) '
            'when { context.labels.contains(Label::"email") };'
        )
        decision = with_defaults(z=no_email).may_approve(SAM, request_for(ALICE))
        assert (decision.verdict, rules(decision), decision.approvers) == (Verdict.DENY, ["no-email"], "")


def test_without_a_rule_nobody_approves() -> None:
    """Being in the group is needed, and a rule as well."""
    assert rules(policy_of(a=PERMIT).may_approve(SAM, request_for(ALICE))) == ["no-rule-permits"]


@pytest.mark.parametrize(("facts", "marker", "rule"), [
    (READ, "only-observed", "everyone-may-read"),
    (
        Facts("write", ("DELETE",), ("public.orders",), unbounded_write=True),
        "observed-not-held",
        "unbounded-write-needs-review",
    ),
    (Facts("administer", ("ALTER SYSTEM",)), "observed-not-denied", ""),
    (Facts("unknown", ("SOMETHING",)), "observed-not-denied", "unlisted-statement"),
])  # fmt: skip
def test_an_observed_upstream_is_allowed_everything_and_told_what_it_would_have_been(
    facts: Facts, marker: str, rule: str
) -> None:
    """Shown in full, without a limit; other upstreams of the same rules are as they were."""
    enforced = default_policy()
    policy = Policy(enforced.in_force, frozenset({"shop"}))
    decision = decide(policy, facts=facts)
    assert (decision.verdict, decision.observed, decision.row_limit, decision.approvers) == (Verdict.ALLOW, True, 0, "")
    assert all(label in decision.cleared for label in Label if label.is_protected)
    assert rules(decision)[0] == marker
    assert not rule or rule in rules(decision)
    elsewhere = policy.decide(WHO["alice"], facts, "other", "orders")
    assert elsewhere == enforced.decide(WHO["alice"], facts, "other", "orders")
    assert not elsewhere.observed


def test_what_can_not_be_read_is_denied_unless_its_upstream_is_only_observed() -> None:
    """The reason is the reader's own."""
    policy = Policy(default_policy().in_force, frozenset({"shop"}))
    told = policy.decide_unreadable("It is in Latin-1.", "other")
    assert (told.verdict, rules(told), told.reasons[0].text) == (Verdict.DENY, ["unreadable-statement"], "It is in Latin-1.")
    told = policy.decide_unreadable("It is in Latin-1.", "shop")
    assert (told.verdict, rules(told)) == (Verdict.ALLOW, ["observed-not-denied", "unreadable-statement"])


EMAIL_READ = Facts("read", ("SELECT",), ("public.customers",), labels=(Label.EMAIL, Label.SECRET), touches_protected=True)


@pytest.mark.parametrize("who", ["alice", "bot", "etl"])
def test_granted_labels_are_shown_by_the_packaged_rules(who: str) -> None:
    """To people, agents and services alike, and no other label; secrets to nobody."""
    granted = Granted(labels=frozenset({Label.EMAIL, Label.SECRET}), row_limit=7, ids=("agr_1",))
    decision = default_policy().decide(WHO[who], EMAIL_READ, "shop", "shop", granted=granted)
    assert (decision.verdict, decision.cleared, decision.row_limit) == (Verdict.ALLOW, {Label.EMAIL}, 7)
    assert decision.grants == ("agr_1",)
    assert default_policy().decide(WHO[who], EMAIL_READ, "shop", "shop").cleared == frozenset()


def test_a_granted_action_is_permitted_and_still_held_or_denied_by_other_rules() -> None:
    """An agent may write what it was granted; not whole tables."""
    write = Facts("write", ("UPDATE",), ("public.orders",))
    granted = Granted(action=True, ids=("agr_1",))
    assert default_policy().decide(WHO["bot"], write, "shop", "shop").verdict is Verdict.DENY
    assert default_policy().decide(WHO["bot"], write, "shop", "shop", granted=granted).verdict is Verdict.ALLOW
    whole = replace(write, unbounded_write=True)
    assert default_policy().decide(WHO["bot"], whole, "shop", "shop", granted=granted).verdict is Verdict.DENY


def test_broken_glass_lifts_what_people_could_approve_and_no_more() -> None:
    """Holds are lifted and values shown, but for secrets; denials stay."""
    broken = Granted(break_glass=True, ids=("agr_1",))
    policy = default_policy()
    whole = Facts("write", ("DELETE",), ("public.orders",), unbounded_write=True)
    assert policy.decide(WHO["alice"], whole, "shop", "shop").verdict is Verdict.HOLD
    assert policy.decide(WHO["alice"], whole, "shop", "shop", granted=broken).verdict is Verdict.ALLOW
    assert policy.decide(WHO["alice"], EMAIL_READ, "shop", "shop", granted=broken).cleared == {Label.EMAIL}
    dropping = Facts("destroy", ("DROP TABLE",), ("public.orders",), object_kinds=("table",))
    assert policy.decide(WHO["alice"], dropping, "shop", "shop", granted=broken).verdict is Verdict.DENY
