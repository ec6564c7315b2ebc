"""International bank account numbers: ISO 13616, lengths by country from SWIFT's IBAN registry."""

from __future__ import annotations

import re
from collections.abc import Iterator

from doorward.detectors import spans
from doorward.detectors.check_digits import mod_97_10
from doorward.detectors.context import Hint
from doorward.detectors.spans import Candidate

LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FO FI GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ XK LT LU MN", 21: "HR LV LI CH",
        22: "BH BG CR GE DE IE ME RS GB VA", 23: "AE IL IQ TL OM SO GI", 24: "AD CZ MD PK RO SA SK ES SE TN VG DZ AQ",
        25: "PT ST LY", 26: "IS TR", 27: "FR GR IT MR MC SM BI DJ", 28: "AL AZ BY CY DO GT HU LB PL NI SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_IBAN = re.compile(r"(?<![0-9A-Za-z])(?<![0-9A-Fa-f]-)[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]){11,35}", re.IGNORECASE | re.ASCII)


def is_iban(compact: str) -> bool:
    """Whether *compact*, in capitals without spaces, has its country's length and right check digits."""
    return LENGTHS.get(compact[:2]) == len(compact) and mod_97_10(compact[4:] + compact[:4])


def ibans_in(text: str, hint: Hint) -> Iterator[Candidate]:
    """Account numbers, alone or with words of letters and digits behind them."""
    for match in _IBAN.finditer(text):
        start = match.start()
        length = LENGTHS.get(match.group()[:2].upper())
        if length is None:
            continue
        end, taken = start, 0
        while taken < length and end < match.end():
            taken += text[end].isalnum()
            end += 1
        if taken < length or (end < len(text) and text[end].isalnum() and text[end].isascii()):
            continue
        compact = text[start:end].replace(" ", "").upper()
        if mod_97_10(compact[4:] + compact[:4]):
            yield Candidate(start, end, spans.IBAN, "iban", spans.CERTAIN)
