"""Test files: what can be written in them, and what is told of one that can't be understood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigurationInvalid
from doorward.model.catalog import Label
from doorward.model.decision import Verdict
from doorward.rehearsal.cases import read_cases
from doorward.rehearsal.verdicts import run_cases

PEOPLE = """
[who.ann]
groups = ["staff"]
[who.bot]
for = "ann"
"""
RULES = {
    "a.cedar": """
@id("staff-reads") @description("d") @row_limit("10")
permit (principal in Group::"staff", action == Action::"read", resource == Database::"crm/main");
@id("bots-read") @description("d") permit (principal is Agent, action == Action::"read", resource);
@id("staff-sees") @description("d") permit (principal, action == Action::"unmask", resource == Label::"email");
"""
}
SCHEMA = """
[schema]
functions = ["vat"]
[schema.tables."crm.people"]
id = "none"
email = "email"
card = "card"
"""
CASE = """
[[case]]
name = "reads"
who = ["ann", "bot"]
upstream = "crm"
database = "main"
statement = "SELECT email FROM crm.people"
verdict = "allow"
shown = ["email"]
masked = ["card"]
row_limit = 10
"""


def test_a_case_is_run_for_everybody_it_names() -> None:
    """In a schema of the file's own, on an upstream of the case's own; people may stand in another file."""
    cases = read_cases({"people.toml": PEOPLE, "reading.toml": SCHEMA + CASE})
    assert [(case.who, case.identity.chain) for case in cases] == [("ann", "ann"), ("bot", "bot for ann")]
    outcomes = run_cases(RULES, cases)
    assert all(outcome.passed for outcome in outcomes)
    assert outcomes[0].rules == {"staff-reads", "staff-sees", "no-rule-permits"}


def test_every_difference_is_told() -> None:
    """What was expected, and what came, in the words of the file."""
    wrong = (
        CASE.replace('"allow"', '"hold"\nrules = ["x"]\nholds_for = "dba"\nparameters = "kept"')
        .replace('shown = ["email"]', 'shown = []\nscanned = ["free_text"]')
        .replace('masked = ["card"]', 'masked = ["card", "email"]')
        .replace("row_limit = 10", "row_limit = 0")
        .replace('["ann", "bot"]', '"ann"')
    )
    (outcome,) = run_cases(RULES, read_cases({"a.toml": PEOPLE + SCHEMA + wrong}))
    assert [(one.what, one.expected, one.got) for one in outcome.differences] == [
        ("verdict", "hold", "allow"),
        ("rules", "x", "staff-reads"),
        ("holds for", "dba", ""),
        ("masked", "card, email", "card"),
        ("scanned", "free_text", "none"),
        ("shown", "none", "email"),
        ("row limit", "0", "10"),
        ("parameters", "kept", "hashed"),
    ]


def test_rules_that_a_case_adds_count_for_it_alone() -> None:
    """A case can say what holds whatever else is permitted."""
    added = """
[[case]]
who = "ann"
upstream = "crm"
with = '@id("never") @description("d") forbid (principal, action, resource);'
statement = "SELECT 1"
verdict = "deny"
rules = ["never"]
"""
    outcomes = run_cases(RULES, read_cases({"a.toml": PEOPLE + SCHEMA + CASE + added}))
    assert [outcome.passed for outcome in outcomes] == [True, True, True]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[case", "no TOML"),
        ("[cases]", "no cases"),
        ("case = 1", "written [[case]]"),
        ('who = "ann"', "who is no table"),
        (CASE.replace('"ann", "bot"', '"zoe"'), "called zoe"),
        (CASE.replace('"allow"', '"maybe"'), "allow, deny or hold"),
        (CASE.replace('"card"', '"cord"'), 'no label "cord"'),
        (CASE.replace("row_limit = 10", 'row_limit = "10"'), "row_limit is a number"),
        (CASE.replace("verdict", "verdikt"), "verdikt means nothing"),
        (CASE.replace('statement = "SELECT email FROM crm.people"', ""), "a statement or what they answer"),
        (CASE.replace('"reads"', "7"), "name is a text"),
        (CASE + 'rules = "staff-reads"', "rules is a list"),
        (CASE + 'parameters = "shown"', "parameters are"),
        (CASE + "answers = { group = 'x' }", "a statement or what they answer"),
        ('[schema.tables."a.b"]\nx = "emial"\n' + CASE, "a label that there isn't"),
        ('[schema]\ntable = "x"\n' + CASE, "no table"),
        ("[schema]\nfunctions = 1\n" + CASE, "functions is a list"),
        ('[who.x]\nkind = "robot"\n' + CASE.replace('"ann", "bot"', '"x"'), "a human, a service or an agent"),
        ('[who.x]\ngroup = "y"\n' + CASE.replace('"ann", "bot"', '"x"'), "nothing else"),
        ('[who.x]\nfor = "x"\n' + CASE.replace('"ann", "bot"', '"x"'), "called x"),
        ('[[case]]\nwho = "ann"\nverdict = "deny"\nanswers = { asked_by = "ann" }', "asked_by and group"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place(text: str, words: str) -> None:
    """A case with a slip in it must not pass for one that tests something."""
    with pytest.raises(ConfigurationInvalid) as refused:
        read_cases({"a.toml": text, "people.toml": PEOPLE})
    assert words in refused.value.message
    assert "a.toml" in refused.value.message


def test_an_unreadable_statement_is_a_case_like_any_other() -> None:
    """What becomes of it is decided, too."""
    text = '[[case]]\nwho = "ann"\nstatement = "SELEC"\nverdict = "deny"\nrules = ["unreadable-statement"]'
    (outcome,) = run_cases(RULES, read_cases({"a.toml": PEOPLE + text}))
    assert outcome.passed
    assert outcome.trial.decision.verdict is Verdict.DENY
    assert outcome.trial.masked == frozenset[Label]()


@given(st.text(max_size=80))
def test_no_text_raises_anything_but_its_own_error(text: str) -> None:
    """People write these by hand."""
    try:
        read_cases({"a.toml": text})
    except ConfigurationInvalid:
        pass
