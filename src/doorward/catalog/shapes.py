"""What the sampled values of a column look like, as a vote on what it holds. The values themselves are never kept.

A vote adds to what the name says. It takes nothing away but certainty: what looked otherwise in a sample may well be what
the name says in the rows that nobody sampled.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from doorward.detectors import spans
from doorward.detectors.people import is_name_like
from doorward.detectors.scanner import Scanner
from doorward.model.catalog import Finding, Label, applies_at_once

# Fewer values than this prove nothing.
FEWEST_VALUES = 8
MOST_CHARACTERS = 500
_LABEL_OF = {
    spans.EMAIL: Label.EMAIL,
    spans.PHONE: Label.PHONE,
    spans.CARD: Label.CARD,
    spans.IBAN: Label.BANK_ACCOUNT,
    spans.NATIONAL_ID: Label.NATIONAL_ID,
    spans.IP: Label.IP,
    spans.MAC: Label.DEVICE_ID,
    spans.DOB: Label.DOB,
    spans.ADDRESS: Label.ADDRESS,
    spans.PERSON: Label.PERSON_NAME,
    spans.SECRET: Label.SECRET,
}
# Shapes that other things hardly have by chance. Of the rest (a phone is digits, a name two words) a column is only suspected.
_TELLING = frozenset({Label.EMAIL, Label.CARD, Label.BANK_ACCOUNT, Label.SECRET, Label.IP, Label.DEVICE_ID})
# Labels whose values have a shape so plain that a large sample without one speaks against the name.
_SHAPED = frozenset({Label.EMAIL, Label.IP})
_LARGE_SAMPLE = 100
_WHOLE = 0.8  # of a value's characters: then the value is that thing, and does not just mention it
_MOST, _MANY = 0.8, 0.5
_PROSE_WORDS = 5
_PROSE_DISTINCT = 0.5
_MENTIONS = 0.03
_NAMES = 0.7
_PLAIN = re.compile(r"-?\d+([.,]\d+)?|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|\d{4}-\d\d-\d\d.*|true|false", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Vote:
    """What a sample of *size* values looks like: *share* of them like *label*. No label when they look like nothing known.

    *is_prose*: they are written text. *matches* counts, by label, the values that are one.
    """

    size: int
    label: Label = Label.NONE
    share: float = 0.0
    is_prose: bool = False
    mentions: float = 0.0
    matches: tuple[tuple[Label, int], ...] = ()


def vote(values: Sequence[str], column: str, scanner: Scanner) -> Vote:
    """What *values* (some of a column, without NULLs) look like. *column* is its name, as context for the scanner."""
    sample = [value[:MOST_CHARACTERS].strip() for value in values]
    sample = [value for value in sample if value]
    if len(sample) < FEWEST_VALUES:
        return Vote(len(sample))
    plain = sum(_PLAIN.fullmatch(value) is not None for value in sample)
    whole: Counter[Label] = Counter()
    mentioning = 0
    for value, found in zip(sample, scanner.find_all(sample, column=column if plain < len(sample) else ""), strict=True):
        labels = {_LABEL_OF[one.type] for one in found if one.type in _LABEL_OF and one.end - one.start >= _WHOLE * len(value)}
        whole.update(labels)
        mentioning += bool(found) and not labels
    distinct = len(set(sample)) / len(sample)
    if distinct >= _PROSE_DISTINCT:
        named = sum(is_name_like(value, strictly=True) for value in sample)
        whole[Label.PERSON_NAME] = max(whole[Label.PERSON_NAME], named)
    prose = sum(len(value.split()) >= _PROSE_WORDS for value in sample) >= _MANY * len(sample) and distinct >= _PROSE_DISTINCT
    label, count = whole.most_common(1)[0] if whole else (Label.NONE, 0)
    return Vote(
        len(sample),
        label if count else Label.NONE,
        count / len(sample),
        prose,
        mentioning / len(sample),
        tuple((one, many) for one, many in sorted(whole.items(), key=lambda pair: pair[0].value) if many),
    )


def _told(vote: Vote, count: int, label: Label) -> str:
    return f"{count} of {vote.size} sampled values look like {label.value.replace('_', ' ')}"


def weighed(finding: Finding, vote: Vote) -> Finding:
    """*finding* with what a sample of the values says for and against it."""
    matches = dict(vote.matches)
    if vote.size < FEWEST_VALUES or finding.label is Label.UNCLASSIFIED:
        return finding
    if finding.label.is_protected:
        count = matches.get(finding.label, 0)
        if count >= _MANY * vote.size:
            return replace(
                finding, confidence=max(finding.confidence, 0.97), reasons=(*finding.reasons, _told(vote, count, finding.label))
            )
        if _is_strong(vote) and vote.label is not finding.label and not applies_at_once(finding.label, finding.confidence):
            return _proposed_by(vote)
        if finding.label in _SHAPED and count == 0 and vote.size >= _LARGE_SAMPLE:
            against = f"but none of {vote.size} sampled values looks like one"
            return replace(finding, confidence=min(finding.confidence, 0.7), reasons=(*finding.reasons, against))
        return finding
    if _is_strong(vote):
        return _proposed_by(vote)
    if vote.label is Label.PERSON_NAME and vote.share >= _NAMES:
        return Finding(Label.PERSON_NAME, 0.6, (_told(vote, round(vote.share * vote.size), vote.label),))
    if vote.label not in (Label.NONE, Label.PERSON_NAME) and vote.share >= _MOST:
        return Finding(vote.label, 0.7, (_told(vote, round(vote.share * vote.size), vote.label),))
    if vote.is_prose and vote.mentions >= _MENTIONS:
        return Finding(Label.FREE_TEXT, 0.8, (f"written text; {vote.mentions:.0%} of it mentions people or secrets",))
    return finding


def _is_strong(vote: Vote) -> bool:
    return vote.label in _TELLING and vote.share >= _MANY


def _proposed_by(vote: Vote) -> Finding:
    """A finding from values alone. Half of them alike is proposed; nearly all of them is applied at once."""
    confidence = 0.95 if vote.share >= _MOST else 0.7
    return Finding(vote.label, confidence, (_told(vote, round(vote.share * vote.size), vote.label),))
