"""Texts without their literals, held against PostgreSQL's own scanner."""

from __future__ import annotations

import postgast
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from doorward.sql.literals_cy import skeleton
from doorward.sql.normalised import normalised

PIECES = st.sampled_from(
    [
        "select", "a", "e", "E", "x", "n", "u&", "U&", "_e", "é", "e1", "$1", "$", "$$", "$a$", "$é1$", "'", "''", "\\", "\\'",
        '"', '""', "--", "/*", "*/", "\n", "\r", " ", "\t", "\f", "\v", "1", "1.5", ".5", "1e", "e+5", "1e-5", "0x1F", "1_0",
        "..", ".", "-", "+", "@", "(", ")", ",", ";", "::", "E'a\\'b'", "'a'\n'b'", "e'a' --x\n 'b\\'c'", "B'01'", "x'1F'",
        "N'a'",         "U&'\\0061'", 'U&"a"', "$q$ it's $q$", "/* /* x */ ' */", "-- '\n", "secret", "\u00a0",
    ]
)  # fmt: skip
MARKS = {
    **dict.fromkeys(("SCONST", "BCONST", "XCONST", "USCONST"), b"'?'"),
    **dict.fromkeys(("ICONST", "FCONST"), b"?"),
    **dict.fromkeys(("SQL_COMMENT", "C_COMMENT"), b" "),
}


def told_by_postgresql(text: str) -> str | None:
    """*text* with a mark for what PostgreSQL's scanner finds to be a literal or a comment; None where that refuses it."""
    try:
        tokens = postgast.scan(text).tokens
    except postgast.PgQueryError:
        return None
    raw, position, parts = text.encode(), 0, []
    for token in tokens:
        mark = MARKS.get(postgast.pg_query_pb2.Token.Name(token.token))
        if mark is not None:
            parts += [raw[position : token.start], mark]
            position = token.end
    return b"".join([*parts, raw[position:]]).decode()


@given(st.lists(PIECES, max_size=14).map("".join))
@example("E'a'\n'b\\'secret'")
@example("e'\\'secret'")
@example("1e+5")
def test_postgresql_finds_the_same_literals(text: str) -> None:
    """Wherever its scanner accepts the text at all."""
    expected = told_by_postgresql(text)
    if expected is not None:
        assert normalised(text) == expected


@given(st.text(st.sampled_from("ae'\"$\\-/*\n 1.5Eé?_;"), max_size=30))
def test_any_text_is_read_to_its_end(text: str) -> None:
    """Nothing is too malformed; and what is told stays the same when it is read again."""
    told = normalised(text)
    assert len(told) <= 2 * len(text) + 3


@given(
    st.sampled_from(
        [
            "SELECT * FROM t WHERE a = {0} AND b = '{1}'",
            "INSERT INTO t VALUES ({0}, '{1}', -{0})",
            "UPDATE t SET a = '{1}', b = b + {0} WHERE c = {0}",
        ]
    ),
    st.integers(0, 10**8),
    st.text(st.characters(exclude_characters="'\\", exclude_categories=["Cs", "Cc"]), max_size=20),
)
def test_texts_of_one_skeleton_are_told_alike(template: str, number: int, word: str) -> None:
    """A family of texts has one that is told, whichever came first."""
    one, other = template.format(number, word), template.format(7, "x")
    first, second = skeleton(one.encode()), skeleton(other.encode())
    if first is not None and second is not None and first[0] == second[0]:
        assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT name FROM t WHERE id = 5", "SELECT name FROM t WHERE id = ?"),
        ("SELECT 'it''s', $1, a1, \"b 2\"", "SELECT '?', $1, a1, \"b 2\""),
        ("SELECT 1 -- for ann\n, 2 /* and /* bob */ too */", "SELECT ?  \n, ?  "),
        ("DO $x$ begin $$ 'a' $$ end $x$", "DO '?'"),
        ("SELECT 'no end", "SELECT …"),
        ("SELECT E'no end\\'", "SELECT …"),
        ("SELECT $q$ no end $r$", "SELECT …"),
        ('SELECT "no end', "SELECT …"),
        ("SELECT /* no end", "SELECT  "),
        ("", ""),
        ("BEGIN", "BEGIN"),
    ],
)
def test_what_is_told_of_a_text(text: str, told: str) -> None:
    """A mark for each literal, names and words as they are, and nothing behind a quote that never ends."""
    assert normalised(text) == told


def test_a_hostile_text_takes_no_longer_than_its_length() -> None:
    """Each of these made another reading quadratic."""
    for piece in ("'a' ", "$a{n}$ ", "$", "/*", "'a'\n", '"', "--\n", "\\", "e'\\'", "1e", ".", "$$ $a$"):
        text = "".join(piece.replace("{n}", str(number)) for number in range(4_000))
        assert len(normalised(text)) <= 3 * len(text) + 3
