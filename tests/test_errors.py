"""Errors have stable codes, and say what to do."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from doorward.errors import AuthenticationFailed, DoorwardError, LogDamaged
from tests.architecture.source import SOURCES, module_name


def all_errors() -> list[type[DoorwardError]]:
    """Every error of the package, also those that are defined beside their only user."""
    for path in SOURCES:
        if "DoorwardError)" in path.read_text(encoding="utf-8"):
            importlib.import_module(module_name(path))

    def below(kind: type[DoorwardError]) -> Iterator[type[DoorwardError]]:
        for each in kind.__subclasses__():
            yield each
            yield from below(each)

    return [each for each in below(DoorwardError) if each.__module__.startswith("doorward.")]


ERRORS = all_errors()
# The first repeats the code that the API gave; the second is, for a browser, the same as a sign-in that failed.
WITHOUT_A_CODE_OF_THEIR_OWN = {"Refused", "SignedOut"}


def test_no_two_errors_share_a_code() -> None:
    """Programs tell them apart by it; each class states its own."""
    telling = [error for error in ERRORS if error.__name__ not in WITHOUT_A_CODE_OF_THEIR_OWN]
    codes = Counter(error.code for error in [DoorwardError, *telling])
    assert max(codes.values()) == 1, codes
    assert len(ERRORS) >= 11


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_has_a_code_an_sqlstate_and_a_meaning(error: type[DoorwardError]) -> None:
    """The code is in words with hyphens, the SQLSTATE five digits or capitals (manual, "PostgreSQL Error Codes")."""
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code)
    assert re.fullmatch(r"[0-9A-Z]{5}", error.sqlstate)
    assert error.__doc__


@pytest.mark.parametrize(
    ("message", "remedy", "told"),
    [("It broke.", "Mend it.", "It broke. Mend it."), ("It broke.", "", "It broke."), ("", "", "")],
)
def test_an_error_reads_as_what_happened_and_what_to_do(message: str, remedy: str, told: str) -> None:
    """One line for people."""
    assert str(DoorwardError(message, remedy)) == told


def test_a_reason_for_the_log_is_not_told_to_the_client() -> None:
    """Which part of a sign-in was wrong stays between Doorward and its log."""
    error = AuthenticationFailed("Signing in failed.")
    error.reason = "The user is not known."
    assert str(error) == "Signing in failed."


def test_damage_names_the_first_entry_or_none() -> None:
    """Minus one when no single entry is to blame."""
    assert LogDamaged("Damaged.").index == -1
    assert LogDamaged("Damaged.", "Restore it.", 7).index == 7
