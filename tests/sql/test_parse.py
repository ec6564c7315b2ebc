"""The parser holds against texts chosen by a client."""

from __future__ import annotations

import threading

import pytest

from doorward.sql.analyze import analyze
from doorward.sql.parse import STATEMENT_LIMIT_BYTES, ParseFailure, parse


def test_statements_come_in_order_and_empty_ones_are_left_out() -> None:
    assert [next(iter(tree)) for tree in parse(";; SELECT 1;; DROP TABLE t;")] == ["SelectStmt", "DropStmt"]


def test_text_of_nothing_has_no_statements() -> None:
    assert parse("") == []
    assert parse("-- only a comment") == []


def test_syntax_error_carries_its_sqlstate() -> None:
    with pytest.raises(ParseFailure, match="syntax error") as failure:
        parse("SELECT FROM WHERE")
    assert failure.value.sqlstate == "42601"


@pytest.mark.parametrize(
    ("text", "sqlstate"),
    [
        ("SELECT 1\0", "22021"),
        ("SELECT '\ud800'", "22021"),
        ("SELECT '" + "x" * STATEMENT_LIMIT_BYTES + "'", "54000"),
        ("SELECT " + "+".join(["1"] * 50_000), "54001"),
    ],
    ids=["nul", "surrogate", "too long", "100 KB of additions"],
)
def test_unreadable_text_is_refused(text: str, sqlstate: str) -> None:
    with pytest.raises(ParseFailure) as failure:
        parse(text)
    assert failure.value.sqlstate == sqlstate


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 400_000 + "1" + ")" * 400_000,
        "SELECT " + "NOT " * 250_000 + "true",
        "SELECT " + "-" * 3_000 + "1",
        " UNION ALL ".join(["SELECT 1"] * 50_000),
        "SELECT " + "CASE WHEN true THEN " * 20_000 + "1" + " END" * 20_000,
        "SELECT " + "ARRAY[" * 100_000 + "1" + "]" * 100_000,
    ],
    ids=["parentheses", "not", "comment", "union", "case", "array"],
)
def test_deep_nesting_does_not_end_the_process(text: str) -> None:
    """Each comes back as an analysis, whatever it says; the C stack holds."""
    analysis = analyze(text)
    assert analysis.error or analysis.statements


def test_nested_assignments_of_sub_selects_are_refused_before_they_multiply() -> None:
    """Every level doubles the tree: forty levels in 2 KB would fill any memory."""
    text = "UPDATE t SET (a, b) = (SELECT 1, 2)"
    for _ in range(40):
        text = f"UPDATE t SET (a, b) = (WITH x AS ({text}) SELECT 1, 2)"
    with pytest.raises(ParseFailure) as failure:
        parse(text)
    assert failure.value.sqlstate == "54001"


@pytest.mark.parametrize("gap", ["", " ", "\n-- it's (\n", "/* /* nested */ ) */"])
def test_comments_do_not_hide_multiplied_assignments(gap: str) -> None:
    columns = ",".join(["a"] * 20_000)
    with pytest.raises(ParseFailure) as failure:
        parse(f"UPDATE t SET{gap}({columns}){gap}= (SELECT '{'x' * 500}')")
    assert failure.value.sqlstate == "54001"


def test_usual_assignments_to_several_columns_are_read() -> None:
    assert parse("UPDATE t SET (a, b, c) = (SELECT 1, 2, 3), (d, e) = (4, 5) WHERE lower(f) = 'x' AND (a, b) = (1, 2)")


def test_long_texts_may_come_from_several_threads() -> None:
    """They share one parser thread; each gets its own answer."""
    lengths: dict[int, int] = {}

    def run(count: int) -> None:
        lengths[count] = len(parse(";".join(["SELECT 'some text to pass the inline limit'"] * count)))

    threads = [threading.Thread(target=run, args=(count,)) for count in (200, 300, 400)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lengths == {200: 200, 300: 300, 400: 400}
