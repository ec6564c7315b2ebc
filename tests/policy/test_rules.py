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
    "within": "24h",
    "quorum": "2",
    "escalate": "managers",
    "escalate_after": "5m",
    "row_limit": "1",
    "parameters": "kept",
    "require": "reason ticket",
    "probes": "9",
    "learned_rows": "9",
    "window_seconds": "60",
    "beyond": "dba",
    "mask": "token",
}
OF_A_HOLD = ("hold_seconds", "within", "quorum", "escalate", "escalate_after")
OF_A_BUDGET = ("probes", "learned_rows", "window_seconds", "beyond")


@pytest.mark.parametrize("effect", ["permit", "forbid"])
@pytest.mark.parametrize("name", ANNOTATIONS)
def test_annotation_is_taken_where_it_means_something(name: str, effect: str) -> None:
    """Every row of the table, on both effects; an empty value is never taken."""
    needed = {"id": "x", "description": "d"} | (
        {"hold": "dba"} if name in (*OF_A_HOLD, "require") and effect == "forbid" else {}
    )
    needed |= {"escalate": "managers"} if name == "escalate_after" and effect == "forbid" else {}
    needed |= {"probes": "1", "beyond": "dba"} if name in OF_A_BUDGET and effect == "permit" else {}
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


@pytest.mark.parametrize(("within", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86_400)])
def test_a_hold_may_say_its_time_in_any_unit(within: str, seconds: int) -> None:
    """What people write: thirty minutes."""
    annotations = {"id": "x", "description": "d", "hold": "dba", "within": within}
    assert annotation_fault("forbid", annotations) == ""
    assert rule_of("forbid", annotations, "f", 1, "").hold_seconds == seconds


@pytest.mark.parametrize("within", ["", "30", "m", "0m", "-1m", "25h", "2d", "1 h", "30M", "99999999s"])
def test_a_time_that_is_none_or_over_a_day_is_refused(within: str) -> None:
    """A hold that never ends would never end."""
    assert annotation_fault("forbid", {"id": "x", "description": "d", "hold": "dba", "within": within})


def test_a_hold_says_its_time_once() -> None:
    """Two times would leave open which counts."""
    annotations = {"id": "x", "description": "d", "hold": "dba", "within": "1m", "hold_seconds": "90"}
    assert "one of them is enough" in annotation_fault("forbid", annotations)


def test_a_misspelled_annotation_is_told_with_what_was_meant() -> None:
    """``@hodl`` holds nothing."""
    assert "did you mean @hold?" in annotation_fault("forbid", {"id": "x", "description": "d", "hodl": "dba"})


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"hold": "dba", "escalate_after": "1m"}, "@escalate_after needs an @escalate"),
        ({"hold": "dba", "escalate": "managers", "escalate_after": "10m"}, "before the time to answer is over"),
        ({"hold": "dba", "escalate": "managers", "within": "1h", "escalate_after": "59m"}, ""),
        ({"escalate": "managers"}, "@escalate needs a @hold"),
    ],
)
def test_escalation_comes_before_the_end(given: dict[str, str], fault: str) -> None:
    """A second group that is asked too late, or never, is no second group."""
    assert fault in annotation_fault("forbid", {"id": "x", "description": "d"} | given)
    assert bool(fault) == bool(annotation_fault("forbid", {"id": "x", "description": "d"} | given))


def test_escalation_comes_at_half_time_unless_said() -> None:
    """There is as much time for the second group as for the first."""
    annotations = {"id": "x", "description": "d", "hold": "dba", "within": "10m", "escalate": "managers"}
    assert rule_of("forbid", annotations, "f", 1, "").escalate_seconds == 300
    assert rule_of("forbid", annotations | {"escalate_after": "2m"}, "f", 1, "").escalate_seconds == 120
