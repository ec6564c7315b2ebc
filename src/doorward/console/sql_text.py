"""A statement as HTML: broken into lines, highlighted, protected columns marked, and nothing hidden in it.

An approver decides by what they see. So only white space between tokens is changed, long runs of it are shortened, and
characters that don't show, or that turn the direction of text, are spelled out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from markupsafe import Markup, escape
from pygments.lexers.sql import PostgresLexer  # type: ignore[import-untyped]
from pygments.token import Comment, Keyword, Name, Number, String, Token, _TokenType  # type: ignore[import-untyped]

# What is longer is shown plain from here on: highlighting takes time by the character.
HIGHLIGHT_LIMIT = 20_000
SHOWN_LIMIT = 200_000
# Short statements read best on one line.
ONE_LINE = 72

_CLASS_OF = ((Comment, "c"), (Keyword, "k"), (String, "s"), (Number, "m"), (Name.Builtin, "k"), (Name, "n"))
_NEW_LINE_BEFORE = frozenset(
    {
        *("from", "where", "group", "order", "having", "limit", "offset", "union", "intersect", "except", "returning"),
        *("values", "set", "join", "left", "right", "inner", "full", "cross", "on", "and", "or", "with", "select"),
        *("insert", "update", "delete"),
    }
)
_JOINS = frozenset({"left", "right", "inner", "full", "cross"})

_SPACES = re.compile(r"[ \n\t]+")

Tokens = list[tuple[_TokenType, str]]


def sql_block(statement: str, protected: frozenset[str] = frozenset()) -> Markup:
    """*statement* over as many lines as it takes."""
    statement = statement.replace("\r\n", "\n")
    head, tail = statement[:HIGHLIGHT_LIMIT], statement[HIGHLIGHT_LIMIT:SHOWN_LIMIT]
    tokens = _tokens(head)
    if "\n" not in head.strip() and len(head) > ONE_LINE:
        tokens = list(_broken(tokens))
    shown = Markup("").join(_marked(tokens, protected)) + Markup("").join(_visible(tail))
    left = len(statement) - SHOWN_LIMIT
    return shown + f" … {left} more characters, in the exact text below" if left > 0 else shown


def sql_line(statement: str, protected: frozenset[str] = frozenset(), limit: int = 240) -> Markup:
    """The beginning of *statement* on one line."""
    head = statement[: limit * 4].replace("\r\n", "\n")
    return Markup("").join(_marked(list(_flat(_tokens(head), limit)), protected))


def plain_text(text: str) -> Markup:
    """*text* that came from outside, as it is, with what does not show spelled out."""
    return Markup("").join(_visible(text))


def _flat(tokens: Tokens, limit: int) -> Iterator[tuple[_TokenType, str]]:
    """Tokens on one line, as far as *limit*. The end of a comment's line is shown: what follows it is no comment."""
    left = limit
    for kind, value in tokens:
        ends_line = kind in Comment and value.endswith("\n")
        flat = _SPACES.sub(" ", value.rstrip("\n") if ends_line else value)
        if len(flat) > left:
            yield kind, flat[:left] + "…"
            return
        left -= len(flat)
        yield kind, flat
        if ends_line:
            yield Token.Text, " ⏎ "


def _tokens(text: str) -> Tokens:
    # Unprocessed: the lexer's own preparation would turn lone carriage returns into line ends.
    found = PostgresLexer().get_tokens_unprocessed(text)
    return [(kind, _calm(value) if _is_plain_space(value) else value) for _, kind, value in found]


def _is_plain_space(value: str) -> bool:
    return not value.strip(" \n\t")


def _calm(space: str) -> str:
    """White space that can't push anything out of sight."""
    lines = min(space.count("\n"), 2)
    indent = space.rpartition("\n")[2].replace("\t", "  ")
    return "\n" * lines + (indent if len(indent) <= 24 else " ")


def _broken(tokens: Tokens) -> Iterator[tuple[_TokenType, str]]:
    """Clauses on lines of their own, outside parentheses."""
    depth, before, between = 0, "", False
    for position, (kind, value) in enumerate(tokens):
        word = value.lower()
        depth += (value == "(") - (value == ")")
        following = tokens[position + 1][1].lower() if position + 1 < len(tokens) else ""
        if (
            _is_plain_space(value)
            and depth == 0
            and following in _NEW_LINE_BEFORE
            and _begins_clause(before, following, between)
        ):
            deeper = following in ("and", "or", "on")
            yield kind, "\n  " if deeper else "\n"
            continue
        if not value.isspace():
            between = word == "between" or (between and word != "and")
            before = word
        yield kind, value


def _begins_clause(before: str, following: str, between: bool) -> bool:
    if following == "and" and between:
        return False
    if following == "join" and before in (*_JOINS, "outer"):
        return False
    if before in ("for", "delete", "insert", "do", "explain", "on", "distinct"):
        return False
    return not (following == "update" and before in ("for", "do"))


def _marked(tokens: Tokens, protected: frozenset[str]) -> Iterator[Markup]:
    for kind, value in tokens:
        shown = Markup("").join(_visible(value))
        named = kind in Name or kind in Keyword or kind in String.Name or kind in String.Symbol or value[:1] == '"'
        if named and value.strip('"').lower() in protected:
            yield Markup('<mark title="protected column">{}</mark>').format(shown)
            continue
        css = next((css for group, css in _CLASS_OF if kind in group), "")
        yield Markup('<span class="{}">{}</span>').format(css, shown) if css and css != "n" else shown


def _visible(text: str) -> Iterator[Markup]:
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        yield escape(text)
        return
    for character in text:
        if character in "\n\t" or character == " " or unicodedata.category(character)[0] not in "CZ":
            yield escape(character)
        else:
            yield Markup('<span class="odd" title="a character that does not show">U+{}</span>').format(f"{ord(character):04X}")
