"""The list of commands holds whatever an analysis calls a statement."""

import pytest

from doorward.sql.analyze import analyze
from doorward.sql.commands import COMMANDS, OBJECT_KINDS


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "SELECT 1 INTO t",
        "INSERT INTO t VALUES (1)",
        "COPY t TO STDOUT",
        "BEGIN",
        "ROLLBACK TO SAVEPOINT a",
        "DROP TABLE t",
        "DROP MATERIALIZED VIEW v",
        "ALTER TABLE t ADD x int",
        "ALTER TABLE t RENAME x TO y",
        "ALTER TABLE t SET SCHEMA s",
        "COMMENT ON COLUMN t.x IS 'x'",
        "CREATE TABLE t AS SELECT 1",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE AGGREGATE a (int) (sfunc = f, stype = int)",
        "GRANT SELECT ON t TO r",
        "REVOKE r FROM q",
        "SET work_mem = '1MB'",
        "RESET ALL",
        "FETCH 1 FROM c",
        "MOVE 1 IN c",
        "VACUUM t",
        "ANALYZE t",
        "TRUNCATE t",
        "ALTER SYSTEM SET x = 1",
        "ALTER TABLE t OWNER TO r",
        "CREATE POLICY p ON t",
        "DO 'x'",
        "EXPLAIN SELECT 1",
        "PREPARE p AS SELECT 1",
        "LOCK TABLE t",
    ],
)
def test_what_is_analysed_is_on_the_lists(text: str) -> None:
    """So a rule about it is never told that there is no such command."""
    (statement,) = analyze(text).statements
    assert statement.tag in COMMANDS
    assert not statement.object_kind or statement.object_kind in OBJECT_KINDS
