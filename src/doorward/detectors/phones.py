# ruff: noqa: E501 - patterns and word lists, one to a line
"""Telephone numbers: international ones by country code, national ones by the numbering plans of many regions."""

from __future__ import annotations

import re
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

# Whose national numbers are recognised without a country code: the plans that most databases meet. First come, no precedence.
HOME_REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "PL", "SE", "BR", "IN", "JP", "AU", "AT", "CH", "BE", "PT", "MX",
                "KR", "CN", "ZA", "IE", "NZ", "TR", "CZ", "FI", "DK", "NO")  # fmt: skip
MIN_DIGITS, MAX_DIGITS = 7, 15  # ITU-T E.164, section 6: at most fifteen with the country code

_NANP = re.compile(r"\(?[2-9][0-9]{2}\)?[ .-]{1,2}[2-9][0-9]{2}[ .-][0-9]{4}")
_LOOSE_NANP = re.compile(
    r"\([0-9]{3}\) ?[0-9]{3}[ .-][0-9]{4}|[1-9][0-9]{2}([.-])[0-9]{3}\1[0-9]{4}|(?:001|1)[ .-]\(?[2-9][0-9]{2}\)?[ .-][0-9]{3}[ .-]?[0-9]{4}"
)
_AREA_CODE = re.compile(
    r"\(0[0-9]{1,5}\)[ -]?[0-9]{2,8}(?:[ -][0-9]{2,8}){0,3}|0[0-9]{2,5}/(?:[0-9]{5,9}|[0-9]{2,4}(?: [0-9]{2,8}){1,3})|8 ?\([0-9]{3}\) ?[0-9]{3}-[0-9]{2}-?[0-9]{2}"
)
_EIGHT = re.compile(r"[0-9]{2} [0-9]{2} [0-9]{2} [0-9]{2}|[0-9]{3} [0-9]{2} [0-9]{3}")
_NOT_PHONE = re.compile(
    r"[0-9]{3}-[0-9]{3}-[0-9]{3}-[0-9]{3}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}(?:\1[0-9]{4})?|[0-9]{1,2}-[0-9]{7,}|[0-9]+/[0-9]{4}|"
    r"(?:19|20)[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9]{1,2}.*|[0-9]{1,2}[./-][0-9]{1,2}[./-](?:19|20)?[0-9]{2}|[0-9]{3}-[0-9]{2}-[0-9]{4}|"
    r"(?:[1-9][0-9]*|0)\.[0-9]+|[0-9]{1,5}(?:\.[0-9]{1,5}){3}|[0-9]{5}-[0-9]{4}|[1-5][0-9]{4}-[0-9]{5}|[0-9]+-[0-9]+/[0-9]+"
)


@cache
def _national_plan(region: str) -> str:
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        return "(?!)"
    kinds = (metadata.fixed_line, metadata.mobile)
    patterns = {kind.national_number_pattern for kind in kinds if kind is not None and kind.national_number_pattern}
    prefix = metadata.national_prefix or ""
    must = region in ("GB", "DE", "FR", "SE", "JP", "AU", "AT", "CH", "BE", "NL", "KR", "ZA", "IE", "NZ", "FI", "TR")
    lead = f"(?:{prefix})" + ("" if must else "?") if prefix and region not in ("US", "IT", "MX", "CN") else ""
    # The same plan with and without its trunk prefix, where both are written.
    return f"{lead}(?:{'|'.join(sorted(patterns))})".replace(r"\d", "[0-9]")


@cache
def _plans() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{_national_plan(region)})" for region in HOME_REGIONS))


@cache
def _general_plan(country_code: int) -> re.Pattern[str] | None:
    regions = COUNTRY_CODE_TO_REGION_CODE.get(country_code)
    if not regions:
        return None
    metadata = (
        PhoneMetadata.metadata_for_nongeo_region(country_code)
        if regions[0] == "001"
        else PhoneMetadata.metadata_for_region(regions[0])
    )
    if metadata is None or metadata.general_desc is None or not metadata.general_desc.national_number_pattern:
        return None
    return re.compile("0?(?:" + metadata.general_desc.national_number_pattern + ")")


def country_code_of(digits: str) -> int:
    """The country code that *digits*, the number after its plus sign, starts with; 0 when none is assigned."""
    for length in (1, 2, 3):
        code = int(digits[:length] or "0")
        if code in COUNTRY_CODE_TO_REGION_CODE:
            return code
    return 0


def is_international(digits: str) -> bool:
    """Whether *digits*, what follows the plus sign, can be a subscriber's number: an assigned code and enough digits after it.

    A number that its country's plan does not know is taken too: plans change, and a plus sign is a strong sign.
    """
    code = country_code_of(digits)
    return bool(code) and MIN_DIGITS <= len(digits) <= MAX_DIGITS


def is_planned(digits: str, country_code: int) -> bool:
    """Whether the national number *digits* is within the plan of *country_code*."""
    plan = _general_plan(country_code)
    return plan is not None and plan.fullmatch(digits) is not None


def is_national(text: str, digits: str) -> bool:
    """Whether *text*, a number without a country code, is written like a telephone number and is in one region's plan."""
    count = len(digits)
    if not 8 <= count <= (11 if count == len(text) else 12) or _NOT_PHONE.fullmatch(text):
        return False
    if _NANP.fullmatch(text):
        return True
    if count == 8 and digits[0] != "0" and not _EIGHT.fullmatch(text):
        return False
    if count == len(text):
        # Bare digits: only with the trunk prefix that few other numbers start with.
        return count >= 10 and digits[0] == "0" and digits[1] != "0" and _plans().fullmatch(digits) is not None
    return _plans().fullmatch(digits) is not None


def is_loosely_national(text: str) -> bool:
    """Whether *text* is spaced as only telephone numbers are: North American groups, or an area code in brackets or before a slash."""
    return _LOOSE_NANP.fullmatch(text) is not None or _AREA_CODE.fullmatch(text) is not None


def has_shape(text: str, digits: str) -> bool:
    """Whether *text* could be any telephone number: enough where a cue or a column's name says so."""
    return MIN_DIGITS - 1 <= len(digits) <= MAX_DIGITS and (text[0] in "+(" or not _NOT_PHONE.fullmatch(text))
