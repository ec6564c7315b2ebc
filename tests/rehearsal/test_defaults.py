"""The packaged rules and the cases that they come with."""

import pytest

from doorward.policy.load import default_texts, load
from doorward.policy.reading import read
from doorward.rehearsal.cases import Case, read_cases
from doorward.rehearsal.defaults import default_cases
from doorward.rehearsal.schemas import demo_schema
from doorward.rehearsal.verdicts import run_cases
from tests.demo.test_company import EXPECTED

CASES = read_cases(default_cases())
LEAST_CASES = 60


def test_every_case_of_the_packaged_rules_comes_out_as_it_says() -> None:
    """What people read as examples is what happens."""
    outcomes = run_cases(default_texts(), CASES)
    assert len(outcomes) >= LEAST_CASES
    assert [(one.case.title, one.differences) for one in outcomes if not one.passed] == []


def test_every_packaged_rule_decides_in_some_case() -> None:
    """A rule without a case may as well not be there."""
    said = frozenset().union(*(outcome.rules for outcome in run_cases(default_texts(), CASES)))
    assert {rule.id for rule in load(default_texts()).rules} <= said


@pytest.mark.parametrize("rule", [rule.id for rule in load(default_texts()).rules])
def test_without_any_one_rule_some_case_fails(rule: str) -> None:
    """The cases notice when a rule is lost, whatever else stands beside it."""
    texts = dict(default_texts())
    (found,) = [one.rule for one in read(texts).rules if one.rule.id == rule]
    texts[found.file] = texts[found.file].replace(found.source, "")
    # Each text that a case adds is a set of its own to load: those only when no other case has noticed.
    bare, added = [c for c in CASES if not c.added], [c for c in CASES if c.added]
    assert not (_all_pass(texts, bare) and _all_pass(texts, added))


def _all_pass(texts: dict[str, str], cases: list[Case]) -> bool:
    return all(outcome.passed for outcome in run_cases(texts, cases))


def test_the_built_in_catalog_is_that_of_the_demo() -> None:
    """Column by column, with the labels that classification gives them (tests/demo holds the two together)."""
    found = {relation.name: {column.name: column.label for column in relation.columns} for relation in demo_schema().relations}
    assert found == EXPECTED
