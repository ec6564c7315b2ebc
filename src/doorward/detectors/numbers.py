# ruff: noqa: E501 - patterns and word lists, one to a line
"""Numbers in a text: one reading decides between card, national id, telephone number and none of them.

A number is told by its shape (``999-99-9999``), then by a check digit or a numbering plan, then by where it stands: alone in a
value, behind a cue, behind the words of an order number, or glued to something that makes it a part of a code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from doorward.detectors import phones, spans
from doorward.detectors.check_digits import luhn
from doorward.detectors.context import CARD, ID, PASSPORT, PHONE, Hint, cues_before
from doorward.detectors.national_ids import BY_SHAPE, LETTERED_IDS, NOT_ALNUM, Strength
from doorward.detectors.spans import Candidate

# Groups of digits with what people put between them. Each step consumes a digit, so reading it takes linear time.
_NUMBER = re.compile(
    r"(?<![0-9A-Za-z_])(?:\+ ?|(?<!\+)00)?\(?[0-9]+\)?(?:(?:[ .\-/]|[ .\-/]?\(|\) ?| - |\) - |\)-)[0-9]+\)?){0,14}"
    r"(?:[ ]?(?:x|ext\.?|extension)[ ]?[0-9]{1,5})?(?![0-9A-Za-z_])",
)
_EXTENSION = re.compile(r"[ ]?(?:x|ext\.?|extension)[ ]?[0-9]{1,5}$")
_NINES = {ord(digit): "9" for digit in "012345678"}
_NOT_DIGITS = {ord(sign): None for sign in "+() .-/"}
MIN_DIGITS = 7
_MAX_PIECE = 26  # characters of the longest number written in groups
_MAX_PADDING = 64  # spaces around a value, as char(n) has them
MAX_DIGITS = 22  # behind that it is no number of a person

_EVEN = re.compile(r"[0-9]{4}(?: [0-9]{4}){2,5}")

# ISO/IEC 7812-1 issuer ranges in use, with the lengths their cards have.
_ISSUERS: tuple[tuple[re.Pattern[str], frozenset[int]], ...] = tuple(
    (re.compile(prefix), frozenset(lengths))
    for prefix, lengths in (
        (r"4", {16, 19}),  # Visa; its old numbers of 13 digits are article numbers today
        (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", {16}),  # Mastercard
        (r"3[47]", {15}),  # American Express
        (r"6011|64[4-9]|65", {16, 19}),  # Discover
        (r"62|81", {16, 17, 18, 19}),  # UnionPay
        (r"352[89]|35[3-8]", {16, 17, 18, 19}),  # JCB
        (r"3(?:0[0-5]|095|[689])", {14, 16, 19}),  # Diners Club
        (r"5018|5020|5038|5893|6304|6759|676[1-3]|56|57|58|50|6[0379]", {15, 16, 18, 19}),  # Maestro and other debit
        (r"220[0-4]", {16, 17, 18, 19}),  # Mir
        (r"60|65|81|82|508|353|356", {16}),  # RuPay
        (r"9792", {16}),  # Troy
        (r"636", {16}),  # InterPayment and Elo
    )
)
_CARD_SHAPE = re.compile(
    r"9{13,19}|9{4}([ -])9{4}\1?9{4}\1?9{4}(?:\1?9{3})?|9{4}([ -.])9{6}\2?9{5}|9{4}[ -]9{6}[ -]9{4}|9{4}\.9{4}\.9{4}\.9{4}|9{8} 9{8,11}|9{4}([ -])9{4}\3?9{5}|9{12}|9{6}[ -]9{13}"
)


def is_card(digits: str) -> bool:
    """Whether *digits* have an issuer's prefix, its length and a right check digit."""
    length = len(digits)
    if not any(length in lengths and prefix.match(digits) for prefix, lengths in _ISSUERS):
        return False
    return luhn(digits) and len(set(digits)) > 1


def numbers_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """Cards, national ids and telephone numbers among the numbers of *text*."""
    for match in _NUMBER.finditer(text):
        number = match.group()
        if len(number) >= MIN_DIGITS:
            yield from _read(text, match.start(), number, hint)


def _read(text: str, start: int, number: str, hint: Hint) -> Iterator[Candidate]:
    if number[-1] == ")" and "(" not in number:
        number = number[:-1]
    if number[0] == "(" and ")" not in number:
        start, number = start + 1, number[1:]
    found = _classify(text, start, number, hint)
    if found is not None:
        yield found
        return
    if hint.is_plain or _is_whole(text, start, start + len(number)) or _EVEN.fullmatch(number):
        return  # one thing, whatever it is
    groups = number.split(" ")
    # Numbers that stand side by side were read as one: try their neighbours together, the longest first.
    if 1 < len(groups) <= 16 and max(map(len, groups)) > 1:
        offsets = [0]
        for group in groups:
            offsets.append(offsets[-1] + len(group) + 1)
        at = 0
        while at < len(groups):
            for until in range(len(groups), at, -1):
                piece = number[offsets[at] : offsets[until] - 1]
                if MIN_DIGITS <= len(piece) <= _MAX_PIECE and piece != number and piece[0] not in ".-/":
                    found = _classify(text, start + offsets[at], piece, hint)
                    if found is not None:
                        yield found
                        at = until - 1
                        break
            at += 1


def _classify(text: str, start: int, number: str, hint: Hint) -> Candidate | None:
    end = start + len(number)
    digits = number.translate(_NOT_DIGITS)
    if number[0] == "+" or (number[:2] == "00" and number[2:3] != "0" and len(digits) >= 11):
        return _international(text, start, end, number, digits, hint)
    count = len(digits)
    if not MIN_DIGITS <= count <= MAX_DIGITS or not digits.isdecimal():
        return _extended(text, start, number, hint) if not digits.isdecimal() else None
    shape = number.translate(_NINES)
    cues = cues_before(text, start)
    is_glued = _is_glued(text, start, end)
    is_whole = _is_whole(text, start, end)
    is_other = hint.is_plain or cues.is_other
    id_cue = hint.type is spans.NATIONAL_ID or cues.kind in (ID, PASSPORT)
    if count >= 12 and not is_glued and _CARD_SHAPE.fullmatch(shape):
        is_named = cues.kind == CARD or hint.type is spans.CARD
        if (
            (luhn(digits) and len(set(digits)) > 1)
            if is_named
            else (not (is_other and count == len(number)) and is_card(digits))
        ):
            return Candidate(start, end, spans.CARD, "card", spans.CHECKED)
        if is_named:
            return None
    rows = BY_SHAPE.get(shape)
    phone = hint.type is spans.PHONE or cues.kind == PHONE
    if rows is not None and not phone and (not is_glued or id_cue) and (not is_other or id_cue):
        # Ten bare digits that start with 1 are seconds since 1970 far more often than a number of a person.
        is_time = shape == "9999999999" and number[0] == "1"
        least = 1 if id_cue else 2 if is_whole and not hint.type and not is_time else 3
        for name, strength, is_valid in rows:
            if strength.value >= least and is_valid(digits):
                if strength is Strength.CELL and not id_cue and count < len(number) and phones.is_national(number, digits):
                    break
                return Candidate(start, end, spans.NATIONAL_ID, name, spans.CHECKED)
    if is_glued or (is_other and not phone):
        return None
    if id_cue:
        if (5 <= count <= 14 and hint.type) or cues.kind == PASSPORT:
            return Candidate(start, end, spans.NATIONAL_ID, "id-by-cue", spans.CUED)
        return None
    if phone and phones.has_shape(number, digits):
        return Candidate(start, end, spans.PHONE, "phone-by-cue", spans.CUED)
    if hint.type and hint.type is not spans.PERSON:
        return None
    if phones.is_national(number, digits) or (phones.is_loosely_national(number) and count >= 10):
        return Candidate(start, end, spans.PHONE, "phone", spans.SHAPED)
    return None


def _international(text: str, start: int, end: int, number: str, digits: str, hint: Hint) -> Candidate | None:
    if not digits.isdecimal():
        return _extended(text, start, number, hint)
    has_plus = number[0] == "+"
    subscriber = digits if has_plus else digits[2:]
    if not phones.is_international(subscriber) or (text[end : end + 1] == ":" and text[end + 1 : end + 2].isdigit()):
        return None
    if not has_plus:
        code = phones.country_code_of(subscriber)
        is_known = phones.is_planned(subscriber[len(str(code)) :], code)
        is_cued = hint.type is spans.PHONE or cues_before(text, start).kind == PHONE
        if hint.is_plain or (not is_known and not is_cued and not phones.is_loosely_national(number)):
            return None
        if number.isdecimal() and not is_cued:
            return None  # bare digits behind two zeros are mostly article numbers
    return Candidate(start, end, spans.PHONE, "phone-international", spans.CHECKED if has_plus else spans.SHAPED)


def _extended(text: str, start: int, number: str, hint: Hint) -> Candidate | None:
    extension = _EXTENSION.search(number)
    if extension is None:
        return None
    found = _classify(text, start, number[: extension.start()], hint)
    if found is None or found.type is not spans.PHONE:
        return None
    return found._replace(end=start + len(number))


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether there is nothing but spaces around."""
    if start == 0 and end == len(text):
        return True
    return start < _MAX_PADDING and len(text) - end < _MAX_PADDING and not text[:start].strip() and not text[end:].strip()


def _is_glued(text: str, start: int, end: int) -> bool:
    """Whether the number is a part of a longer sign: a code, a decimal, a time, a file name."""
    if start and text[start - 1] in "-./#$€£¥:@\\":
        before = text[start - 1]
        if before in "#$€£¥@\\":
            return True
        if start > 1 and text[start - 2].isalnum() and before != ":":
            return before != "." or text[start - 2].isdigit()
        if before == ":" and start > 1 and text[start - 2].isdigit():
            return True
    after = text[end : end + 2]
    if not after:
        return False
    if after[0] in "-./:,@" and len(after) > 1 and after[1].isalnum():
        return after[0] != "," or after[1].isdigit()
    return after[0] in "%°"


_LETTERED_EACH = tuple(
    (row, re.compile(rf"(?<![0-9A-Za-z_])(?:{row.pattern})(?![0-9A-Za-z_])", re.IGNORECASE | re.ASCII)) for row in LETTERED_IDS
)


def lettered_ids_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """National ids that have letters in them."""
    for row, pattern in _LETTERED_EACH:
        for match in pattern.finditer(text):
            start, end = match.span()
            written = match.group()
            cues = cues_before(text, start)
            is_cued = hint.type is spans.NATIONAL_ID or cues.kind in (ID, PASSPORT)
            if not is_cued:
                is_glued = (start and text[start - 1] in "-/.@") or (text[end : end + 1] in ("-", "@", "/") and end < len(text))
                if hint.is_plain or hint.type or is_glued or written != written.upper() or cues.is_other:
                    continue
                if row.strength is Strength.CUE or (row.strength is Strength.CELL and not _is_whole(text, start, end)):
                    continue
            if row.is_valid(NOT_ALNUM.sub("", written.upper())):
                yield Candidate(start, end, spans.NATIONAL_ID, row.name, spans.CHECKED)


_PASSPORT = re.compile(
    r"\b(?:passport|passeport|pasaporte|reisepass(?:nummer)?|paszport|paspoort|passaporto)\b[^\n;]{0,16}?"
    r"(?<![0-9A-Za-z])([A-Z]{0,3}[0-9][0-9A-Z]{5,9})(?![0-9A-Za-z])",
    re.IGNORECASE,
)
_NAMED_ID = re.compile(
    r"\b(?:(?:national|identity|personal|tax|vat|citizen)[ -]?(?:id|number|no\.?|card)|driv(?:er'?s?|ing)[ -]licen[cs]e|licen[cs]e (?:no|number)|"
    r"medical record|mrn|patient (?:id|no|number)|nif|nie|dni)\b[^\n;,A-Z0-9]{0,4}(?:n[or°º]\.?|number|num\.?|is|:|#|=|\s){0,4}"
    r"(?<![0-9A-Za-z])([A-Z]{0,3}[0-9][0-9A-Z.-]{4,13}[0-9A-Z])(?![0-9A-Za-z])",
    re.IGNORECASE,
)


def named_ids_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """Passports, licences and other numbers without a check digit, where the words in front name them."""
    for match in _PASSPORT.finditer(text):
        yield Candidate(*match.span(1), spans.NATIONAL_ID, "passport", spans.CUED)
    for match in _NAMED_ID.finditer(text):
        if sum(sign.isdigit() for sign in match.group(1)) >= 5:
            yield Candidate(*match.span(1), spans.NATIONAL_ID, "id-by-cue", spans.CUED)
