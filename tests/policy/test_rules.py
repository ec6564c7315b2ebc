"""Annotations: each is checked, and none is ever ignored."""

import pytest

from doorward.policy.rules import ANNOTATIONS, DEFAULT_HOLD_SECONDS, annotation_fault, rule_of

GOOD_VALUES = {
    "id": "a-rule",
    "description": "d",
    "reason": "r",
    "advice": "a",
    "hold": "dba",
    "hold_seconds": "86400",
    "row_limit": "1",
    "parameters": "kept",
}


@pytest.mark.parametrize("effect", ["permit", "forbid"])
@pytest.mark.parametrize("name", ANNOTATIONS)
def test_annotation_is_taken_where_it_means_something(name: str, effect: str) -> None:
    """Every row of the table, on both effects; an empty value is never taken."""
    needed = {"id": "x", "description": "d"} | ({"hold": "dba"} if name == "hold_seconds" and effect == "forbid" else {})
    meant = effect in ANNOTATIONS[name][0]
    assert (annotation_fault(effect, needed | {name: GOOD_VALUES[name]}) == "") == meant
    assert annotation_fault(effect, needed | {name: ""})


def test_hold_without_a_time_waits_for_the_usual_one() -> None:
    """Only rules with @hold have a time."""
    annotations = {"id": "x", "description": "d"}
    assert rule_of("forbid", annotations | {"hold": "dba"}, "f", 1, "").hold_seconds == DEFAULT_HOLD_SECONDS
    assert rule_of("forbid", annotations, "f", 1, "").hold_seconds == 0


def test_reason_is_told_before_the_description() -> None:
    """The description is for whoever reads the rules, and serves users when there is no reason."""
    annotations = {"id": "x", "description": "d"}
    assert rule_of("forbid", annotations, "f", 1, "").text == "d"
    assert rule_of("forbid", annotations | {"reason": "r"}, "f", 1, "").text == "r"
