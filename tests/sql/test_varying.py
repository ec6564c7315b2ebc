"""Literals that may vary: a text with others in their place has the same analysis, and anything else is part of the text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.model.statement import Analysis
from doorward.proxy.execution import Texts
from doorward.sql.analyze import analyze
from doorward.sql.literals_cy import skeleton
from doorward.sql.normalised import normalised

TEMPLATES = [
    "SELECT a FROM t WHERE id = {}",
    "SELECT a, {} FROM t WHERE id = {} AND b <> {}",
    "SELECT a FROM t WHERE id = {} OR id <> {}",
    "SELECT a FROM t WHERE {} = {}",
    "SELECT a FROM t WHERE NOT (id = {}) AND id BETWEEN {} AND {}",
    "SELECT a FROM t WHERE id IN ({}, {}) ORDER BY {} LIMIT {} OFFSET {}",
    "SELECT set_config({}, {}, false)",
    "SELECT a FROM t WHERE a = {} GROUP BY {} HAVING count(*) > {}",
    "SELECT pg_sleep({}), left(a, {}) FROM t WHERE a LIKE {} AND b = {}",
    "UPDATE t SET a = a + {}, b = {}, c = lower({}) WHERE id = {}",
    "UPDATE t SET a = {} WHERE {} = {}",
    "UPDATE t SET a = a + -{}, b = - {} WHERE c = -{} AND d = - -{}",
    "UPDATE t SET a = {} WHERE a = {} OR true",
    "DELETE FROM t WHERE id = {} AND {} = {}",
    "DELETE FROM t WHERE id > {} OR id <= {}",
    "INSERT INTO t VALUES ({}, {}), ({}, now() + {})",
    "INSERT INTO t SELECT {}, a FROM u WHERE id = {}",
    "WITH x AS (SELECT {}) SELECT * FROM x WHERE id = {}",
    "SELECT a FROM t WHERE id = {} UNION SELECT b FROM u WHERE id = {}",
    "SET search_path = {}",
    "SELECT {}::regclass, interval {}, a::varchar({}) FROM t WHERE id = -{}",
    "SELECT a FROM t WHERE ts > date {} AND x = array[{}]",
    "EXPLAIN SELECT a FROM t WHERE id = {}",
    "PREPARE p AS SELECT a FROM t WHERE id = {}",
    "SELECT a FROM t WHERE id={}and b={}",
    "SELECT a FROM t WHERE b = {}\n{} AND c = {}",
]
NUMBERS = st.one_of(
    st.integers(0, 10**12).map(str), st.sampled_from(["0", "1", "5", "007", "1.5", "1e3", "0x1F", "1_000", ".5"])
)
STRINGS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8).map(
        lambda text: "'" + text.replace("'", "''") + "'"
    ),
    st.sampled_from(
        ["'5'", "'%'", "'true'", "'search_path'", "'log_statement'", "E'\\''", "U&'x'", "$$a$$", "'a' -- '", "NULL"]
    ),
)
LITERALS = st.lists(st.one_of(NUMBERS, STRINGS), min_size=5, max_size=5)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(TEMPLATES), LITERALS, LITERALS)
def test_what_is_taken_for_understood_is_what_analysing_it_anew_says(
    template: str, first: list[str], second: list[str]
) -> None:
    """Whatever was seen before: the analysis is never that of another text."""
    texts = Texts(analyze, skeleton, normalised)
    texts.understand(template.format(*first).encode())
    text = template.format(*second)
    assert _but_for_places(texts.understand(text.encode()).analysis) == _but_for_places(analyze(text))


def _but_for_places(analysis: Analysis) -> Analysis:
    return replace(analysis, varying=frozenset())


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("SELECT a FROM t WHERE id = 5", "SELECT a FROM t WHERE id = 600000000", True),
        ("SELECT a FROM t WHERE id = 5", "SELECT a FROM t WHERE id = 6000000000", False),
        ("SELECT a FROM t WHERE id = 5", "SELECT a FROM t WHERE id = 'x'", False),
        ("SELECT a FROM t WHERE id = 5", "SELECT a FROM t WHERE id =  5", False),
        ("SELECT a FROM t WHERE n = 'a''b'", "SELECT a FROM t WHERE n = ''", True),
        ("SELECT a FROM t WHERE n = 'a' ORDER BY 1", "SELECT a FROM t WHERE n = 'b' ORDER BY 2", False),
        ("SELECT set_config('a.b', 'x', false)", "SELECT set_config('search_path', 'x', false)", False),
        ("DELETE FROM t WHERE id = 1 OR 1 = 2", "DELETE FROM t WHERE id = 1 OR 1 = 1", False),
        ("UPDATE t SET a = a + 1 WHERE id = 1", "UPDATE t SET a = a + 2 WHERE id = 7", True),
        ("UPDATE t SET a = a + -1 WHERE id = -1", "UPDATE t SET a = a + -27 WHERE id = -7", True),
        ("UPDATE t SET a = a + - 1", "UPDATE t SET a = a + - 2", False),
        ("INSERT INTO t VALUES (1, 'x')", "INSERT INTO t VALUES (2, 'y')", True),
        ("SELECT a FROM t WHERE id = 5 /* x */", "SELECT a FROM t WHERE id = 6 /* x */", False),
    ],
)
def test_which_texts_are_alike(first: str, second: str, *, alike: bool) -> None:
    """Only literals that were found to change nothing may differ."""
    asked = []

    def analyzed(text: str) -> Analysis:
        asked.append(text)
        return analyze(text)

    texts = Texts(analyzed, skeleton, normalised)
    texts.understand(first.encode())
    understood = texts.understand(second.encode())
    assert understood.text == second
    assert asked == ([first] if alike else [first, second])


@given(st.binary(max_size=80))
def test_a_skeleton_and_its_literals_make_up_the_text(text: bytes) -> None:
    """Nothing is lost or invented, whatever the bytes."""
    found = skeleton(text)
    if found is None:
        return
    bare, literals, starts = found
    rest = iter(literals)
    rebuilt = b"".join(next(rest) if byte in (1, 2) else bytes([byte]) for byte in bare)
    assert rebuilt == text
    for literal, start in zip(literals, starts, strict=True):
        assert text[start : start + len(literal)] == literal


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 -- x", b"SELECT /* x */ 1", b"SELECT $$x$$, 1", b"SELECT E'x', 1", b"SELECT U&'x', 1", b"SELECT 'x",
        b'SELECT 1, "x', b"SELECT \x01, 1", b"SELECT " + b"1," * 100 + b"1", b"SELECT '" + b"x" * 3_000 + b"'", b"SELECT a",
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_has_no_skeleton(text: bytes) -> None:
    """It is analysed each time."""
    assert skeleton(text) is None
