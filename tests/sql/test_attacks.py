"""Statements that destroy, escape or take over, each with what the analysis says that a default policy stops.

What no text can show is stopped elsewhere: settings in start-up parameters (`check_setting`), FunctionCall, CancelRequest,
pipelines (each Parse is analysed) and NUL bytes are the wire's; `DELETE ... WHERE CURRENT OF` writes one row that was
fetched, and a `search_path` changes nothing that names are resolved by.
"""

from __future__ import annotations

import pytest

from doorward.catalog.resolve import resolve
from doorward.model.catalog import Snapshot
from doorward.model.statement import Action
from doorward.sql.analyze import analyze
from doorward.sql.settings import check_setting

NOTHING_KNOWN = Snapshot("shop", "1", ())

ATTACKS = [
    ("pg-g-string-end", "SELECT 'it''s; not'; DROP TABLE victim", "destroy"),
    ("pg-g-scs-one-msg", "SET standard_conforming_strings=off; SELECT 1; SELECT 'x\\''; DROP TABLE victim; --'", "administer"),
    ("pg-g-and-chain", "DELETE FROM victim", "unbounded"),
    ("pg-g-alter-drop-column", "ALTER TABLE victim DROP v", "destroy"),
    ("pg-g-grant", "GRANT ALL ON victim TO public", "grant"),
    ("pg-g-do-ustring", "DO U&'BEGIN \\0044ROP TABLE victim; END'", "administer"),
    ("pg-g-alter-schema", "CREATE SCHEMA trash", "define"),
    ("pg-g-proc", "CREATE PROCEDURE pd() LANGUAGE plpgsql AS $$BEGIN DROP TABLE victim; END$$", "define"),
    ("pg-g-alter-db-set", "ALTER DATABASE postgres SET search_path=evil", "administer"),
    ("pg-g-func-existing", "SELECT cleanup()", "unlisted"),
    ("pg-g-select-into", "SELECT 1 AS a INTO x2", "define"),
    ("pg-g-drop-lower", "drop/**/table/**/victim", "destroy"),
    ("pg-g-do", "DO $$BEGIN DROP TABLE victim; END$$", "administer"),
    ("pg-g-nextval-readonly", "SELECT pg_notify('a','b')", "dangerous"),
    ("pg-g-drop-cr", "SELECT 1 -- x\r; DROP TABLE victim", "destroy"),
    ("pg-g-truncate-many", "TRUNCATE TABLE ONLY orders, victim", "destroy"),
    ("pg-g-copy-program", "COPY victim(v) FROM PROGRAM 'echo pwned'", "administer"),
    ("pg-g-alter-owner", "ALTER TABLE customers OWNER TO app", "grant"),
    ("pg-g-drop-schema", "DROP SCHEMA vs CASCADE", "destroy"),
    ("pg-g-multi-empty", ";;; DROP TABLE victim;", "destroy"),
    ("pg-g-select-func-cost", "SELECT 1 WHERE (SELECT set_config('role','postgres',false)) IS NULL", "administer"),
    ("pg-g-disable-trigger", "ALTER TABLE victim DISABLE TRIGGER USER", "define"),
    ("pg-g-base-backup", "BASE_BACKUP (TARGET 'blackhole')", "unknown"),
    ("pg-g-setval", "SELECT setval('vseq',1)", "dangerous"),
    ("pg-g-event-trigger", "CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN END$$", "define"),
    ("pg-g-cluster", "CLUSTER victim USING vix", "define"),
    ("pg-g-ext-script", "CREATE EXTENSION IF NOT EXISTS tablefunc", "administer"),
    ("pg-g-rule-delete", "CREATE TABLE rx(i int)", "define"),
    ("pg-g-explain-analyze", "EXPLAIN ANALYZE DELETE FROM victim", "unbounded"),
    ("pg-g-do-string", "DO 'BEGIN EXECUTE chr(68)||''ROP TABLE victim''; END'", "administer"),
    ("pg-g-alter-role-set", "ALTER ROLE app SET standard_conforming_strings=off", "administer"),
    ("pg-g-sjis", "SET client_encoding='SJIS'", "administer"),
    ("pg-g-copy-to-program", "COPY (SELECT 1) TO PROGRAM 'touch {files}/pwn1'", "administer"),
    ("pg-g-default-privs", "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO public", "grant"),
    ("pg-g-import-schema", "CREATE EXTENSION IF NOT EXISTS postgres_fdw", "administer"),
    ("pg-g-rule-semicolons", "CREATE RULE r2 AS ON DELETE TO orders DO ALSO (DELETE FROM victim; NOTIFY x)", "define"),
    ("pg-g-update-where-true", "UPDATE victim SET v='gone' WHERE true OR id=1", "unbounded"),
    ("pg-g-set-role", "SET ROLE app", "administer"),
    ("pg-g-drop-cascade", "DROP TABLE parent CASCADE", "destroy"),
    ("pg-g-reassign", "REASSIGN OWNED BY app TO postgres", "grant"),
    ("pg-g-do-estring", "DO E'BEGIN \\x44ROP TABLE victim; END'", "administer"),
    ("pg-g-alter-system", "ALTER SYSTEM SET log_statement='all'", "administer"),
    ("pg-g-grant-all-tables", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO public", "grant"),
    (
        "pg-g-sqlfunc-atomic",
        "CREATE FUNCTION fa() RETURNS int LANGUAGE sql BEGIN ATOMIC DELETE FROM victim; SELECT 1; END; SELECT fa()",
        "define",
    ),
    ("pg-g-dollar", "SELECT $a$ ; $b$ $a$; DROP TABLE victim", "destroy"),
    ("pg-g-alter-rename", "ALTER TABLE victim RENAME TO other", "define"),
    ("pg-g-publication", "CREATE PUBLICATION pb FOR ALL TABLES", "administer"),
    ("pg-g-drop-owned", "DROP OWNED BY app", "grant"),
    ("pg-g-pipeline", "DROP TABLE victim", "destroy"),
]


@pytest.mark.parametrize(("attack", "text", "stop"), ATTACKS, ids=[row[0] for row in ATTACKS])
def test_attack_is_seen_for_what_it_is(attack: str, text: str, stop: str) -> None:
    """Every attack that is a text shows an action, or a fact, that a default policy refuses or holds."""
    analysis = analyze(text)
    facts = resolve(analysis, NOTHING_KNOWN).facts
    seen = {
        "unbounded": facts.unbounded_write,
        "dangerous": bool(facts.dangerous_functions),
        "unlisted": bool(facts.unlisted_functions),
    }
    assert seen.get(stop, analysis.action.value == stop)


def test_administering_and_unknown_statements_say_why() -> None:
    """A refusal is words for the user: it is never empty where one is owed."""
    owed = [text for _, text, stop in ATTACKS if stop in ("administer", "unknown")]
    assert len(owed) > 10
    assert all(resolve(analyze(text), NOTHING_KNOWN).facts.refusal for text in owed)


def test_settings_at_start_up_go_by_the_same_table() -> None:
    assert check_setting("standard_conforming_strings", "off")
    assert check_setting("role", "app")
    assert not check_setting("search_path", "anything")


def test_bytes_after_nul_are_never_left_unread() -> None:
    """A C string would end at the NUL; the server refuses the message, and so do we."""
    analysis = analyze("SELECT 1\0; DROP TABLE victim")
    assert analysis.action is Action.UNKNOWN
    assert analysis.error_code == "22021"
