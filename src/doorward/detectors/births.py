# ruff: noqa: E501 - patterns and word lists, one to a line
"""Dates of birth: a date behind a word of birth, and dates as such for columns and keys that say so."""

from __future__ import annotations

import re
from collections.abc import Iterator

from doorward.detectors import spans
from doorward.detectors.context import Hint
from doorward.detectors.spans import Candidate

_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mär|mai|okt|dez|janv|févr|fév|mars|avr|juin|juil|août|déc|ene|abr|ago|dic|"
    r"gen|mag|giu|lug|set|ott|fev|out|maart|mrt|mei|stycz|lut|kwiet|czerw|lip|sierp|wrze|paźdz|listop|grud|maj|cze|kwi|wrz|paź|lis|gru|sty|"
    r"enero|julio|junio|agosto)[a-zà-ÿ]{0,10}\.?"
)
_DATE = (
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[-/.][0-9]{1,2}[-/.](?:[0-9]{4}|[0-9]{2})|"
    rf"[0-9]{{1,2}}(?:st|nd|rd|th|\.|er|º)? ?(?:of |de )?[- ]?{_MONTH}[, -]{{1,2}}(?:de )?[0-9]{{2,4}}|{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?,? [0-9]{{4}}|[0-9]{{8}})"
)
_CUES = (
    r"d\.?o\.?b\.?|date of birth|birth ?date|birth ?day|born(?: on| in)?|b\.|geb\.?|geboren(?: am| op)?|geburtsdatum|geburtstag|"
    r"née? le|date de naissance|naissance|naci[óo](?: el)?|fecha de nacimiento|nacimiento|nascid[oa](?: em)?|data de nascimento|nascimento|"
    r"nat[oa] il|data di nascita|nascita|geboortedatum|ur\.|urodzon[ya]|data urodzenia|född|födelsedatum|birth"
)
CUE_HEAD = (
    r"(?i)(?:\bd\.?o\.?b|birth|\bborn|\bb\.|\bgeb|geburts|n\xc3\xa9e? le|ne le|naissance|naci|nasc|\bnat[oa] il|geboortedatum|\bur\.|urodz|"
    r"f\xc3\xb6d)[^\n\x00]{0,24}[0-9]{2}"
)
_BY_CUE = re.compile(rf"(?<![\w])(?:{_CUES})(?![a-z])[^\w\n]{{0,4}}(?:(?:is|was|on|am|le|el|em|il|op|:|=)[^\w\n]{{0,2}}){{0,2}}({_DATE})(?![0-9])", re.IGNORECASE)  # fmt: skip
_WHOLE = re.compile(rf"{_DATE}(?:[T ][0-9:.]{{4,15}}(?:Z|[+-][0-9:]{{2,6}})?)?|[0-9]{{5,13}}|-[0-9]{{5,13}}", re.IGNORECASE)


def births_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """Dates right behind a word of birth."""
    for match in _BY_CUE.finditer(text):
        yield Candidate(*match.span(1), spans.DOB, "birth-by-cue", spans.CUED)


def is_date(text: str) -> bool:
    """Whether all of *text* is a date, in words or figures, or a count of seconds or days."""
    return _WHOLE.fullmatch(text) is not None
