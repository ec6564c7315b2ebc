"""Values as people read them."""

import pytest

from doorward.console import phrases
from doorward.model.approval import RequestState
from doorward.model.catalog import Label
from doorward.model.decision import Verdict
from doorward.model.result import ColumnTreatment, Provenance


@pytest.mark.parametrize(
    ("microseconds", "words"),
    [
        (0, "0 µs"),
        (999, "999 µs"),
        (1_800, "1.8 ms"),
        (38_400, "38 ms"),
        (1_500_000, "1.5 s"),
        (59_900_000, "60 s"),
        (180_000_000, "3 min"),
    ],
)
def test_duration_is_in_the_unit_that_reads_best(microseconds: int, words: str) -> None:
    """Two digits are enough."""
    assert phrases.duration(microseconds) == words


def test_numbers_and_plurals() -> None:
    """Thin spaces between thousands."""
    assert phrases.number(1234567) == "1\u202f234\u202f567"
    assert [phrases.counted(n, "row") for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


@pytest.mark.parametrize("word", [member.value for kind in (Verdict, RequestState) for member in kind])
def test_every_verdict_and_state_has_a_word_and_colour(word: str) -> None:
    """None falls through to the default."""
    assert word in phrases.BADGES
    assert phrases.badge_of(word)[1] in {"good", "bad", "wait", "calm"}


@pytest.mark.parametrize("provenance", list(Provenance))
def test_masked_is_what_the_model_calls_masked(provenance: Provenance) -> None:
    """For every provenance; an unknown one counts as masked."""
    treatment = ColumnTreatment(0, "c", provenance, Label.EMAIL)
    assert phrases.is_masked(provenance.value) is treatment.is_masked
    assert phrases.treatment_of(provenance.value) != provenance.value
    assert phrases.is_masked("unheard of")


def test_times_are_utc() -> None:
    """The browser turns them into the reader's own."""
    at_us = 1_800_000_000_123_456
    assert phrases.iso(at_us) == "2027-01-15T08:00:00.123Z"
    assert phrases.clock_time(at_us) == "08:00:00"
    assert phrases.full_time(at_us) == "2027-01-15 08:00:00 UTC"
    assert phrases.occasion_of("unheard.of") == phrases.badge_of("unheard.of")[0] == "unheard.of"
