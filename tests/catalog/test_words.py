"""How names are split into words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.catalog.vocabulary import CANONICAL
from doorward.catalog.words import words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("firstName", ("first", "name")), ("FIRST_NAME", ("first", "name")), ("IPAddress", ("ip", "address")),
        ("customerIDs", ("customer", "id")), ("address_line_2", ("address", "line", "2")), ("addresses", ("address",)),
        ("passportexpiredate", ("passport", "expire", "date")), ("Straße", ("street",)), ("prénom", ("first", "name")),
        ("geburtsdatum", ("birth", "date")), ("histories", ("history",)), ("status", ("status",)),
        ("emailaddress", ("email", "address")),
        ("ipv4", ("ip",)), ("HTTPHeaders", ("http", "header")), ("", ()), ("日本", ()),
    ],
)  # fmt: skip
def test_names_become_words(name: str, expected: tuple[str, ...]) -> None:
    """Case, signs, digits, accents, plurals, joined words and five languages end in one spelling."""
    assert words(name) == expected


@given(st.text(max_size=200))
def test_any_name_can_be_read(name: str) -> None:
    """Identifiers may hold anything but NUL; none may break a reading, and words are plain."""
    assert all(word.isascii() and word and word == word.lower() for word in words(name))


def test_the_vocabulary_is_in_the_form_that_names_are_brought_into() -> None:
    """An entry with an accent or a capital could never match."""
    for word, meaning in CANONICAL.items():
        assert word.isascii()
        assert word.isalnum()
        assert word == word.lower()
        assert meaning == meaning.lower()
