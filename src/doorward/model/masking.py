"""The ways a value can be masked, apart from any wire format."""

from __future__ import annotations

from enum import Enum


class Mask(Enum):
    """What is left of a value. Only NONE lets it pass."""

    NONE = "none"
    FULL = "full"  # a fixed value of the column's type; NULL stays NULL
    FULL_HIDING_NULL = "full, null hidden"  # the same, and NULL is hidden too: for derived values
    INITIAL = "initial"  # the first character of a text
    EMAIL = "email"  # the first character of an address
    SCAN = "scan"  # texts and documents with the personal data and secrets found in them replaced; else as FULL
    TOKEN = "token"  # the same token for the same value, of the value's type where that has some; else as FULL
    LAST_FOUR = "last four"  # the last four digits or letters, separators kept
