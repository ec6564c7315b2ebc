"""Values that a row shows in a labelled column, found again in its texts: the name in a note, whole or in part."""

from __future__ import annotations

from collections.abc import Sequence

from doorward.detectors import spans
from doorward.detectors.spans import Candidate

Known = tuple[str, str]  # type of span, value
MIN_LETTERS = 3  # shorter ones are found in everything


def known_in(text: str, known: Sequence[Known]) -> list[Candidate]:
    """Every place in *text* where a known value stands as a word or words of its own, in capitals or not.

    Of a person's name each word counts too, as does the name with its last word first.
    """
    folded = text.lower()
    if len(folded) != len(text):  # a few capitals become two letters; then only the exact spelling is looked for
        folded = text
    found: list[Candidate] = []
    for type_, value in known:
        for form in _forms(type_, value.strip()):
            needle = form.lower() if folded is not text else form
            at = folded.find(needle)
            while at >= 0:
                end = at + len(needle)
                if _stands_alone(text, at, end):
                    found.append(Candidate(at, end, type_, "known", spans.CERTAIN))
                at = folded.find(needle, end)
    return found


def _forms(type_: str, value: str) -> list[str]:
    if len(value) < MIN_LETTERS:
        return []
    forms = [value]
    words = value.replace(",", " ").split()
    if type_ == spans.PERSON and len(words) > 1:
        forms.append(f"{words[-1]} {' '.join(words[:-1])}")
        forms.append(f"{words[-1]}, {' '.join(words[:-1])}")
        forms += [word for word in words if len(word) >= MIN_LETTERS and word[:1].isupper()]
    return forms


def _stands_alone(text: str, start: int, end: int) -> bool:
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    return not (before.isalnum() and text[start].isalnum()) and not (after.isalnum() and text[end - 1].isalnum())
