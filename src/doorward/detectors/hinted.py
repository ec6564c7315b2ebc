"""What the name of a column or key makes of a value: a phone column's digits are a phone number, whatever their shape."""

from __future__ import annotations

import re

from doorward.detectors import births, people, spans
from doorward.detectors.context import Hint
from doorward.detectors.credentials import is_placeholder
from doorward.detectors.spans import Candidate

_NOTHING = re.compile(
    r"(?i)(?:true|false|null|none|nil|yes|no|y|n|n/?a|unknown|empty|default|enabled|disabled|active|inactive|pending|verified|"
    r"unverified|valid|invalid|home|work|mobile|other|private|business|main|primary|secondary|-+|\?+|\*+|\.+)"
)
_UUID = re.compile(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].*)?")
_BY_NAME, _SURELY = 42, 60  # above what check digits say, and above everything


def by_name(text: str, hint: Hint) -> Candidate | None:
    """The span that covers *text* if it can be what *hint* says."""
    stripped = text.strip()
    if not hint.type or not stripped or _NOTHING.fullmatch(stripped):
        return None
    rank = _BY_NAME
    if hint.type is spans.SECRET:
        if is_placeholder(stripped) or len(stripped) < 3 or stripped.startswith(("{", "[")):
            return None
        rank = _BY_NAME if " " in stripped else _SURELY
    elif not _fits(stripped, hint):
        return None
    start = text.index(stripped)
    return Candidate(start, start + len(stripped), hint.type, "by-name", rank)


def _fits(text: str, hint: Hint) -> bool:
    kind, length = hint.type, len(text)
    if kind is spans.PERSON:
        return length <= 80 and people.is_name_like(text, strictly=not hint.is_sure)
    digits = sum(sign.isdigit() for sign in text)
    if kind is spans.ADDRESS:
        return 3 <= length <= 300 and "@" not in text and not text.startswith(("http:", "https:", "{", "["))
    if kind is spans.EMAIL:
        return "@" in text and " " not in text and length <= 254
    if kind is spans.DOB:
        return births.is_date(text)
    if kind in (spans.IP, spans.MAC):
        return length <= 45 and digits + sum(sign in "abcdefABCDEF:.-/" for sign in text) == length and digits >= 2
    if _UUID.fullmatch(text) or _TIMESTAMP.fullmatch(text):
        return False
    if kind is spans.PHONE:
        return 5 <= digits <= 17 and length <= 32 and digits * 5 >= length * 2
    if kind is spans.CARD:
        return 12 <= digits <= 19 and length <= 25 and digits * 3 >= length * 2
    if kind is spans.IBAN:
        return digits >= 5 and length <= 42
    return digits >= 4 and length <= 32 and text.count(" ") <= 5  # national ids
