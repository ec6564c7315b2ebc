# ruff: noqa: SIM905 - word lists
"""Names to words: how a column's name is read."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from doorward.catalog.languages import LANGUAGES
from doorward.catalog.vocabulary import ASPECT, CANONICAL, CATALOGUE, PERSON, SEGMENTS

_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ACRONYM_PLURAL = re.compile(r"(?<![A-Z])(ID|IP|URL|API)s(?![a-z])")
_KEEP_S = frozenset(
    "address diabetes status news canvas diagnosis analysis gps sms dns pos bus gas has is was its this us sss os ios".split()
)
_MIXED = ("2fa", "ipv4", "ipv6", "cvv2", "cvc2", "md5", "sha1", "sha256", "i18n", "oauth2", "apellido1", "apellido2", "base64")

_MEANING: dict[str, str] = {}
for _language in reversed(LANGUAGES):
    _MEANING |= _language
_MEANING |= CANONICAL

# Short pieces say something at the ends of a joined name alone: "lastip", "codpostal", "idclient", "nroserie".
_ENDINGS = frozenset("id ip no nr url key pin zip".split())
_BEGINNINGS = frozenset("id cod nro num tel nom int ext new old".split())
_LONGEST_PIECE = 16
# Long enough to be joined to something without being a chance sequence of letters.
_JOINED = SEGMENTS | frozenset(word for word in _MEANING if len(word) >= 5 or (len(word) == 4 and word in CANONICAL))
# Words in their own right, though made of others.
_WHOLE = ASPECT | CATALOGUE | PERSON
_SHORTEST_JOINED = 6
_SHORTEST_REST = 3


def singular(word: str) -> str:
    """The singular of an English plural, roughly; other words unchanged."""
    if len(word) <= 3 or word in _KEEP_S or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def _spellings(word: str) -> tuple[str, ...]:
    """*word*, and what its singular may be in the languages known."""
    found = [word, singular(word)]
    for ending in ("es", "en", "n", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            found.append(word.removesuffix(ending))
    return tuple(found)


def _segments(word: str) -> list[str]:
    """Split a joined word when known words cover all of it; else leave it whole. Longest pieces first."""
    best: list[list[str] | None] = [[]] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - _LONGEST_PIECE), end):
            before, piece = best[start], word[start:end]
            if before is None:
                continue
            known = piece in _JOINED or (len(piece) > 4 and singular(piece) in _JOINED)
            at_an_end = (end == len(word) and start > 0 and piece in _ENDINGS) or (
                start == 0 and end < len(word) and piece in _BEGINNINGS
            )
            if not (known or at_an_end):
                continue
            if best[end] is None or len(before) + 1 < len(best[end] or ()):
                best[end] = [*before, piece]
    return best[-1] or [word]


@lru_cache(maxsize=65536)
def _canonical(word: str) -> tuple[str, ...]:
    for spelling in _spellings(word)[:2]:
        if spelling in _MEANING:
            return tuple(_MEANING[spelling].split())
    if word in SEGMENTS or singular(word) in SEGMENTS:
        return (singular(word),)
    for spelling in _spellings(word)[2:]:
        if spelling in _MEANING and (spelling not in CANONICAL or (word.endswith("es") and len(spelling) >= 6)):
            return tuple(_MEANING[spelling].split())
    pieces = _segments(word) if len(word) >= _SHORTEST_JOINED and singular(word) not in _WHOLE else [word]
    if len(pieces) == 1:
        return (singular(word),)
    return tuple(part for piece in pieces for part in _canonical(piece))


def _plain(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return _ACRONYM_PLURAL.sub(r"\1", plain)


@lru_cache(maxsize=65536)
def parts(name: str) -> tuple[str, ...]:
    """The pieces of *name* as they are written, in lower case: split at case, digits and signs, accents folded."""
    found: list[str] = []
    for part in re.split(r"[^A-Za-z0-9]+", _plain(name)):
        lowered = part.lower()
        if lowered in CANONICAL or lowered in _MIXED:
            found.append(lowered)
        else:
            found += [piece.lower() for piece in _PIECE.findall(part)]
    return tuple(found)


@lru_cache(maxsize=65536)
def words(name: str, affixes: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The words of *name* in order: its parts without the *affixes* at its ends, joined words parted, in one spelling."""
    pieces = list(parts(name))
    for affix in affixes:
        if (
            pieces
            and pieces[0].startswith(affix)
            and len(pieces[0]) - len(affix) >= _SHORTEST_REST
            and len(affix) >= _SHORTEST_REST
        ):
            pieces[0] = pieces[0].removeprefix(affix)
    if len(pieces) > 1 and pieces[0] in affixes:
        del pieces[0]
    if len(pieces) > 1 and pieces[-1] in affixes:
        del pieces[-1]
    return tuple(word for piece in pieces for word in _canonical(piece))
