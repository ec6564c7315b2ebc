"""The one road to a decision and a plan: what can't be read is refused, and nothing is cleared by what does not allow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from doorward.catalog.resolve import Resolved
from doorward.model.catalog import Label
from doorward.model.decision import Decision, Facts, Reason, Verdict
from doorward.model.result import ResultColumn
from doorward.policy.floors import UNREADABLE_STATEMENT
from doorward.proxy import judging
from doorward.sql.analyze import analyze
from tests.policy.identities import WHO, default_policy

EMAIL = ResultColumn("email", 10, 2, 25, -1, -1, 0)
LABELS = {(10, 2): Label.EMAIL}
CLEARING = Decision(Verdict.ALLOW, (Reason("r", "t"),), "p1", cleared=frozenset({Label.EMAIL}))
READ = Resolved(Facts("read", ("SELECT",)), (), False)


def test_what_can_not_be_read_is_refused_whatever_its_facts() -> None:
    """No rule is asked."""
    decision = judging.decide(default_policy(), WHO["alice"], analyze("SELEC 1"), READ.facts, "shop", "shop", approved=True)
    assert (decision.verdict, decision.reasons[0].rule) == (Verdict.DENY, UNREADABLE_STATEMENT.rule)


def test_only_what_is_allowed_clears_columns() -> None:
    """A decision that holds says what would be shown once approved, not what is shown."""
    assert not judging.plan(READ, CLEARING, LABELS, [EMAIL]).treatments[0].is_masked
    for verdict in (Verdict.HOLD, Verdict.DENY):
        assert judging.plan(READ, replace(CLEARING, verdict=verdict), LABELS, [EMAIL]).treatments[0].is_masked


def test_positions_count_only_for_a_result_of_as_many_columns() -> None:
    """A star that the text could not number shifts them."""
    proven = replace(READ, clear_outputs=frozenset({0}), output_count=1)
    allowed = replace(CLEARING, cleared=frozenset())
    expression = replace(EMAIL, table_oid=0, attribute_number=0)
    assert judging.plan(proven, allowed, LABELS, [expression]).is_clear
    assert [t.is_masked for t in judging.plan(proven, allowed, LABELS, [expression, expression]).treatments] == [True, True]


@pytest.mark.parametrize(
    ("text", "value", "hides"),
    [
        ("SELECT current_setting($1)", b"work_mem", False),
        ("SELECT current_setting($1::varchar)", b"TimeZone", False),
        ("SELECT current_setting($1)", b"app.secret", True),
        ("SELECT current_setting($1)", b'"app".secret', True),
        ("SELECT current_setting($1)", b"16385", True),
        ("SELECT current_setting($1)", b"\x61\x62\x63\x64", True),
        ("SELECT current_setting($1)", None, True),
        ("SELECT upper($1)", b"app.secret", False),
    ],
)
def test_a_setting_is_read_by_a_parameter_only_if_it_is_a_built_in_one(text: str, value: bytes | None, hides: bool) -> None:
    """SQLAlchemy asks so. Values that are not at hand are not guessed."""
    analysis = analyze(text)
    assert judging.hides_settings(analysis, [], [value]) == hides
    shows = analysis.shows_settings
    assert judging.hides_settings(analyze("EXECUTE p"), [analysis], []) == shows
    assert judging.hides_settings(analysis, [], []) == shows


@pytest.mark.parametrize("argument", ["$1 || '.x'", "$1::name", "name"])
def test_any_other_way_to_name_a_setting_is_refused(argument: str) -> None:
    """The parameter must be all there is to the name."""
    text = f"SELECT current_setting({argument})"
    assert not analyze(text).shows_settings
    assert "current_setting" in analyze(text).statements[0].functions
