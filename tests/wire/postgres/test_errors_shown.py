"""No value of a protected column in the words of an error."""

from __future__ import annotations

import hypothesis
import pytest
from hypothesis import strategies as st

from doorward.wire.postgres.errors_shown import WITHHELD, clean, is_of_the_statement
from doorward.wire.postgres.messages import Fields

SECRET = "ada@example.org"


def error(sqlstate: str, **fields: str) -> Fields:
    pairs = {"S": "ERROR", "V": "ERROR", "C": sqlstate, "M": f'it was "{SECRET}"', **fields}
    return Fields(tuple(pairs.items()))


@pytest.mark.parametrize(
    "raised",
    [
        error("22P02"), error("22003", P="8"),
        error("23505", D=f"Key (email)=({SECRET}) already exists.", n="customers_email_key"),
        error("23514", D=f"Failing row contains ({SECRET}).", t="customers", n="c1"), error("23502", c="email"),
        error("P0001", M=SECRET, H=SECRET, W="PL/pgSQL function f() line 1 at RAISE"), error("42883", W=SECRET, P="8"),
        error("42P01", q=f"SELECT '{SECRET}'", p="8", P="8"), error("42804"), error("XX000", R=SECRET, F=SECRET),
        error("23505", n=f"x {SECRET}", t=SECRET), error(SECRET), error("22012", W=f"function f('{SECRET}')"),
        error("40001", W=SECRET), error("57014", q=SECRET), error("34000", W="PL/pgSQL function f() line 1 at RAISE"),
        error("26000", p="1"), error("99999"), Fields((("M", SECRET),)), Fields(()),
    ],
)  # fmt: skip
def test_values_are_cleaned_out_of_every_field(raised: Fields) -> None:
    """Whatever condition a function chooses to raise them under."""
    shown = clean(raised, shown=False)
    assert SECRET not in repr(shown)
    assert shown.get("D") == WITHHELD
    assert shown.get("C") in (raised.get("C"), "XX000")
    assert shown.get("M")


@pytest.mark.parametrize("sqlstate", ["42P01", "42703", "42601", "42883"])
def test_an_error_in_the_statements_own_words_is_kept_with_its_position(sqlstate: str) -> None:
    """It was raised in analysis, before any row was read; hints may name other columns and go."""
    raised = Fields((("S", "ERROR"), ("C", sqlstate), ("M", 'column "emial" does not exist'), ("P", "8"), ("H", "Perhaps.")))
    shown = clean(raised, shown=False)
    assert (shown.get("M"), shown.get("P"), shown.get("H")) == ('column "emial" does not exist', "8", "")


def test_a_constraint_is_named() -> None:
    """Names that are plain identifiers are the schema's, not a row's."""
    shown = clean(error("23505", s="public", t="customers", n="customers_email_key"), shown=False)
    assert shown.get("M") == "A unique key was violated: customers_email_key."
    assert (shown.get("s"), shown.get("t"), shown.get("n")) == ("public", "customers", "customers_email_key")


def test_an_error_that_may_be_shown_is_not_touched() -> None:
    """Transparent otherwise."""
    raised = error("22P02", D="d", H="h", W="w")
    assert clean(raised, shown=True) is raised


WORDS = st.text("qxz@!", min_size=4, max_size=20)
STATES = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=5, max_size=5) | st.sampled_from(
    ["22P02", "23505", "P0001", "42P01", "42601", "22012", "57014"]
)


@hypothesis.given(STATES, st.dictionaries(st.sampled_from("MDHWpqR"), WORDS), st.booleans())
def test_no_word_of_an_error_survives_unless_it_is_of_the_statement(
    sqlstate: str, fields: dict[str, str], has_position: bool
) -> None:
    """Detail, hint and context never; the message only of fixed conditions and of analysis, outside any function."""
    raised = error(sqlstate, **{**fields, **({"P": "3"} if has_position else {})})
    shown = clean(raised, shown=False)
    survived = {value for _field, value in shown.pairs}
    assert not {fields[field] for field in fields if field in "DHWpq"} & (survived - {fields.get("M")})
    if "M" in fields and fields["M"] in survived:
        assert sqlstate in ("22012", "57014") or (sqlstate.startswith("42") and has_position) or (sqlstate in _FIXED_ELSEWHERE)
        assert not set(fields) & set("Wqp")


_FIXED_ELSEWHERE = {"25P02", "57P01", "57P02", "57P03", "40001", "40P01", "25001", "25006", "25P01", "34000", "26000"}


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ("", True),
        ('COPY orders, line 1, column id: "x"', True),
        ("JSON data, line 1: {x", True),
        ("PL/pgSQL function tell() line 1 at RAISE", False),
        ("PL/pgSQL-Funktion tell() Zeile 1 bei RAISE", False),
        ('COPY orders, line 1\nSQL statement "SELECT 1"', False),
    ],
)
def test_words_of_code_in_the_database_are_told_apart(context: str, expected: bool) -> None:
    """What a trigger or a view's function says may be of anything, in whatever language the server speaks."""
    assert is_of_the_statement(error("22P02", **({"W": context} if context else {}))) is expected
