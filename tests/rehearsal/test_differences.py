"""What differs between two sets of rules."""

from doorward.policy.load import default_texts
from doorward.rehearsal.cases import read_cases
from doorward.rehearsal.defaults import default_cases
from doorward.rehearsal.differences import case_differences, rule_differences

RULE = '@id("{}") @description("d") forbid (principal, action == Action::"read", resource) when {{ {} }};'


def test_rules_are_told_apart_by_what_they_say_and_not_by_where_they_stand() -> None:
    """Another file, another order, another layout: the same rule."""
    before = {
        "a.cedar": RULE.format("one", "context.multiple") + RULE.format("two", "context.temporary"),
        "b.cedar": RULE.format("gone", "true || context.multiple"),
    }
    after = {
        "z.cedar": RULE.format("two", "context.temporary").replace(" forbid", "\n\nforbid"),
        "a.cedar": "// a comment\n" + RULE.format("one", "context.approved") + RULE.format("new", "context.approved"),
    }
    found = [(one.id, one.change) for one in rule_differences(before, after)]
    assert found == [("gone", "removed"), ("new", "added"), ("one", "changed")]
    assert rule_differences(before, before) == ()


def test_cases_of_which_something_else_comes_are_told() -> None:
    """Verdicts, the rules that decide, and what is shown; whatever the cases expect."""
    cases = read_cases(default_cases())
    texts = default_texts()
    see = '@id("see") @description("d") permit (principal is Human, action == Action::"unmask", resource == Label::"card");'
    assert case_differences(texts, texts, cases) == ()
    found = case_differences(texts, {**texts, "zz.cedar": see}, cases)
    assert [one.after.case.name for one in found] == ["cards are masked for whoever may read them"]
    without = {name: text for name, text in texts.items() if name != "20-writes.cedar"}
    names = {one.after.case.name for one in case_differences(texts, without, cases)}
    assert {"developers write", "services write", "an approval lets it run"} <= names
