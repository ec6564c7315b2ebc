"""Names of columns whose values may be stored elsewhere: too many rather than too few."""

from __future__ import annotations

import pytest

from doorward.sql.analyze import analyze


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INSERT INTO t (a) VALUES ($1, now())", None),
        ("INSERT INTO t (a) VALUES ((SELECT ssn FROM c))", {"ssn"}),
        ("INSERT INTO t SELECT 1", None),
        ("INSERT INTO t SELECT ssn AS x FROM c WHERE email = $1 AND kind IN (1, 2) AND gone IS NULL", {"ssn"}),
        ("INSERT INTO t SELECT id FROM c WHERE email LIKE 'a%'", {"id", "email"}),
        ("INSERT INTO t SELECT v.g FROM v JOIN c ON v.g = c.ssn", {"g", "ssn"}),
        ("INSERT INTO t SELECT * FROM c", {"*"}),
        ("INSERT INTO t SELECT region FROM c AS x (a, region)", {"*", "region"}),
        ("INSERT INTO t SELECT j.b FROM (c JOIN d ON true) AS j (a, b)", {"*", "b"}),
        ("INSERT INTO t TABLE c", {"*"}),
        ("INSERT INTO t SELECT to_jsonb(c) FROM c", {"c", "*"}),
        ("INSERT INTO t (e) VALUES ($1) ON CONFLICT (id) DO UPDATE SET e = excluded.e, n = t.n + 1", None),
        ("INSERT INTO t (e) VALUES ($1) ON CONFLICT (id) DO UPDATE SET region = excluded.ssn", {"ssn"}),
        ("UPDATE t SET balance = balance - 1, a = $1", None),
        ("UPDATE t SET balance = t.balance - s.x FROM s WHERE t.id = s.id", {"balance", "x", "id"}),
        ("UPDATE t SET region = ssn WHERE id = 1", {"ssn"}),
        ("UPDATE t SET a = (SELECT ssn FROM c)", {"ssn"}),
        ("UPDATE t SET (a, b) = (SELECT ssn, 1 FROM c)", {"ssn"}),
        ("MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET region = s.ssn", {"id", "ssn"}),
        ("MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE", None),
        ("CREATE TABLE x AS SELECT ssn FROM c", {"ssn"}),
        ("CREATE TABLE x AS SELECT ssn FROM c WITH NO DATA", None),
        ("CREATE TABLE x AS EXECUTE p", {"*"}),
        ("CREATE MATERIALIZED VIEW x AS SELECT ssn FROM c", {"ssn"}),
        ("SELECT ssn INTO x FROM c", {"ssn"}),
        ("WITH d AS (DELETE FROM c RETURNING ssn) INSERT INTO t SELECT * FROM d", {"ssn", "*"}),
        ("WITH d AS (SELECT ssn FROM c), i AS (INSERT INTO t SELECT ssn AS a FROM d) SELECT 1", {"ssn"}),
        ("PREPARE p AS INSERT INTO t SELECT ssn FROM c", {"ssn"}),
        ("EXPLAIN INSERT INTO t SELECT ssn FROM c", None),
        ("CREATE VIEW v AS SELECT ssn FROM c", None),
        ("DELETE FROM t WHERE a = b", None),
        ("SELECT ssn FROM c", None),
    ],
)
def test_names_that_may_flow(text: str, expected: set[str] | None) -> None:
    (statement,) = analyze(text).statements
    assert statement.copies_data is (expected is not None)
    assert set(statement.copied_columns) == (expected or set())
