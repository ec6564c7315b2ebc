"""What the text proves of result columns: never too much."""

from __future__ import annotations

import pytest

from doorward.sql.analyze import analyze


def outputs(text: str) -> list[str] | None:
    """Each output as a word, or its column names joined by +."""
    (statement,) = analyze(text).statements
    if statement.outputs is None:
        return None
    return [
        "+".join(sorted(output.columns)) if output.kind.value == "columns" else output.kind.value
        for output in statement.outputs
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT id, upper(a) || b AS x FROM t", ["id", "a+b"]),
        ("SELECT count(*), count(ssn), count(DISTINCT t.a), pg_catalog.count(a) FROM t", ["count"] * 4),
        ("SELECT count(a || b), count(CASE WHEN a THEN 1 END) FROM t", ["a+b", "a"]),
        ("SELECT count(*) FILTER (WHERE a), count(*) OVER (PARTITION BY b) FROM t", ["a", "b"]),
        ("SELECT 1, $1, now(), 'x' || 'y'", ["constant"] * 4),
        ("SELECT sum(a) OVER w FROM t WINDOW w AS (ORDER BY ssn)", ["a+ssn"]),
        ("SELECT c, c::text, row_to_json(c), (c).ssn, ssn(c), ssn(c.*) FROM customers c", ["opaque"] * 6),
        ("SELECT customers FROM customers", ["opaque"]),
        ("SELECT c.row_to_json FROM customers c", ["row_to_json"]),
        ("SELECT (SELECT ssn FROM t), ARRAY(SELECT a FROM t), EXISTS (SELECT 1 FROM t) FROM t", ["ssn", "a", "constant"]),
        ("SELECT (SELECT max(x) FROM o WHERE o.k = t.id) FROM t", ["id+k+x"]),
        ("SELECT a IN (SELECT b FROM o), a = ANY (ARRAY(SELECT b FROM o)) FROM t", ["a+b"] * 2),
        ("SELECT EXISTS (SELECT * FROM o WHERE o.ssn = t.id), EXISTS (SELECT unnest(tags) FROM o) FROM t", ["id+ssn", "tags"]),
        ("SELECT (SELECT o FROM o), (SELECT t FROM o), (SELECT o.* FROM o), (SELECT * FROM o) FROM t", ["opaque"] * 4),
        ("SELECT (SELECT a FROM o AS x(a)), (SELECT max(y) FROM (SELECT * FROM o) q(y)), (TABLE o) FROM t", ["opaque"] * 3),
        (
            "SELECT (SELECT count(*) FROM o JOIN p USING (ssn)), (SELECT count(*) FROM o NATURAL JOIN p) FROM t",
            ["ssn", "opaque"],
        ),
        ("SELECT (SELECT max(y) FROM (SELECT ssn AS y FROM o) q), (SELECT pg_get_viewdef(1)) FROM t", ["ssn+y", "opaque"]),
        ("SELECT (SELECT s.r), (SELECT r), (SELECT max(r) FROM o) FROM (SELECT ssn AS r FROM t) s", ["r+ssn"] * 3),
        ("SELECT (SELECT s.x), (SELECT s) FROM (SELECT ssn AS r FROM t) s", ["opaque"] * 2),
        ("SELECT (SELECT r) FROM (SELECT upper(ssn), 1 AS r FROM t) s", ["r"]),
        ("SELECT (SELECT r) FROM (SELECT CASE WHEN ssn THEN 1 END, 1 AS r FROM t) s", ["opaque"]),
        ("WITH w AS (SELECT ssn AS region FROM t) SELECT (SELECT region FROM w) FROM o", ["region+ssn"]),
        ("WITH w AS (SELECT ssn AS region FROM t) VALUES ((SELECT region FROM w))", ["region+ssn"]),
        (
            "WITH w AS (SELECT * FROM t) SELECT (SELECT region FROM w), (SELECT region FROM public.w) FROM o",
            ["opaque", "region"],
        ),
        ("UPDATE t SET a = 1 WHERE id = 1 RETURNING (SELECT max(ssn) FROM o), (SELECT t FROM o)", ["ssn", "opaque"]),
        ("SELECT * FROM t", None),
        ("SELECT t.*, 1 FROM t", None),
        ("SELECT (c).* FROM c", None),
        ("SELECT id FROM a JOIN b USING (id)", ["id"]),
        ("SELECT j FROM a JOIN b USING (id) AS j", ["opaque"]),
        ("SELECT x FROM customers c(a, x)", ["opaque"]),
        ("SELECT x.a FROM (a CROSS JOIN b) AS x", ["opaque"]),
        ("SELECT a FROM t, generate_series(1, 3) g", ["opaque"]),
        ("SELECT t.a FROM t, generate_series(1, 3) g", ["a"]),
        ("SELECT v.x FROM c CROSS JOIN LATERAL (VALUES (c.region), (c.ssn)) v(x)", ["opaque"]),
        ("SELECT region FROM t UNION ALL SELECT ssn FROM t", ["region+ssn"]),
        ("SELECT ssn FROM t EXCEPT SELECT status FROM o", ["ssn+status"]),
        ("SELECT region FROM t UNION SELECT * FROM t", None),
        ("VALUES (1, 2), (3, $1)", ["constant", "constant"]),
        ("SELECT r, n * 2 FROM (SELECT region AS r, count(*) AS n FROM t GROUP BY 1) s", ["region", ""]),
        ("SELECT * FROM (SELECT ssn AS region FROM t) s", ["ssn"]),
        ("SELECT region FROM (SELECT * FROM t) s", ["opaque"]),
        ("SELECT s FROM (SELECT id, ssn FROM t) s", ["opaque"]),
        ("SELECT s.upper FROM (SELECT id FROM t) s", ["opaque"]),
        ("SELECT upper FROM (SELECT upper(ssn) FROM t) s, o", ["ssn"]),
        ('SELECT "case" FROM (SELECT CASE WHEN ssn THEN 1 END FROM t) s, o', ["opaque"]),
        ("SELECT id FROM (SELECT ssn AS id FROM t) s JOIN o USING (id)", ["id+ssn"]),
        ("WITH q(a) AS (SELECT ssn FROM t) SELECT a FROM q", ["ssn"]),
        ("WITH q AS (SELECT ssn AS region FROM t) SELECT region FROM public.q", ["region"]),
        ("WITH t AS (SELECT ssn AS region FROM public.t) SELECT region FROM t", ["ssn"]),
        ("WITH RECURSIVE q(a, b) AS (SELECT 1, ssn FROM t UNION ALL SELECT b, a FROM q) SELECT a FROM q", ["opaque"]),
        ("WITH d AS (DELETE FROM t RETURNING ssn AS a) SELECT a FROM d", ["opaque"]),
        ("INSERT INTO t (a) VALUES ($1) RETURNING id, a || 'x', t, new", ["id", "a", "opaque", "opaque"]),
        ("UPDATE t SET region = ssn WHERE id = 1 RETURNING region", None),
        ("UPDATE t SET a = 1 FROM s WHERE id = 1 RETURNING a", None),
        ("DELETE FROM t WHERE id = 1 RETURNING *", None),
        ("COPY t (a, b) TO STDOUT", ["a", "b"]),
        ("COPY t TO STDOUT", None),
        ("COPY (SELECT a FROM t) TO STDOUT", ["a"]),
        ("DECLARE c CURSOR FOR SELECT upper(ssn) FROM t", ["ssn"]),
        ("EXPLAIN ANALYZE SELECT ssn FROM t", None),
        ("EXECUTE p", None),
    ],
)
def test_outputs_prove_no_more_than_is_certain(text: str, expected: list[str] | None) -> None:
    assert outputs(text) == expected
