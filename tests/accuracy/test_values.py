"""The targets hold on what was kept aside, and the scores count what they say."""

from __future__ import annotations

import pytest

from tests.accuracy import speed
from tests.accuracy.span_scores import SpanScore, overlap
from tests.accuracy.values import COLUMN_OF, Target, development, kept_aside, targets


@pytest.fixture(scope="module")
def measured() -> list[Target]:
    """The figures, once."""
    return targets()


def test_every_target_is_met_on_the_third_kept_aside(measured: list[Target]) -> None:
    """Structured values, secrets, look-alikes with and without their column."""
    assert [target for target in measured if not target.is_met] == []
    assert len(measured) == 4


def test_the_split_is_whole() -> None:
    """Every span is inside its text, every kind of look-alike has a column, a third is kept aside."""
    texts = development()
    assert len(texts) == 1032
    assert 0.3 < len(kept_aside()) / len(texts) < 0.36
    assert all(0 <= start < end <= len(text.text) for text in texts for start, end, _ in text.gold)
    assert {text.group for text in texts if text.group.startswith("neg:")} <= set(COLUMN_OF)


def test_a_score_counts_right_wrong_and_missed() -> None:
    """A span counts when its type is right and half of the union is common."""
    score = SpanScore()
    score.add([(0, 10, "A"), (20, 30, "A"), (40, 50, "B")], [(0, 8, "A"), (20, 30, "B"), (60, 70, "A")], "g")
    assert (score.right["A"], score.wrong["A"], score.missed["A"]) == (1, 1, 1)
    assert (score.right["B"], score.wrong["B"], score.missed["B"]) == (0, 1, 1)
    assert score.of("A") == (0.5, 0.5, 0.5)
    assert score.of("nothing") == (1.0, 1.0, 1.0)
    assert overlap((0, 10, "A"), (5, 15, "A")) == pytest.approx(1 / 3)


def test_corpora_of_the_speed_are_what_they_say() -> None:
    """Eighty bytes, nothing in the clean ones, something in each of the cells."""
    from doorward.detectors.scanner import Scanner

    corpora = speed.corpora()
    clean, some, cells = corpora.values()
    scanner = Scanner()
    assert {len(value) for value in clean} == {80}
    assert not any(scanner.find_all(clean[:2_000]))
    assert all(scanner.find_all(cells[:2_000]))
    assert 5 <= sum(map(bool, scanner.find_all(some[:2_000]))) <= 50
