"""Where the text says that columns steer rows: never less than they do."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.model.statement import Way
from doorward.sql.analyze import analyze


def steering(text: str) -> dict[str, str]:
    """``relation.column`` to the gravest way, in words; a whole row has no column."""
    analysis = analyze(text)
    assert not analysis.error, analysis.error
    found: dict[str, Way] = {}
    for statement in analysis.statements:
        for steered in statement.steering:
            origin = steered.origin
            name = f"{origin.relation or '?'}.{origin.name or origin.position or '*'}"
            found[name] = max(found.get(name, Way.COMPARE), steered.way, key=lambda way: way.gravity)
    return {name: way.value for name, way in sorted(found.items())}


NOTHING = [
    "SELECT a, upper(a), a || b, left(a, 1), md5(a), a = 'x', a * 2, a::int FROM t",
    "SELECT count(*), count(a), count(t.a), max(a), sum(a), string_agg(a, ',') FROM t",
    "SELECT 1 FROM t WHERE a IS NULL OR NOT (b IS NULL)",
    "SELECT count(*) FROM (SELECT a FROM t) s",
    "SELECT 1 FROM t LIMIT 3 OFFSET $1",
    "SELECT CASE WHEN a > 1 THEN 'x' ELSE b END, coalesce(a, b), nullif(a, 'x') FROM t",
    "UPDATE t SET a = a - $1, b = lower(b)",
    "INSERT INTO t (a) VALUES ($1) RETURNING a",
    "WITH x AS (DELETE FROM t RETURNING a) SELECT a FROM x",
    "SELECT a FROM t UNION ALL SELECT b FROM t",
    "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY 1), array_agg(a) FROM t",
    "CREATE TABLE n (a int CHECK (a > 1))",
]


@pytest.mark.parametrize("text", NOTHING)
def test_what_only_flows_into_a_result_steers_nothing(text: str) -> None:
    assert {name for name, way in steering(text).items() if way != "compare"} == set()


COMPARED = [
    "SELECT 1 FROM t WHERE a = 'x'",
    "SELECT 1 FROM t WHERE 'x' = t.a",
    "SELECT 1 FROM t WHERE a = $1::text AND 1 = 1",
    "SELECT 1 FROM t WHERE a::text = lower('X') OR a = 'y'",
    "SELECT 1 FROM t WHERE a IN ('x', $1)",
    "SELECT 1 FROM t WHERE a IS NOT DISTINCT FROM 'x'",
    "SELECT 1 FROM t WHERE a = current_user",
    "SELECT x FROM (SELECT a AS x FROM t) s WHERE x = 'x'",
    "WITH s(y) AS (SELECT a FROM t) SELECT 1 FROM s JOIN o ON s.y = 'x'",
    "SELECT count(*) FILTER (WHERE a = 'x') FROM t",
    "DELETE FROM t WHERE a = 'x'",
    "UPDATE t SET b = 1 WHERE a = $2",
    "SELECT 1 FROM o WHERE EXISTS (SELECT 1 FROM t WHERE t.a = 'x')",
    "EXPLAIN SELECT 1 FROM t WHERE a = 'x'",
    "PREPARE p AS SELECT 1 FROM t WHERE a = $1",
    "DECLARE c CURSOR FOR SELECT 1 FROM t WHERE a = 'x'",
    "COPY (SELECT 1 FROM t WHERE a = 'x') TO STDOUT",
]


@pytest.mark.parametrize("text", COMPARED)
def test_a_bare_column_held_against_a_value_is_compared(text: str) -> None:
    assert steering(text) == {"t.a": "compare"} or steering(text) == {"o.a": "compare", "t.a": "compare"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1 FROM t JOIN o ON t.a = o.b", {"o.b": "match", "t.a": "match"}),
        ("SELECT 1 FROM t JOIN o USING (a)", {"o.a": "match", "t.a": "match"}),
        ("SELECT 1 FROM t NATURAL JOIN o", {"o.*": "match", "t.*": "match"}),
        ("SELECT 1 FROM t WHERE a IN (SELECT o.b FROM o)", {"o.b": "match", "t.a": "match"}),
        ("SELECT 1 FROM t WHERE t.a <> 'x'", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE NOT (t.a = 'x')", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE t.a IS DISTINCT FROM 'x'", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE t.a LIKE 'x%'", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE t.a = ANY($1)", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE t.a::char(3) = 'x'", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE t.a::varchar(3) = 'x'", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE t.a COLLATE \"de\" = 'x'", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE nullif(t.a, 'x') IS NULL", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE (t.a = 'x') IS TRUE", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE CASE WHEN t.a = 'x' THEN true END", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE t.a OPERATOR(public.=) 'x'", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE (t.a, 1) > ('x', 1)", {"t.a": "search"}),
        ("SELECT t.b FROM t ORDER BY t.a", {"t.a": "search"}),
        ("SELECT t.b, t.a AS x FROM t ORDER BY x", {"t.a": "search"}),
        ("SELECT t.b, t.a AS x FROM t ORDER BY 2", {"t.a": "search"}),
        ("SELECT * FROM t ORDER BY 3", {"t.3": "search"}),
        ("SELECT b, t.* FROM t ORDER BY 3", {"t.2": "search"}),
        ("SELECT lower(t.a) FROM t ORDER BY lower", {"t.a": "search"}),
        ("SELECT t.a FROM t GROUP BY 1", {"t.a": "search"}),
        ("SELECT 1 FROM t GROUP BY ROLLUP (t.a)", {"t.a": "search"}),
        ("SELECT 1 FROM t GROUP BY GROUPING SETS ((t.a), ())", {"t.a": "search"}),
        ("SELECT DISTINCT t.a FROM t", {"t.a": "search"}),
        ("SELECT DISTINCT ON (t.a) 1 FROM t", {"t.a": "search"}),
        ("SELECT DISTINCT * FROM t", {"t.*": "search"}),
        ("SELECT t.a FROM t UNION SELECT 'x'", {"t.a": "search"}),
        ("SELECT 'x' INTERSECT ALL SELECT t.a FROM t", {"t.a": "search"}),
        ("SELECT rank() OVER (ORDER BY t.a) FROM t", {"t.a": "search"}),
        ("SELECT sum(1) OVER (PARTITION BY t.a) FROM t", {"t.a": "search"}),
        ("SELECT sum(1) OVER w FROM t WINDOW w AS (ORDER BY t.a)", {"t.a": "search"}),
        ("SELECT string_agg(t.b, ',' ORDER BY t.a) FROM t", {"t.a": "search"}),
        ("SELECT count(DISTINCT t.a) FROM t", {"t.a": "search"}),
        ("SELECT count(CASE WHEN t.a = 'x' THEN 1 END) FROM t", {"t.a": "search"}),
        ("SELECT count(x) FROM (SELECT nullif(t.a, 'x') AS x FROM t) s", {"t.a": "search"}),
        ("SELECT count(c) FROM t c", {"t.c": "search"}),
        ("SELECT 1 FROM t HAVING max(t.a) = 'x'", {"t.a": "search"}),
        ("SELECT 1 / length(t.a) FROM t", {"t.a": "search"}),
        ("SELECT (CASE WHEN t.a = 'x' THEN 2147483647 ELSE 0 END) + 1 FROM t", {"t.a": "search"}),
        ("SELECT CASE WHEN t.a LIKE '1%' THEN substr(t.b, 1, -1) END FROM t", {"t.a": "search", "t.b": "search"}),
        ("SELECT CASE WHEN t.a LIKE '1%' THEN (SELECT 1 FROM o) END FROM t", {"t.a": "search"}),
        ("SELECT ascii(t.a) + 2147483598 FROM t", {"t.a": "search"}),
        ("SELECT left(t.a, 1)::int FROM t", {"t.a": "search"}),
        ("SELECT t.a LIKE 'x\\' FROM t", {"t.a": "search"}),
        ("SELECT d + 1 FROM (SELECT CASE WHEN t.a = 'x' THEN 2147483647 END AS d FROM t) s", {"t.a": "search"}),
        ("UPDATE t SET b = 1 FROM o WHERE o.a > 'x'", {"o.a": "search"}),
        ("DELETE FROM t USING o WHERE o.a > 'x'", {"o.a": "search"}),
        ("MERGE INTO t USING o ON o.a > 'x' WHEN MATCHED AND o.b > 'x' THEN DELETE", {"o.a": "search", "o.b": "search"}),
        ("INSERT INTO t SELECT 1 FROM o WHERE o.a > 'x'", {"o.a": "search"}),
        ("INSERT INTO t VALUES (1) ON CONFLICT (a) DO NOTHING", {"t.a": "compare"}),
        ("INSERT INTO t SELECT g FROM generate_series(1, 9) g ON CONFLICT (a) DO NOTHING", {"t.a": "steer"}),
        ("INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET b = 1 WHERE t.a > 'x'", {"t.a": "search", "t.id": "compare"}),
        ("SELECT 1 FROM t, jsonb_each(t.a) e WHERE e.value IS NULL", {"t.a": "search"}),
        ("SELECT 1 FROM t, unnest(t.a) e", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE t.a = (SELECT 'x')", {"t.a": "steer"}),
        ("SELECT 1 FROM t WHERE t::text LIKE '%x%'", {"t.t": "search"}),
        ("SELECT 1 FROM t c WHERE c.lower LIKE 'x'", {"t.lower": "search"}),
        ("SELECT 1 FROM t c(x, y) WHERE y > 'x'", {"t.2": "search"}),
        ("SELECT y FROM (SELECT * FROM t) AS s(x, y) ORDER BY y", {"t.2": "search"}),
        ("SELECT x FROM (SELECT b, a FROM t) AS s(y, x) ORDER BY x", {"t.a": "search"}),
        ("SELECT x FROM (SELECT 1 UNION ALL SELECT t.a FROM t) AS s(x) ORDER BY x", {"t.a": "search"}),
        ("SELECT j.a FROM (t CROSS JOIN o) AS j ORDER BY j.b", {"o.b": "search", "t.b": "search"}),
        ("SELECT 1 FROM t CROSS JOIN LATERAL (SELECT t.a AS x) l WHERE l.x > 'x'", {"t.a": "search"}),
        ("SELECT 1 FROM t, LATERAL (SELECT 1 WHERE t.a > 'x') l", {"t.a": "search"}),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM t WHERE t.a > 'x')", {"t.a": "search"}),
        ("SELECT 1 LIMIT (SELECT ascii(t.a) FROM t)", {"t.a": "steer"}),
        ("SELECT 1 FROM t, generate_series(1, ascii(t.a))", {"t.a": "steer"}),
        ("SELECT generate_series(1, ascii(t.a)) FROM t", {"t.a": "steer"}),
        ("SELECT 1 FROM t, string_to_table(t.a, NULL) c", {"t.a": "steer"}),
        ("SELECT 1 FROM t, generate_series(1, 9) p WHERE substr(t.a, p, 1) = '1'", {"t.a": "steer"}),
        ("SELECT 1 FROM t, (VALUES (1), (2)) v(p) WHERE substr(t.a, v.p, 1) = '1'", {"t.a": "steer"}),
        ("SELECT 1 FROM t, (SELECT 1 AS p UNION ALL SELECT 2) v WHERE substr(t.a, p, 1) = '1'", {"t.a": "steer"}),
        ("SELECT 1 FROM (SELECT t.a AS s, p FROM t, generate_series(1, 9) p) d WHERE substr(s, p, 1) = '1'", {"t.a": "steer"}),
        ("SELECT g FROM generate_series(1, 9) g WHERE EXISTS (SELECT 1 FROM t WHERE t.a = 'x' || g)", {"t.a": "steer"}),
        ("SELECT g FROM generate_series(1, 9) g WHERE g = (SELECT left(t.a, 1)::int FROM t)", {"t.a": "steer"}),
        ("SELECT 1 FROM t JOIN (SELECT 'x' || g AS v FROM generate_series(1, 9) g) s ON s.v = t.a", {"t.a": "steer"}),
        ("SELECT 1 FROM t, o WHERE lower(t.a) = lower(o.b)", {"o.b": "steer", "t.a": "steer"}),
        ("SELECT g IN (SELECT t.a FROM t) FROM generate_series(1, 9) g ORDER BY 1", {"t.a": "steer"}),
        (
            "WITH RECURSIVE r(n, s) AS (SELECT 1, t.a FROM t UNION ALL SELECT n + 1, s FROM r) "
            "SELECT n FROM r WHERE substr(s, n, 1) = '1'",
            {"t.a": "steer"},
        ),
        ("SELECT 1 FROM t TABLESAMPLE system ((SELECT ascii(o.a) FROM o))", {"o.a": "steer"}),
        ("SELECT sum(1) OVER (ROWS (SELECT ascii(o.a) FROM o) PRECEDING) FROM t", {"o.a": "steer"}),
        ("SELECT 1 FROM XMLTABLE('/a' PASSING (SELECT t.a FROM t) COLUMNS b text) x", {"t.a": "steer"}),
        ("SELECT 1 FROM t WHERE t.a IN (" + ", ".join(f"'{n}'" for n in range(40)) + ")", {"t.a": "search"}),
        ("SELECT 1 FROM t WHERE " + " OR ".join(f"t.a = '{n}'" for n in range(40)), {"t.a": "steer"}),
        ("SELECT 1 FROM t WHERE " + " OR ".join(f"t.a LIKE '{n}%'" for n in range(9)), {"t.a": "steer"}),
    ],
)  # fmt: skip
def test_what_else_decides_on_rows_is_graver(text: str, expected: dict[str, str]) -> None:
    # A name without a qualifier may be a column of any table: those that no table has are left to the catalog.
    found = steering(text)
    assert {name: way for name, way in found.items() if name in expected or name[-1] in "ab"} == expected


def test_the_name_of_a_cte_hides_a_table_and_a_schema_shows_it_again() -> None:
    """The same words over another meaning."""
    cte = "WITH t AS (SELECT o.b AS a FROM o) SELECT 1 FROM {} WHERE a > 'x'"
    assert steering(cte.format("t")) == {"o.b": "search"}
    assert steering(cte.format("public.t")) == {"public.t.a": "search"}


@pytest.mark.parametrize(
    "text",
    [
        "SELECT " + "(" * 300 + "a" + ")" * 300 + " FROM t WHERE " + "lower(" * 200 + "a" + ")" * 200 + " = 'x'",
        "SELECT 1 FROM t WHERE a = " + " || ".join(["'x'"] * 400),
        " UNION ALL ".join(["SELECT a FROM t"] * 300),
        "WITH RECURSIVE " + ", ".join(f"c{n}(a) AS (SELECT a FROM c{(n + 1) % 30})" for n in range(30)) + " SELECT a FROM c0",
    ],
)
def test_deep_and_long_statements_are_read_or_steer_everything(text: str) -> None:
    """And none takes long."""
    began = time.process_time()
    assert analyze(text).statements[0].steering or "UNION" in text
    assert time.process_time() - began < 5


_NAMES = st.sampled_from(["a", "b", "t.a", "s.x", "x", "1", "'k'", "*", "t"])
_EXPRESSIONS = st.recursive(
    _NAMES,
    lambda inner: st.one_of(
        st.builds("lower({})".format, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("CASE WHEN {} = {} THEN {} END".format, inner, inner, inner),
        st.builds("(SELECT {} FROM t LIMIT 1)".format, inner),
    ),
    max_leaves=5,
)


@given(_EXPRESSIONS, st.sampled_from(["{} > 'm'", "{} LIKE 'x%'", "length({}) > 2", "NOT ({} = 'x')"]))
def test_a_condition_on_the_secret_is_found_however_it_is_passed_on(expression: str, condition: str) -> None:
    """Renamed through a sub-select and a CTE, whatever is calculated of it."""
    text = f"WITH c AS (SELECT {expression} AS y FROM t) SELECT 1 FROM (SELECT y AS z FROM c) s WHERE " + condition.format("z")
    analysis = analyze(text)
    if analysis.error or "*" in expression:
        return
    named = {steered.origin.name for steered in analysis.statements[0].steering if steered.way is not Way.COMPARE}
    for column in ("a", "b"):
        if column in expression.replace("t.", " ").replace("(", " ").replace(")", " ").split():
            assert column in named or "" in named
