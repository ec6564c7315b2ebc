"""Times as people give them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from doorward.control.moments import moment_us
from doorward.errors import InvalidRequest

NOW = 1_800_000_000_000_000
SECOND = 1_000_000


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("90d", 90 * 86_400), ("12w", 12 * 7 * 86_400), (" 2 h ", 7200)],
)
def test_so_long_ago(text: str, seconds: int) -> None:
    assert moment_us(text, NOW) == NOW - seconds * SECOND


def test_day_is_its_beginning_and_as_an_end_its_end() -> None:
    begin = int(datetime(2027, 1, 31, tzinfo=UTC).timestamp()) * SECOND
    assert moment_us("2027-01-31", NOW) == begin
    assert moment_us("2027-01-31", NOW, is_end=True) == begin + 86_400 * SECOND
    assert moment_us("2027-01-31T00:00", NOW, is_end=True) == begin


def test_zone_is_the_readers_unless_the_time_has_one() -> None:
    zone = timezone(timedelta(hours=2))
    assert moment_us("2027-01-31T08:00", NOW, zone) == moment_us("2027-01-31T06:00", NOW)
    assert moment_us("2027-01-31T08:00+02:00", NOW) == moment_us("2027-01-31T06:00Z", NOW)
    assert moment_us("", NOW) == 0


@pytest.mark.parametrize("text", ["yesterday", "12", "2027-13-01", "9999999d", "1y", "-2h"])
def test_anything_else_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(InvalidRequest, match="Write 30m"):
        moment_us(text, NOW)
