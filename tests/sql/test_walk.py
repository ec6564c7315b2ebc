"""The walk finds every name, with PostgreSQL's own scoping."""

# ruff: noqa: E501 - a statement reads best on one line

from __future__ import annotations

import pytest

from doorward.sql.analyze import analyze


def relations(text: str) -> list[str]:
    (statement,) = analyze(text).statements
    return sorted(f"{used.use.value} {used.relation}" for used in statement.relations)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT * FROM a, public.b JOIN ONLY c ON true", ["read a", "read c", "read public.b"]),
        ("SELECT (SELECT 1 FROM a) WHERE EXISTS (SELECT 1 FROM b)", ["read a", "read b"]),
        ("WITH a AS (SELECT 1) SELECT * FROM a", []),
        ("WITH a AS (SELECT 1) SELECT * FROM public.a", ["read public.a"]),
        ("WITH a AS (SELECT * FROM a) SELECT * FROM a", ["read a"]),
        ("WITH RECURSIVE a AS (SELECT * FROM a) SELECT * FROM a", []),
        ("WITH b AS (SELECT * FROM a), a AS (SELECT 1) SELECT * FROM a, b", ["read a"]),
        ("SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) x, a", ["read a"]),
        ("WITH a AS (SELECT 1) INSERT INTO a SELECT * FROM a", ["write a"]),
        ("WITH a AS (SELECT 1) DELETE FROM a", ["read a", "write a"]),
        ("INSERT INTO t VALUES (1) RETURNING id", ["read t", "write t"]),
        ("UPDATE t SET a = 1 FROM s", ["read s", "read t", "write t"]),
        ("MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", ["read s", "read t", "write t"]),
        ("TRUNCATE a, b.c", ["destroy a", "destroy b.c"]),
        ("DROP TABLE a, b.c", ["destroy a", "destroy b.c"]),
        ("DROP TRIGGER x ON a.b", ["define a.b"]),
        ("COMMENT ON COLUMN a.b.c IS 'x'", ["define a.b"]),
        ("CREATE TABLE x AS SELECT * FROM t", ["define x", "read t"]),
        ("SELECT * INTO x FROM t", ["define x", "read t"]),
        ("CREATE VIEW v AS SELECT * FROM t", ["define v", "read t"]),
        ("CREATE TABLE x (LIKE t)", ["define t", "define x"]),
        ("COPY t FROM STDIN", ["write t"]),
        ("COPY t TO STDOUT", ["read t"]),
        ("SELECT * FROM a x FOR UPDATE OF x", ["read a"]),
        ("SELECT * FROM banK, ban\u212a", ["read bank", "read ban\u212a"]),
        ('SELECT * FROM U&"cust\\006fmers"', ["read customers"]),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC DELETE FROM t; SELECT 1; END", ["read t", "write t"]),
    ],
)
def test_relations_and_their_uses(text: str, expected: list[str]) -> None:
    assert relations(text) == expected


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("SELECT upper(a), s.f(b), current_user FROM g(1)", "functions", {"upper", "s.f", "g", "pg_catalog.current_user"}),
        ("SELECT trim(a), a SIMILAR TO 'x', a AT TIME ZONE 'UTC'", "functions",
         {"pg_catalog.btrim", "pg_catalog.similar_to_escape", "pg_catalog.timezone"}),
        ("CREATE TRIGGER t BEFORE INSERT ON x EXECUTE FUNCTION s.f()", "functions", {"s.f"}),
        ("SELECT set_config('a', b, true), current_setting(c)", "functions", {"set_config", "current_setting"}),
        ("SELECT set_config('work_mem', '1MB', true), current_setting('my.x')", "functions", {"current_setting"}),
        ("SELECT set_config('work_mem', '1MB', true)", "checked_functions", {"set_config"}),
        ("SELECT public.set_config('work_mem', '1MB', true)", "functions", {"public.set_config"}),
        ("SELECT a || b, a OPERATOR(s.=) b, a BETWEEN 1 AND 2, a LIKE 'x'", "operators", {"||", "s.=", ">=", "<=", "~~"}),
        ("SELECT CASE a WHEN 1 THEN 2 END", "operators", {"="}),
        ("SELECT a IN (SELECT 1), b < ALL (SELECT 2) FROM x ORDER BY 1 USING >", "operators", {"=", "<", ">"}),
        ("SELECT 1 FROM a JOIN b USING (id)", "operators", {"="}),
        ("SELECT a::int, CAST(b AS s.t), x'1'::bit(3), NULL::orders", "types", {"pg_catalog.int4", "s.t", "pg_catalog.bit", "orders"}),
        ("SELECT * FROM f() AS t(a mytype)", "types", {"mytype"}),
        ("SELECT 1 UNION SELECT a::mytype", "types", {"mytype"}),
    ],
)  # fmt: skip
def test_names_that_a_catalog_must_vouch_for(text: str, kind: str, expected: set[str]) -> None:
    (statement,) = analyze(text).statements
    assert set(getattr(statement, kind)) == expected
