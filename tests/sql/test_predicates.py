"""A WHERE that lets every row through counts as none."""

from __future__ import annotations

import pytest

from doorward.model.statement import WhereClause
from doorward.sql.analyze import analyze

TAUTOLOGIES = [
    "true", "1=1", "not false", "id=id", "t.id = t.id", "'a'='a'", "2 > 1", "id = id OR v = 'x'", "true OR id = 1",
    "id IS NULL OR id IS NOT NULL", "id = 1 OR id <> 1", "id > 0 OR id <= 0", "v = 'x' OR NOT v = 'x'", "coalesce(true)",
    "coalesce(true, id = 1)", "(SELECT true)", "EXISTS (SELECT 1)", "EXISTS (SELECT 1 FROM o WHERE o.a = o.b)", "'t'::boolean",
    "1 IN (1, 2)", "id IN (id, 3)", "id = ANY (ARRAY[id])", "1 BETWEEN 0 AND 2", "id BETWEEN id AND id", "v LIKE '%'",
    "v ~ '.*'", "(1=1) IS TRUE", "(1=2) IS NOT TRUE", "ctid IS NOT NULL", "1 IS NOT NULL",
    "CASE WHEN id = 1 THEN true ELSE true END",
    "$1", "$1 = $1", "now() > '2000-01-01'", "1 + 1 = 2", "length('a') > 0", "true AND 1=1", "id IS NOT DISTINCT FROM id",
    "random() < 2", "$1 IS NULL OR id = $1", "tableoid > 0", "CURRENT OF c",
]  # fmt: skip

CONDITIONS = [
    "id = 1", "id = $1", "id IN (SELECT x FROM o)", "id = id AND v = 'x'", "v LIKE 'a%'", "id IS NULL", "id = 1 OR id = 2",
    "EXISTS (SELECT 1 FROM o WHERE o.id = t.id)", "active", "NOT active", "coalesce(active, true)", "false",
    "1 = 0", "id BETWEEN 1 AND 2", "CASE WHEN id = 1 THEN true END", "(id = 1) IS TRUE", "ctid = '(0,1)'",
]  # fmt: skip


@pytest.mark.parametrize("condition", TAUTOLOGIES)
def test_condition_that_is_true_of_every_row_picks_none(condition: str) -> None:
    for text in (f"DELETE FROM t WHERE {condition}", f"UPDATE t SET v = 1 WHERE {condition}"):
        assert analyze(text).statements[0].where is WhereClause.MISSING


@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition_over_a_row_picks_rows(condition: str) -> None:
    assert analyze(f"DELETE FROM t WHERE {condition}").statements[0].where is WhereClause.PRESENT


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("DELETE FROM t", WhereClause.MISSING),
        ("WITH d AS (DELETE FROM t RETURNING id) SELECT * FROM d WHERE id = 1", WhereClause.MISSING),
        ("WITH d AS (DELETE FROM t) DELETE FROM s WHERE id = 1", WhereClause.MISSING),
        ("WITH d AS (DELETE FROM t WHERE id = 2) DELETE FROM s WHERE id = 1", WhereClause.PRESENT),
        ("MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE", WhereClause.PRESENT),
        ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", WhereClause.MISSING),
        ("MERGE INTO t USING s ON true WHEN MATCHED AND t.id = 5 THEN UPDATE SET a = 1", WhereClause.PRESENT),
        ("MERGE INTO t USING s ON 1=1 WHEN NOT MATCHED THEN INSERT VALUES (1)", WhereClause.NOT_APPLICABLE),
        ("EXPLAIN ANALYZE DELETE FROM t", WhereClause.MISSING),
        ("EXPLAIN DELETE FROM t", WhereClause.NOT_APPLICABLE),
        ("PREPARE p AS DELETE FROM t", WhereClause.MISSING),
        ("COPY (DELETE FROM t RETURNING *) TO STDOUT", WhereClause.MISSING),
        ("SELECT 1", WhereClause.NOT_APPLICABLE),
    ],
)
def test_every_nested_change_of_rows_is_looked_at(text: str, where: WhereClause) -> None:
    assert analyze(text).statements[0].where is where
