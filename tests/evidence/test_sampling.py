"""Samples are drawn the same way by whoever has the seed, and nobody's choice is in them."""

import pytest

from doorward.evidence.sampling import sample, sample_size


@pytest.mark.parametrize(
    ("count", "size"), [(0, 0), (1, 1), (5, 5), (6, 5), (50, 5), (51, 25), (250, 25), (251, 40), (10_001, 60)]
)
def test_size_follows_the_population(count: int, size: int) -> None:
    """All of a few; as auditors take for what happens weekly, daily, many times a day."""
    assert sample_size(count) == size


def test_draws_rows_that_are_there_and_each_once() -> None:
    drawn = sample("seed", "denied", [()] * 1000)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == 40
    assert all(1 <= number <= 1000 for number in drawn)


def test_depends_on_seed_and_population_alone() -> None:
    rows = [()] * 300
    assert sample("a", "denied", rows) == sample("a", "denied", rows)
    assert sample("a", "denied", rows) != sample("b", "denied", rows)
    assert sample("a", "denied", rows) != sample("a", "agents", rows)
