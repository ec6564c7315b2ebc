"""Check digits: the sums that tell a number that was issued from one that only looks like it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_BASE_36 = {ord(letter): str(value) for value, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ", 10)}
_DIHEDRAL = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5), (2, 3, 4, 0, 1, 7, 8, 9, 5, 6),
    (3, 4, 0, 1, 2, 8, 9, 5, 6, 7), (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3), (8, 7, 6, 5, 9, 3, 2, 1, 0, 4),
    (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_PERMUTED = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 5, 7, 6, 2, 8, 3, 0, 9, 4), (5, 8, 0, 3, 7, 9, 6, 1, 4, 2),
    (8, 9, 1, 6, 0, 4, 3, 5, 2, 7), (9, 4, 5, 3, 1, 2, 6, 8, 7, 0), (4, 2, 8, 6, 5, 7, 3, 9, 0, 1),
    (2, 7, 9, 3, 8, 0, 6, 4, 1, 5), (7, 0, 4, 6, 9, 1, 3, 2, 5, 8),
)  # fmt: skip


def luhn(digits: str) -> bool:
    """Whether the last digit is right by ISO/IEC 7812-1, annex B."""
    numbers = [*map(int, digits)]
    return (sum(numbers[-1::-2]) + sum([_DOUBLED[number] for number in numbers[-2::-2]])) % 10 == 0


def verhoeff(digits: str) -> bool:
    """Whether the last digit is right by Verhoeff's scheme (the dihedral group D5)."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = _DIHEDRAL[check][_PERMUTED[place % 8][int(digit)]]
    return check == 0


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of the digits times their weights; digits without a weight do not count."""
    return sum(map(mul, map(int, digits[: len(weights)]), weights))


def mod_97_10(text: str) -> bool:
    """Whether *text*, letters read as 10 to 35, leaves 1 by ISO/IEC 7064 MOD 97-10."""
    digits = text.translate(_BASE_36)
    return digits.isdecimal() and int(digits) % 97 == 1


def mod_11_10(digits: str) -> bool:
    """Whether the last digit is right by ISO/IEC 7064 MOD 11,10."""
    product = 10
    for digit in digits[:-1]:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def is_day(year: int, month: int, day: int) -> bool:
    """Whether there is such a day; a leap day is taken on trust where the century is unknown."""
    return 1 <= month <= 12 and 1 <= day <= (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1] and year >= 0


def has_day(digits: str, order: str = "ymd") -> bool:
    """Whether six digits name a day, two for each of year, month and day in *order*."""
    parts = {part: int(digits[place * 2 : place * 2 + 2]) for place, part in enumerate(order)}
    return is_day(parts["y"], parts["m"], parts["d"])
