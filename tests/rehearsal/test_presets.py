"""Presets: each loads over the packaged rules, with the others, and does what its cases say."""

import itertools

import pytest

from doorward.errors import ConfigurationInvalid
from doorward.policy.check import Severity, check
from doorward.policy.load import default_texts, load
from doorward.policy.presets import PRESETS, overlaid, preset_cases, preset_texts
from doorward.rehearsal.cases import read_cases
from doorward.rehearsal.known import FIXED
from doorward.rehearsal.presets import cases_that_hold
from doorward.rehearsal.verdicts import run_cases


@pytest.mark.parametrize("name", PRESETS)
def test_the_cases_of_a_preset_come_out_and_every_rule_decides_in_one(name: str) -> None:
    """What it promises is what it does; a rule that no case needs may as well not be there."""
    outcomes = run_cases(overlaid(default_texts(), [name]), read_cases(preset_cases(name)))
    assert [(one.case.title, one.differences) for one in outcomes if not one.passed] == []
    said = frozenset().union(*(one.rules for one in outcomes))
    assert {rule.id for rule in load(preset_texts(name)).rules} <= said


@pytest.mark.parametrize("names", [*itertools.combinations(PRESETS, 1), *itertools.combinations(PRESETS, 2), tuple(PRESETS)])
def test_presets_go_together_without_fault(names: tuple[str, ...]) -> None:
    """A company may have cards and patients, and a development database."""
    texts = overlaid(default_texts(), names)
    assert load(texts)
    assert [one for one in check(texts, FIXED) if one.severity is Severity.ERROR] == []


@pytest.mark.parametrize("name", ["soc2", "hipaa", "pci"])
def test_a_stricter_preset_widens_nothing(name: str) -> None:
    """Nobody may more with it than without, whatever the cases of the packaged rules and of the preset try."""
    from doorward.rehearsal.defaults import default_cases

    strictness = {"allow": 0, "hold": 1, "deny": 2}
    cases = [*read_cases(default_cases()), *read_cases(preset_cases(name))]
    before = run_cases(default_texts(), cases)
    after = run_cases(overlaid(default_texts(), [name]), cases)
    for one, other in zip(before, after, strict=True):
        assert strictness[other.trial.decision.verdict.value] >= strictness[one.trial.decision.verdict.value], one.case.title
        assert other.trial.shown <= one.trial.shown


def test_a_preset_that_there_is_not_is_told_with_those_that_there_are() -> None:
    """Before anything is started."""
    with pytest.raises(ConfigurationInvalid, match="no preset gdpr") as refused:
        overlaid({}, ["gdpr"])
    assert "hipaa" in refused.value.remedy


@pytest.mark.parametrize("names", [(), ("pci",), ("soc2", "hipaa"), ("development",)])
def test_packaged_cases_that_still_hold_are_kept_with_a_preset(names: tuple[str, ...]) -> None:
    """All of them without one; with one, what is left passes, and is most of it."""
    from doorward.rehearsal.defaults import default_cases

    texts = overlaid(default_texts(), names)
    whole = default_cases()
    kept = cases_that_hold(texts, whole)
    assert kept.keys() == whole.keys()
    assert (kept == whole) == (not names)
    outcomes = run_cases(texts, read_cases(kept))
    assert all(one.passed for one in outcomes)
    assert len(outcomes) >= 0.6 * len(read_cases(whole))
