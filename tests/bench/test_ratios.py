"""Ratios are taken within a round and summed up by their median."""

import pytest

from tests.bench.ratios import Spread, ratio, spread


def test_a_spread_is_the_median_with_its_range() -> None:
    """Not the mean: one disturbed round must not move the number."""
    assert spread([3.0, 100.0, 1.0]) == Spread(3.0, 1.0, 100.0, 3)
    assert spread([1.0, 2.0]) == Spread(1.5, 1.0, 2.0, 2)


def test_what_is_missing_does_not_count() -> None:
    """A failed round is no zero."""
    assert spread([None, 4.0, None]) == Spread(4.0, 4.0, 4.0, 1)
    assert spread([None]) is None
    assert spread([]) is None


def test_a_ratio_is_taken_round_by_round() -> None:
    """A machine that slows down for one round slows both, so the ratio holds although the numbers drift."""
    found = ratio([50.0, 5.0, 100.0], [100.0, 10.0, 125.0])
    assert found == Spread(0.5, 0.5, 0.8, 3)
    # The ratio of the medians would be 0.5 as well only by chance: here it is not.
    assert ratio([1.0, 9.0, 10.0], [10.0, 10.0, 1.0]) == Spread(0.9, 0.1, 10.0, 3)


@pytest.mark.parametrize(("values", "reference"), [([1.0], [None]), ([None], [1.0]), ([1.0], [0.0]), ([], [1.0])])
def test_rounds_without_both_sides_give_no_ratio(values: list[float | None], reference: list[float | None]) -> None:
    """Nothing is divided by what was not measured."""
    assert ratio(values, reference) is None


def test_a_missing_round_leaves_the_others_paired() -> None:
    """The second round's value is compared with the second round's reference."""
    assert ratio([None, 30.0], [10.0, 60.0]) == Spread(0.5, 0.5, 0.5, 1)
