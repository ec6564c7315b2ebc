"""Times as people give them: so long ago, a day, a moment."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo

from doorward.errors import InvalidRequest

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
HOW = "Write 30m, 2h, 7d, 12w, 2027-01-31 or 2027-01-31T08:00."


def moment_us(text: str, now_us: int, zone: tzinfo | None = UTC, *, is_end: bool = False) -> int:
    """The moment that *text* means, in microseconds; 0 for an empty text. *zone* None is the machine's own.

    A day means its beginning, as an end (*is_end*) the end of it. Raises InvalidRequest.
    """
    text = text.strip()
    if not text:
        return 0
    ago = _AGO.fullmatch(text)
    if ago:
        return now_us - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000
    try:
        moment = datetime.fromisoformat(text)
        if is_end and _DAY.fullmatch(text):
            moment += timedelta(days=1)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone) if zone else moment.astimezone()
        return int(moment.timestamp()) * 1_000_000 + moment.microsecond
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{text[:40]!r} is not a time.", HOW) from None
