"""Memory is flat when its end is where it was once warm."""

import pytest

from tests.soak.flatness import flatness

MIB = 1024


def test_warming_up_is_no_growth() -> None:
    """Caches fill in the first quarter."""
    assert flatness([50 * MIB, 80 * MIB, 100 * MIB, *[120 * MIB] * 20]).is_flat


def test_one_peak_is_no_growth() -> None:
    """The median of the end is judged."""
    assert flatness([*[100 * MIB] * 19, 900 * MIB]).is_flat


def test_a_leak_is_growth() -> None:
    """A megabyte a reading, without end."""
    found = flatness([100 * MIB + number * MIB for number in range(100)])
    assert not found.is_flat
    assert str(found) == "134.5 MiB once warm, 189.5 MiB at the end"


def test_too_few_readings_are_not_judged() -> None:
    """A soak of a few seconds proves nothing."""
    with pytest.raises(ValueError, match="too few"):
        flatness([1.0] * 9)
