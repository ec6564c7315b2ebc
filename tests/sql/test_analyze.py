"""analyze() says what a text would do, and never raises."""

# ruff: noqa: E501 - a statement reads best on one line

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.model.statement import Action, ParsedStatement
from doorward.sql.analyze import analyze


def only(text: str) -> ParsedStatement:
    analysis = analyze(text)
    assert not analysis.error, analysis.error
    (statement,) = analysis.statements
    return statement


@pytest.mark.parametrize(
    ("text", "action", "tag"),
    [
        ("WITH d AS (DELETE FROM t WHERE id = 1 RETURNING *) SELECT * FROM d", "write", "SELECT"),
        ("SELECT * INTO TEMP x FROM t", "define", "SELECT INTO"),
        ("CREATE TABLE x AS SELECT 1", "define", "CREATE TABLE AS"),
        ("CREATE MATERIALIZED VIEW x AS SELECT 1", "define", "CREATE MATERIALIZED VIEW AS"),
        ("CREATE SCHEMA s GRANT ALL ON t TO u", "grant", "CREATE SCHEMA"),
        ("ALTER TABLE t ADD a int, OWNER TO u", "grant", "ALTER TABLE"),
        ("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "grant", "ALTER TABLE"),
        ("ALTER VIEW v OWNER TO u", "grant", "ALTER VIEW"),
        ("ALTER FUNCTION f() OWNER TO u", "grant", "ALTER OWNER"),
        ("DROP POLICY p ON t", "grant", "DROP POLICY"),
        ("DROP EXTENSION x", "administer", "DROP EXTENSION"),
        ("DROP DATABASE x", "destroy", "DROP DATABASE"),
        ("COMMENT ON ROLE r IS 'x'", "grant", "COMMENT ON ROLE"),
        ("ALTER ROLE a RENAME TO b", "grant", "RENAME ROLE"),
        ("VACUUM FULL t", "define", "VACUUM"),
        ("ANALYZE t", "define", "ANALYZE"),
        ("LOCK TABLE t", "write", "LOCK TABLE"),
        ("COMMIT PREPARED 'x'", "administer", "COMMIT PREPARED"),
        ("PREPARE TRANSACTION 'x'", "administer", "PREPARE TRANSACTION"),
        ("EXPLAIN DROP TABLE t", "unknown", ""),
        ("EXPLAIN (ANALYZE off) UPDATE t SET a = 1", "read", "EXPLAIN"),
        ("EXPLAIN (ANALYZE false, ANALYZE) UPDATE t SET a = 1", "write", "EXPLAIN"),
        ("EXPLAIN (ANALYZE 1) UPDATE t SET a = 1", "write", "EXPLAIN"),
        ("EXPLAIN (ANALYZE 0) UPDATE t SET a = 1", "read", "EXPLAIN"),
        ("EXPLAIN ANALYZE CREATE TABLE x AS SELECT 1", "define", "EXPLAIN"),
        ("COPY t TO '/tmp/x'", "administer", "COPY"),
        ("SHOW my.secret", "administer", "SHOW"),
        ("SET my.x = 1", "administer", "SET"),
        ("SET SESSION AUTHORIZATION DEFAULT", "administer", "SET"),
        ("RESET session_replication_role", "administer", "RESET"),
        ("SET TRANSACTION SNAPSHOT 'x'", "administer", "SET"),
        ("SELECT set_config('row_security', 'off', true)", "administer", "SELECT"),
        ("CALL p(1)", "write", "CALL"),
        ("SECURITY LABEL ON TABLE t IS 'x'", "grant", "SECURITY LABEL"),
    ],
)
def test_statement_has_the_worst_action_in_it(text: str, action: str, tag: str) -> None:
    analysis = analyze(text)
    assert analysis.action.value == action
    assert [statement.tag for statement in analysis.statements] == ([tag] if tag else [])


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("PREPARE p AS DELETE FROM t", "prepared_name", "p"),
        ("EXECUTE p", "prepared_name", "p"),
        ("EXPLAIN EXECUTE p", "prepared_name", "p"),
        ("CREATE TEMP TABLE x AS EXECUTE p", "prepared_name", "p"),
        ("DEALLOCATE p", "prepared_name", "p"),
        ("DECLARE c CURSOR FOR SELECT 1", "cursor_name", "c"),
        ("FETCH 1 FROM c", "cursor_name", "c"),
        ("CLOSE c", "cursor_name", "c"),
        ("ROLLBACK TO SAVEPOINT s", "transaction", "rollback to"),
        ("ABORT", "transaction", "rollback"),
        ("START TRANSACTION", "transaction", "begin"),
        ("COPY t FROM PROGRAM 'x'", "copy_direction", "program"),
        ("COPY t TO STDOUT", "copy_direction", "out"),
        ("SET search_path = a, 'B'", "setting_value", "a, B"),
        ('SET "Work_Mem" = 1', "setting", "work_mem"),
        ("SELECT set_config('TimeZone', 'UTC', false)", "setting", "timezone"),
        ("EXPLAIN SELECT 1", "explain", True),
        ("DROP MATERIALIZED VIEW x", "object_kind", "materialized view"),
        ("CREATE TEMP TABLE x (a int)", "temporary", True),
        ("DROP TABLE pg_temp.x", "temporary", True),
        ("DROP TABLE pg_temp.x, y", "temporary", False),
        ("CREATE TABLE x (a int)", "temporary", False),
        ("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "temporary", False),
    ],
)
def test_particulars_are_told(text: str, field: str, value: object) -> None:
    assert getattr(only(text), field) == value


def test_several_statements_are_all_analysed() -> None:
    analysis = analyze("SELECT 1; DROP TABLE t; SELECT 2")
    assert [statement.tag for statement in analysis.statements] == ["SELECT", "DROP TABLE", "SELECT"]
    assert analysis.action is Action.DESTROY


PIECES = st.sampled_from(
    [
        "SELECT",
        "INSERT",
        "INTO",
        "UPDATE",
        "DELETE",
        "FROM",
        "WHERE",
        "SET",
        "WITH",
        "RECURSIVE",
        "AS",
        "(",
        ")",
        ",",
        ";",
        "*",
        ".",
        "=",
        "'x'",
        "$1",
        "1",
        "t",
        "a",
        '"B"',
        'U&"\\0061"',
        "::",
        "int",
        "MERGE",
        "USING",
        "ON",
        "WHEN",
        "MATCHED",
        "THEN",
        "VALUES",
        "RETURNING",
        "JOIN",
        "LATERAL",
        "CASE",
        "END",
        "AND",
        "OR",
        "NOT",
        "EXISTS",
        "IN",
        "ARRAY",
        "[",
        "]",
        "NULL",
        "IS",
        "ROW",
        "CREATE",
        "TABLE",
        "VIEW",
        "TEMP",
        "DROP",
        "ALTER",
        "COPY",
        "TO",
        "STDOUT",
        "PROGRAM",
        "PREPARE",
        "EXECUTE",
        "EXPLAIN",
        "ANALYZE",
        "DECLARE",
        "c",
        "CURSOR",
        "FOR",
        "BEGIN",
        "GRANT",
        "COMMENT",
        "set_config",
        "current_user",
        "count",
        "OVER",
        "FILTER",
        "GROUP",
        "BY",
        "ORDER",
        "UNION",
        "ALL",
        "LIMIT",
        "$$",
        "--",
        "/*",
        "*/",
        "E'\\'",
        "é",
    ]
)


@given(st.lists(PIECES, max_size=25).map(" ".join) | st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_comes_back_as_an_analysis(text: str) -> None:
    analysis = analyze(text)
    assert bool(analysis.error) is (analysis.action is Action.UNKNOWN)
    assert bool(analysis.error) is bool(analysis.error_code)


SEEDS = (
    "WITH q(a) AS (DELETE FROM t RETURNING *) INSERT INTO z(a) SELECT a FROM q ON CONFLICT (id) DO UPDATE SET a=excluded.a RETURNING *",
    "MERGE INTO t USING s ON t.id=s.id WHEN MATCHED AND s.x THEN UPDATE SET a=s.b WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)",
    "SELECT c.id, count(*) FILTER (WHERE a) OVER w, (x).y[1], ARRAY(SELECT 1) FROM a c JOIN (VALUES (1)) b(id) USING (id) WINDOW w AS ()",
    "CREATE TEMP TABLE x AS SELECT set_config('a', b, true) FROM jsonb_to_record('{}') AS r(b text) WITH NO DATA",
)  # fmt: skip


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=300, deadline=None)
def test_mutated_statements_come_back_as_an_analysis(seed: str, data: st.DataObject) -> None:
    words = seed.split(" ")
    for _ in range(data.draw(st.integers(1, 4))):
        at, other = (data.draw(st.integers(0, len(words) - 1)) for _ in range(2))
        words[at] = data.draw(st.sampled_from(["", words[other], words[at] * 2, "(", ")", "NULL", "*"]))
    analysis = analyze(" ".join(words))
    assert bool(analysis.error) is not bool(analysis.statements) or not analysis.statements


STARS = "WITH a0 AS (SELECT 1 AS x, 2 AS y)" + "".join(f", a{n} AS (SELECT * FROM a{n - 1}, a{n - 1} b)" for n in range(1, 60))


TABLES = ", ".join(f"t t{n}" for n in range(1_600))
WIDE = ", ".join(f"1 AS a{n}" for n in range(1_600))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        "DELETE FROM t WHERE " + " OR ".join(f"id = {n}" for n in range(8_000)),
        "DELETE FROM t WHERE id IN (" + ", ".join(str(n) for n in range(50_000)) + ")",
        "WITH " + ", ".join(f"a{n} AS (SELECT 1)" for n in range(10_000)) + " SELECT 1",
        STARS + " SELECT * FROM a59",
        "SELECT "
        + ", ".join("s.a" for _ in range(50_000))
        + " FROM (SELECT "
        + ", ".join("1 AS a" for _ in range(1_600))
        + ") s",
        "SELECT " + ", ".join("sum(a) OVER w" for _ in range(5_000)) + " FROM t WINDOW w AS (ORDER BY " + "b, " * 5_000 + "c)",
        f"SELECT {', '.join('s.*' for _ in range(20_000))} FROM (SELECT {WIDE}) s",
        f"SELECT {', '.join(f's.b{n}' for n in range(20_000))} FROM (SELECT {WIDE}) s",
        f"WITH c AS (SELECT {WIDE}) SELECT 1 FROM {', '.join(f'c c{n}' for n in range(10_000))}",
        f"SELECT {', '.join(f'b{n}' for n in range(10_000))} FROM {', '.join(f't t{n}' for n in range(2_000))}",
        f"SELECT {', '.join(f's.b{n}' for n in range(10_000))} FROM (SELECT * FROM {TABLES}) s",
        f"SELECT {', '.join(f'b{n}' for n in range(10_000))} FROM (SELECT * FROM {TABLES}) s",
        f"SELECT {WIDE} ORDER BY {', '.join(f'a{n % 1_600}' for n in range(20_000))}",
    ],
    ids=[
        "or",
        "in",
        "ctes",
        "stars",
        "references",
        "windows",
        "wide",
        "absent",
        "repeated",
        "tables",
        "starred",
        "bare",
        "order",
    ],
)
def test_work_grows_with_the_text_and_not_with_its_square(text: str) -> None:
    """Each takes a second or so; squared, it would be minutes."""
    (statement,) = analyze(text).statements
    assert statement.outputs is None or set(statement.outputs) != set()
