"""What is found in rules that load, or don't, without asking anybody."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.policy.check import Finding, Severity, check
from doorward.policy.load import default_texts
from doorward.policy.names import KnownNames
from doorward.rehearsal.known import FIXED

HEAD = '@id("{}") @description("d") '
KNOWN = KnownNames(
    groups=frozenset({"developers", "security"}),
    members={"developers": 2, "security": 1},
    humans=frozenset({"alice"}),
    services=frozenset({"nightly-etl"}),
    agents=frozenset({"report-bot"}),
    upstreams=frozenset({"shop"}),
    databases=frozenset({"shop/orders"}),
    tables=frozenset({"public.orders", "crm.people"}),
    schemas=frozenset({"public", "crm"}),
    functions=frozenset({"vat"}),
    tags=FIXED.tags,
    kinds=FIXED.kinds,
)
READ = '(principal, action == Action::"read", resource)'
WRITE = '(principal, action == Action::"write", resource)'


def findings(*rules: str, known: KnownNames = KNOWN) -> list[Finding]:
    """What is found in *rules*, each ``effect scope conditions`` or with annotations before it; they are named r1, r2, ..."""
    text = "\n".join(HEAD.format(f"r{number}") + rule for number, rule in enumerate(rules, 1))
    return list(check({"a.cedar": text}, known))


def test_the_packaged_rules_are_faultless() -> None:
    """What everybody starts from has no rule that never applies, is never reached or says one thing twice."""
    assert check(default_texts(), FIXED) == ()


def test_every_fault_is_told_and_not_only_the_first() -> None:
    """Whoever mends one file wants all of its faults at once."""
    found = findings(
        f"permit {READ}", f'@frob("x") forbid {READ};', f"forbid {READ} when {{ context.multple }};", f"permit {READ};"
    )
    assert [(finding.line, finding.kind) for finding in found] == [(1, "unusable"), (3, "unusable")]


@pytest.mark.parametrize(
    "condition",
    [
        "when { context.multiple && !context.multiple }",
        "when { context.multiple } unless { context.temporary || context.multiple }",
        "when { context.multiple } unless { context.multiple }",
        'when { context.upstream == "a" && context.upstream == "b" }',
        'when { context.upstream == "a" } when { "b" == context.upstream }',
        'when { context.tags.isEmpty() && context.tags.contains("SELECT") }',
        'when { context.tags.isEmpty() && context.tags.containsAny(["SELECT"]) }',
        'when { context.tags.isEmpty() } when { context.tags.containsAll(["SELECT"]) }',
        'when { ["view"].containsAll(context.object_kinds) && context.object_kinds.contains("table") }',
        'when { ["view", "index"].containsAll(context.object_kinds) && context.object_kinds.containsAll(["table", "view"]) }',
        "when { principal is Agent && principal is Human }",
        "unless { principal is Agent || principal is Human || principal is Service }",
        "when { false }",
        "unless { true }",
    ],
)
def test_a_rule_that_never_applies_is_an_error(condition: str) -> None:
    """A forbid that never holds protects nothing, whatever its description says."""
    (found,) = findings(f"forbid {READ} {condition};", known=KnownNames())
    assert (found.severity, found.kind) == (Severity.ERROR, "never-applies")


@pytest.mark.parametrize(
    "condition",
    [
        "when { context.multiple } unless { context.temporary }",
        'when { context.upstream == "shop" || context.upstream == "shop2" }',
        'when { context.tags.contains("SELECT") && context.tags.contains("COPY") }',
        'unless { context.tags.isEmpty() && context.tags.contains("SELECT") }',
        'when { ["view", "table"].containsAll(context.object_kinds) && context.object_kinds.contains("table") }',
        "when { principal is Agent || principal is Human }",
        "unless { principal is Agent }",
        "when { if context.multiple then context.temporary else !context.temporary }",
    ],
)
def test_a_condition_that_may_hold_is_not_doubted(condition: str) -> None:
    """What isn't plain to see is not guessed at."""
    known = KnownNames(tags=FIXED.tags, kinds=FIXED.kinds)
    assert findings(f"forbid {READ} {condition};", known=known) == []


@pytest.mark.parametrize(
    ("forbid", "other", "is_reached"),
    [
        (READ, READ, False),
        ('(principal, action in Action::"statement", resource)', READ, False),
        ('(principal, action in Action::"change", resource)', READ, True),
        ('(principal is Human, action == Action::"read", resource)', READ, True),
        (READ, '(principal is Human in Group::"developers", action == Action::"read", resource)', False),
        ('(principal is Human, action == Action::"read", resource)', f"{READ} when {{ principal is Human }}", False),
        ('(principal in Group::"security", action == Action::"read", resource)', READ, True),
        (
            '(principal, action == Action::"read", resource in Upstream::"shop")',
            '(principal, action == Action::"read", resource == Database::"shop/orders")',
            False,
        ),
        (f"{READ} when {{ context.multiple }}", f"{READ} when {{ context.multiple && context.temporary }}", False),
        (f"{READ} when {{ context.multiple && context.temporary }}", f"{READ} when {{ context.multiple }}", True),
        (f"{READ} unless {{ context.temporary }}", f"{READ} unless {{ context.temporary }} when {{ context.multiple }}", False),
    ],
)
@pytest.mark.parametrize("effect", ["permit", '@hold("security") forbid'])
def test_what_a_plain_forbid_covers_is_never_reached(forbid: str, other: str, is_reached: bool, effect: str) -> None:
    """A permit that is always overridden permits nothing; a hold under it asks nobody."""
    found = findings(f"forbid {forbid};", f"{effect} {other};")
    assert [(one.rule, one.kind) for one in found] == ([] if is_reached else [("r2", "unreachable")])


def test_a_hold_does_not_make_a_permit_unreachable() -> None:
    """An approval lifts it."""
    assert findings(f'@hold("security") forbid {WRITE};', f"permit {WRITE};") == []


def test_duplicates_are_told_once_at_the_later() -> None:
    """Order and form of the same conditions don't matter."""
    found = findings(
        f"forbid {READ} when {{ context.multiple && context.temporary }};",
        f"forbid {READ} when {{ context.temporary }} when {{ context.multiple }};",
    )
    assert [(one.rule, one.kind, one.severity) for one in found] == [("r2", "duplicate", Severity.WARNING)]


def test_holds_for_two_groups_on_the_same_are_told() -> None:
    """Whoever wrote the second may not know that it now takes somebody who is in both."""
    found = findings(f'@hold("security") forbid {WRITE};', f'@hold("developers") forbid {WRITE};')
    assert [(one.rule, one.kind) for one in found] == [("r2", "contradictory-holds")]


@pytest.mark.parametrize(
    ("rule", "words", "severity"),
    [
        (
            f'forbid {READ} when {{ principal in Group::"developrs" }};',
            'group "developrs"; did you mean "developers"?',
            "warning",
        ),
        (f'forbid {READ} when {{ principal == Human::"alcie" }};', 'person "alcie"; did you mean "alice"?', "warning"),
        (f'forbid {READ} when {{ principal == Agent::"zzz" }};', 'there is no agent "zzz"', "warning"),
        ('forbid (principal, action, resource in Upstream::"shpo");', 'upstream "shpo"; did you mean "shop"?', "warning"),
        ('forbid (principal, action, resource == Database::"shop/order");', 'did you mean "shop/orders"?', "warning"),
        (f'forbid {READ} when {{ context.objects.contains("public.order") }};', 'did you mean "public.orders"?', "warning"),
        (f'forbid {READ} when {{ context.objects.contains("people") }};', 'did you mean "crm.people"?', "warning"),
        (f'forbid {READ} unless {{ ["vatt"].containsAll(context.unlisted_functions) }};', 'did you mean "vat"?', "warning"),
        (f'forbid {READ} when {{ context.tags.containsAny(["SELCT", "COPY"]) }};', 'did you mean "SELECT"?', "error"),
        (f'forbid {READ} when {{ context.object_kinds.contains("tabel") }};', 'did you mean "table"?', "error"),
        (f'forbid {READ} when {{ context.upstream == "shpo" }};', 'did you mean "shop"?', "warning"),
    ],
)
def test_a_name_that_nothing_has_is_told_with_what_was_meant(rule: str, words: str, severity: str) -> None:
    """A misspelled group matches nobody, in silence, for ever."""
    (found,) = findings(rule)
    assert words in found.words
    assert (found.kind, found.severity.value) == ("unknown-name", severity)


def test_functions_are_known_without_their_schemas() -> None:
    """As a catalog has them."""
    assert findings(f'forbid {READ} unless {{ ["shop.vat", "vat"].containsAll(context.unlisted_functions) }};') == []


def test_names_are_not_doubted_where_nothing_is_known() -> None:
    """Rules come before whom they speak of."""
    rule = f'forbid {READ} when {{ principal in Group::"x" && context.objects.contains("y") }};'
    assert findings(rule, known=KnownNames()) == []


def test_a_group_that_cannot_answer_is_told_once() -> None:
    """Nobody in it, or fewer than it takes; however many rules wait for it."""
    found = findings(
        f'@hold("nobody") forbid {WRITE};',
        f'@hold("nobody") forbid {READ};',
        f'@hold("security") @quorum("2") forbid {WRITE} when {{ context.multiple }};',
    )
    told = [(one.rule, one.words) for one in found if one.kind == "nobody-to-ask"]
    assert told[0] == ("r1", "it waits for the group nobody (as do 1 more rules), and nobody is in it")
    assert told[1] == ("r3", "it waits for the group security, and only 1 of the 2 it takes are in it")


def test_no_rules_at_all_is_an_error() -> None:
    """Comments alone permit nothing."""
    assert [one.kind for one in check({"a.cedar": "// nothing"})] == ["empty"]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["forbid", "permit", "when {", "@id(", '"', ";", "}", "//"]))
def test_no_text_makes_it_raise(text: str, word: str) -> None:
    """Whatever stands in a file is a finding or a rule."""
    assert isinstance(check({"a.cedar": text + word + text}, KNOWN), tuple)
