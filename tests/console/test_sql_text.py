"""Statements as HTML: readable, marked, and with nothing hidden in them."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.console.sql_text import HIGHLIGHT_LIMIT, SHOWN_LIMIT, sql_block, sql_line
from tests.control.happenings import CLOSE_ACCOUNTS, TOP_CUSTOMERS


def text_of(markup: str) -> str:
    """What a reader sees."""
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def test_long_statement_is_broken_at_its_clauses() -> None:
    """Outside parentheses, and not at the AND of BETWEEN."""
    lines = text_of(sql_block(TOP_CUSTOMERS)).split("\n")
    assert [line.split()[0] for line in lines] == ["select", "from", "join", "on", "where", "and", "group", "order", "limit"]
    assert "between '2027-01-01' and now()" in lines[4]
    assert "(c.country = 'DE' or c.country = 'FR')" in lines[5]


def test_short_statement_stays_on_its_line() -> None:
    """It reads best so."""
    assert "\n" not in text_of(sql_block("select id from customers where id = 7"))


def test_protected_columns_are_marked_however_they_are_spelled() -> None:
    """Qualified, quoted, in capitals; words in strings are not columns."""
    marked = re.findall(
        r"<mark[^>]*>(.*?)</mark>", sql_block("select c.email, \"email\", EMAIL, 'email', id", frozenset({"email"}))
    )
    assert [html.unescape(word) for word in marked] == ["email", "email", "EMAIL"]


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "select '<img src=x onerror=alert(1)>'", '"<b>"', "--<i>\n<u>"]
)
def test_markup_in_a_statement_is_text(hostile: str) -> None:
    """Nothing that a client sends becomes HTML."""
    for shown in (sql_block(hostile), sql_line(hostile), sql_block("x" * HIGHLIGHT_LIMIT + hostile)):
        assert set(re.findall(r"<(\w+)", shown)) <= {"span", "mark"}


@pytest.mark.parametrize("character", ["\u202e", "\u200b", "\u00a0", "\x00", "\x1b", "\ufeff", "\u2028", "\r"])
def test_character_that_does_not_show_is_spelled_out(character: str) -> None:
    """Text that turns direction, or hides, must not fool an approver."""
    for shown in (sql_block(f"select 1 /*{character}*/"), sql_block("x" * HIGHLIGHT_LIMIT + character)):
        assert character not in shown
        assert f"U+{ord(character):04X}" in shown


def test_white_space_pushes_nothing_out_of_sight() -> None:
    """Neither down nor to the right."""
    shown = text_of(sql_block("delete from t where id = 1" + "\n" * 500 + " " * 900 + "or true"))
    assert shown.count("\n") <= 2
    assert "   or true" not in shown


def test_end_of_a_comment_shows_on_one_line() -> None:
    """What follows it runs, and must not look like comment."""
    shown = sql_line("delete from t where id = 1 -- only one\nor true")
    assert "⏎" in text_of(shown)
    comment = re.findall(r'<span class="c">(.*?)</span>', shown)
    assert comment == ["-- only one"]


def test_line_is_cut_and_says_so() -> None:
    """At the limit."""
    assert text_of(sql_line("select " + "a, " * 200, limit=50)).endswith("…")
    assert len(text_of(sql_line("select " + "a, " * 200, limit=50))) <= 51


@given(st.text(max_size=300))
def test_every_visible_character_is_shown_in_order(statement: str) -> None:
    """Whatever the statement: highlighting and breaking lose nothing and add nothing but white space."""
    statement = statement.replace("\r\n", "\n")
    expected = "".join(c if c.isprintable() and not c.isspace() else f"U+{ord(c):04X}" for c in statement if c not in " \n\t")
    assert re.sub(r"[ \n\t]", "", text_of(sql_block(statement))) == expected


def test_approved_statement_shows_whole() -> None:
    """Up to the limit of what a page can show."""
    assert "".join(text_of(sql_block(CLOSE_ACCOUNTS)).split()) == "".join(CLOSE_ACCOUNTS.split())
    assert len(text_of(sql_block("x" * (SHOWN_LIMIT + 5)))) == SHOWN_LIMIT + len(
        " … 5 more characters, in the exact text below"
    )
