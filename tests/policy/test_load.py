"""What is refused when rules are loaded, and where the fault is said to be."""

import pytest

from doorward.errors import PolicyInvalid
from doorward.model.statement import Action
from doorward.policy.floors import FLOORS
from doorward.policy.load import ACTIONS, default_texts, load, schema, version_of

GOOD = '@id("good")\n@description("Anybody may read.")\npermit (principal, action == Action::"read", resource);\n'
HEAD = '@id("x") @description("d") '
SCOPE = '(principal, action == Action::"read", resource)'


def fault(text: str, **more: str) -> str:
    """What load says of *text* in the file ``b.cedar``, which comes after a good ``a.cedar``."""
    with pytest.raises(PolicyInvalid) as refused:
        load({"a.cedar": GOOD, "b.cedar": text} | more)
    assert refused.value.remedy
    return refused.value.message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        # Cedar's grammar
        (f"// a comment; with a semicolon\n\n{HEAD}\npermit (principal action);", 3, "unexpected token"),
        (
            f"{GOOD.replace('good', 'other')}\n{HEAD} forbid {SCOPE} when {{ context.multiple = true }};",
            5,
            "not a valid operator",
        ),
        (f'\n{HEAD} forbid {SCOPE} when {{ "unfinished }};', 2, "invalid token"),
        (f"\n\n{HEAD} forbid {SCOPE}", 3, "unexpected end"),
        (f'{HEAD} permit (principal == ?principal, action == Action::"read", resource);', 1, "template"),
        (f"{HEAD} forbid {SCOPE} when {{ {'!' * 300}true }};", 1, "operators and brackets"),
        # annotations
        (f'\n@id("x") permit {SCOPE};', 2, "@description is missing"),
        (f'@description("d") permit {SCOPE};', 1, "@id is missing"),
        (f'@id @description("d") permit {SCOPE};', 1, "lower-case words"),
        (f'@id("No Good") @description("d") permit {SCOPE};', 1, "lower-case words"),
        (f'@id("x") @description(" ") permit {SCOPE};', 1, "needs words"),
        (f'@id("x") @id("y") @description("d") permit {SCOPE};', 1, "duplicate annotation"),
        (f'{HEAD} @hide("email") permit {SCOPE};', 1, "@hide is not an annotation"),
        (f'{HEAD} @mask("email") permit {SCOPE};', 1, '@mask("email") must be "token"'),
        (f'{HEAD} @hold("security") permit {SCOPE};', 1, "@hold means nothing on a permit"),
        (f'{HEAD} @row_limit("5") forbid {SCOPE};', 1, "@row_limit means nothing on a forbid"),
        (f'{HEAD} @hold("a+b") forbid {SCOPE};', 1, "one group name"),
        (f"{HEAD} @hold forbid {SCOPE};", 1, "one group name"),
        (f'{HEAD} @hold_seconds("5") forbid {SCOPE};', 1, "@hold_seconds needs a @hold"),
        (f'{HEAD} @hold("a") @hold_seconds("0") forbid {SCOPE};', 1, "whole number"),
        (f'{HEAD} @hold("a") @hold_seconds("86401") forbid {SCOPE};', 1, "whole number"),
        (f'{HEAD} @row_limit("-1") permit {SCOPE};', 1, "whole number"),
        (f'{HEAD} @row_limit("٥") permit {SCOPE};', 1, "whole number"),
        (f'@id("good") @description("d") permit {SCOPE};', 1, "is taken by a.cedar, line 1"),
        # what may be spoken of
        (f"{HEAD} forbid {SCOPE} when {{ context.unbunded_write }};", 1, "`unbunded_write`"),
        (f"{HEAD} forbid {SCOPE} when {{ context.tags.contains(3) }};", 1, "not compatible"),
        (f'{HEAD} forbid (principal, action == Action::"raed", resource);', 1, "raed"),
        (f'{HEAD} forbid (principal in Team::"x", action, resource);', 1, "Team"),
        (f'{HEAD} forbid (principal, action == Action::"unmask", resource == Label::"emial");', 1, 'no Label::"emial"'),
        (f'{HEAD} forbid (principal, action, resource in LabelClass::"personel");', 1, "personel"),
        (f"{HEAD} forbid {SCOPE} when {{ principal.for_human == principal }};", 1, "for_human"),
        (f"{HEAD} permit (principal, action, resource);", 1, "must name its actions"),
    ],
)
def test_faulty_rule_is_refused_by_file_and_line(text: str, line: int, words: str) -> None:
    """The message says where the rule starts and what is wrong with it; the remedy what to do."""
    message = fault(text)
    assert message.startswith(f"b.cedar, line {line}: ")
    assert words in message


@pytest.mark.parametrize(
    "condition",
    [
        "(" * 100_000 + "true" + ")" * 100_000,
        "[" * 100_000,
        "{a:" * 100_000,
        "if true then 1 else " * 50_000 + "1",
        "true && " * 50_000 + "true",
        "false || " * 50_000 + "true",
        "1 + " * 50_000 + "1 == 1",
        "!" * 100_000 + "true",
        "- " * 100_000 + "1 == 1",
        "context" + ".a" * 50_000,
        'context["a"]' + '["a"]' * 50_000,
        "1 == " * 50_000 + "1",
        "context has a has " * 50_000 + "a",
    ],
    ids=lambda condition: condition[:12],
)
def test_bottomless_condition_is_refused_before_cedar_reads_it(condition: str) -> None:
    """Cedar would overflow the stack, which ends the program without an exception."""
    assert "operators and brackets" in fault(f"{HEAD} forbid {SCOPE} when {{ {condition} }};")


def test_long_list_of_names_is_no_long_condition() -> None:
    """Vouching for a thousand functions is one operator; what is inside quotes is none."""
    names = ", ".join(f'"shop.f({n})"' for n in range(1000))
    listed = f"{HEAD} forbid {SCOPE} unless {{ [{names}].containsAll(context.unlisted_functions) }};"
    assert load({"a.cedar": listed}).rules[0].forbids


@pytest.mark.parametrize("floor", FLOORS, ids=lambda floor: floor.rule)
def test_ids_of_built_in_rules_are_taken(floor) -> None:
    """A reason in the log names one rule only."""
    assert "built-in rule" in fault(f'@id("{floor.rule}") @description("d") permit {SCOPE};')


@pytest.mark.parametrize("texts", [{}, {"a.cedar": ""}, {"a.cedar": "// nothing yet\n"}])
def test_no_rules_at_all_is_a_mistake(texts: dict[str, str]) -> None:
    """An empty folder would deny everything, with nobody knowing why."""
    with pytest.raises(PolicyInvalid, match="not one rule"):
        load(texts)


def test_file_may_hold_comments_alone() -> None:
    """A file can wait for its first rule."""
    assert len(load({"a.cedar": GOOD, "b.cedar": "// an example;\n// permit (\n"}).rules) == 1


def test_rules_are_in_the_order_of_files_and_lines() -> None:
    """The order of reading is the order of reasons; semicolons and quotes inside words don't confuse it."""
    one = f'// "\n{HEAD.replace("x", "one")} @advice("a; \\"b") permit {SCOPE};  // ;\n'
    two = one + f"\n\n{HEAD.replace('x', 'two')} forbid {SCOPE};"
    rules = load({"b.cedar": GOOD, "a.cedar": two}).rules
    assert [(rule.id, rule.file, rule.line) for rule in rules] == [
        ("one", "a.cedar", 2),
        ("two", "a.cedar", 5),
        ("good", "b.cedar", 1),
    ]
    assert rules[0].source.startswith("@id") and rules[0].source.endswith(");")  # noqa: PT018
    assert rules[2].source == GOOD.strip()


def test_version_follows_names_and_contents_only() -> None:
    """Any change of a byte or a name is another version; the order of a mapping is not."""
    texts = {"a.cedar": GOOD, "b.cedar": "// b\n"}
    version = load(texts).version
    assert version == version_of(dict(reversed(texts.items())))
    assert len({version, version_of({"a.cedar": GOOD, "c.cedar": "// b\n"}), version_of(texts | {"b.cedar": "// c\n"})}) == 3
    assert version_of({"a": "b", "c": ""}) != version_of({"a": "", "c": "b"})


def test_file_that_ends_in_a_comment_does_not_swallow_the_next() -> None:
    """Files are read one by one."""
    texts = {"a.cedar": GOOD + "// the end", "b.cedar": GOOD.replace("good", "other")}
    assert [rule.id for rule in load(texts).rules] == ["good", "other"]


def test_every_action_is_in_the_schema() -> None:
    """The schema and the model list the same actions; unknown is not among them, so no rule can permit it."""
    others = {"unmask", "scan", "compare", "match", "search", "steer", "approve"}
    assert set(ACTIONS) == {action.value for action in Action} - {"unknown"} | others
    for action in ACTIONS:
        assert f'action "{action}"' in str(schema())
    assert 'action "unknown"' not in str(schema())


def test_defaults_load() -> None:
    """The packaged files are whole and valid together."""
    in_force = load(default_texts())
    assert in_force.texts == default_texts()
    assert set(in_force.by_id) == {rule.id for rule in in_force.rules}
    assert "people-see-what-is-only-proposed" in in_force.by_id
