"""What a detector finds: spans of a text, and which of two that overlap is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

EMAIL, PHONE, CARD, IBAN, NATIONAL_ID = "EMAIL", "PHONE", "CARD", "IBAN", "NATIONAL_ID"
IP, MAC, DOB, ADDRESS, PERSON, SECRET = "IP", "MAC", "DOB", "ADDRESS", "PERSON", "SECRET"
UNSCANNED = "UNSCANNED"  # the whole of a value that could not be read within its bound
TYPES = (EMAIL, PHONE, CARD, IBAN, NATIONAL_ID, IP, MAC, DOB, ADDRESS, PERSON, SECRET)

# Which of two overlapping candidates is kept: by rank, then by length, then by place.
GUESS, SHAPED, CUED, CHECKED, CERTAIN = 10, 20, 30, 40, 50


class Span(NamedTuple):
    """*type* was found from *start* to before *end*, by *rule*. Places count characters, or the bytes of a ``bytes``."""

    start: int
    end: int
    type: str
    rule: str


class Candidate(NamedTuple):
    """A span that a rule proposes, with the *rank* at which it competes with others."""

    start: int
    end: int
    type: str
    rule: str
    rank: int


def settle(candidates: Iterable[Candidate]) -> list[Span]:
    """The candidates that stay, in order and without overlap: the higher rank, then the longer, then the earlier."""
    ordered = sorted(candidates, key=_precedence)
    if len(ordered) == 1:
        start, end, type_, rule, _ = ordered[0]
        return [Span(start, end, type_, rule)]
    kept: list[Span] = []
    for start, end, type_, rule, _ in ordered:
        if start < end and all(end <= other.start or start >= other.end for other in kept):
            kept.append(Span(start, end, type_, rule))
    kept.sort()
    return kept


def _precedence(candidate: Candidate) -> tuple[int, int, int]:
    return (-candidate.rank, candidate.start - candidate.end, candidate.start)
