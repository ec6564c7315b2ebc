# ruff: noqa: SIM905 - word lists
"""Names to words: how a column's name is read."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from doorward.catalog.vocabulary import CANONICAL, SEGMENTS

_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ACRONYM_PLURAL = re.compile(r"(?<![A-Z])(ID|IP|URL|API)s(?![a-z])")
_KEEP_S = frozenset(
    "address status news canvas diagnosis analysis gps sms dns pos bus gas has is was its this us sss os ios".split()
)
_MIXED = ("2fa", "ipv4", "ipv6", "cvv2", "cvc2", "md5", "sha1", "sha256", "i18n")


def singular(word: str) -> str:
    """The singular of an English plural, roughly; other words unchanged."""
    if len(word) <= 3 or word in _KEEP_S or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def _segments(word: str) -> list[str]:
    """Split a joined word when known words cover all of it; else leave it whole. Longest pieces first."""
    best: list[list[str] | None] = [[]] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 14), end):
            head, piece = best[start], word[start:end]
            if head is None or not (piece in SEGMENTS or (len(piece) > 4 and singular(piece) in SEGMENTS)):
                continue
            if best[end] is None or len(head) + 1 < len(best[end] or ()):
                best[end] = [*head, piece]
    return best[-1] or [word]


def _canonical(word: str) -> list[str]:
    for spelling in (word, singular(word)):
        if spelling in CANONICAL:
            return CANONICAL[spelling].split()
    if word in SEGMENTS or singular(word) in SEGMENTS:
        return [singular(word)]
    pieces = _segments(word) if len(word) > 6 else [word]
    if len(pieces) == 1:
        return [singular(word)]
    return [part for piece in pieces for part in _canonical(piece)]


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """The words of *name* in order: split at case, digits and signs, accents folded, joined words parted, in one spelling."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    plain = _ACRONYM_PLURAL.sub(r"\1", plain)
    found: list[str] = []
    for part in re.split(r"[^A-Za-z0-9]+", plain):
        lowered = part.lower()
        if lowered in CANONICAL or lowered in _MIXED:
            found += _canonical(lowered)
            continue
        for piece in _PIECE.findall(part):
            found += _canonical(piece.lower())
    return tuple(found)
