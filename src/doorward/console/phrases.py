"""Values as people read them: times, durations, numbers, and one word and colour a verdict."""

from __future__ import annotations

from datetime import UTC, datetime

# Verdict or status -> the word shown and the colour's class. What nobody listed is shown as it is, in grey.
BADGES = {
    "allow": ("allowed", "good"),
    "deny": ("denied", "bad"),
    "hold": ("held", "wait"),
    "pending": ("waiting", "wait"),
    "approved": ("approved", "good"),
    "rejected": ("rejected", "bad"),
    "withdrawn": ("withdrawn", "calm"),
    "expired": ("expired", "calm"),
    "lapsed": ("lapsed", "calm"),
    "revoked": ("taken back", "bad"),
}

OCCASIONS = {
    "statement.intent": "statement",
    "session.opened": "sign-in",
    "session.closed": "sign-out",
    "signin.refused": "refused",
    "hold.answered": "answer",
    "hold.moved": "answer",
    "inference.noted": "inference",
    "values.shown": "unmasked",
    "access.begun": "access",
    "access.ended": "access",
    "glass.reviewed": "review",
    "administered": "change",
    "service.started": "service",
    "service.stopped": "service",
}

# A result column's provenance (doorward.model.result) -> what was done to it.
TREATMENTS = {
    "clear": "shown",
    "cleared": "shown: this identity is cleared for it",
    "tokenized": "masked by a token that is the same for the same value",
    "scanned": "masked where something was found",
    "labelled": "masked",
    "unproven": "masked: not proven to be clean",
}


def treatment_of(word: str) -> str:
    """What was done to a result column."""
    return TREATMENTS.get(word, word)


def is_masked(word: str) -> bool:
    """Whether the client got a mask; so it is said of what nobody listed."""
    return not treatment_of(word).startswith("shown")


def badge_of(word: str) -> tuple[str, str]:
    """Word and colour for a verdict or state."""
    return BADGES.get(word, (word, "calm"))


def occasion_of(kind: str) -> str:
    """What an entry's kind is called."""
    return OCCASIONS.get(kind, kind)


def iso(at_us: int) -> str:
    """For the datetime attribute."""
    return _moment(at_us).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def clock_time(at_us: int) -> str:
    """Time of day, UTC."""
    return _moment(at_us).strftime("%H:%M:%S")


def full_time(at_us: int) -> str:
    """Date and time, UTC."""
    return _moment(at_us).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(microseconds: int) -> str:
    """In the unit that reads best."""
    for limit, divisor, unit in ((1_000, 1, "µs"), (1_000_000, 1_000, "ms"), (60_000_000, 1_000_000, "s")):
        if microseconds < limit:
            amount = microseconds / divisor
            return f"{amount:.0f} {unit}" if divisor == 1 or amount >= 10 else f"{amount:.1f} {unit}"
    return f"{microseconds / 60_000_000:.0f} min"


def number(amount: int) -> str:
    """With thin spaces between thousands."""
    return f"{amount:,}".replace(",", "\u202f")


def counted(amount: int, one: str, many: str = "") -> str:
    """``1 row``, ``2 rows``."""
    return f"{number(amount)} {one if amount == 1 else many or one + 's'}"


def _moment(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC)
