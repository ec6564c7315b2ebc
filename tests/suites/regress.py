"""PostgreSQL's own regression suite, by its own pg_regress."""

from __future__ import annotations

import re
from pathlib import Path

from tests.live.servers import DEBIAN_15
from tests.suites.outcomes import PASSED, Outcome
from tests.suites.suite import Place, Suite, run_command
from tests.suites.targets import Target

SECONDS = 1500
FOLDER = "postgres/src/test/regress"
_LINE = re.compile(r"^\s*(?:test |\s)(\S+)\s+\.\.\. (ok|FAILED.*?)\s+\d+ ms", re.MULTILINE)
PG_REGRESS = DEBIAN_15.parent / "lib/pgxs/src/test/regress/pg_regress"
# What pg_regress sets on a database that it creates itself (pg_regress.c, create_database).
PREPARATION = tuple(
    f"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET {setting}', current_database()); END $$"
    for setting in (
        "lc_messages TO ''C''",
        "lc_monetary TO ''C''",
        "lc_numeric TO ''C''",
        "lc_time TO ''C''",
        "bytea_output TO ''hex''",
        "timezone_abbreviations TO ''Default''",
    )
)


def run(target: Target, place: Place) -> dict[str, Outcome]:
    """One after another in the order of the parallel schedule; the printed result of a failed test counts too."""
    sources = place.sources / FOLDER
    output = place.scratch / "output"
    for folder in ("results", "expected", "sql", "testtablespace"):
        (output / folder).mkdir(parents=True)
    # The server, which runs as somebody else, reads and writes files there.
    for path in (place.scratch, output, *output.iterdir()):
        path.chmod(0o777)
    command = [str(PG_REGRESS), f"--inputdir={sources}", f"--outputdir={output}", f"--dlpath={sources}", "--use-existing"]
    command += [f"--bindir={DEBIAN_15}", f"--dbname={target.database}", f"--host={target.host}", f"--port={target.port}"]
    command += [f"--user={target.user}", f"--schedule={sources / 'parallel_schedule'}", "--max-connections=1"]
    done = run_command(command, target, SECONDS, cwd=output)
    return {name: _outcome(output, name, word) for name, word in _LINE.findall(done.stdout)}


def _outcome(output: Path, name: str, word: str) -> Outcome:
    printed = output / "results" / f"{name}.out"
    text = printed.read_text(encoding="utf-8", errors="replace") if printed.exists() else ""
    # Each road has folders of its own.
    return Outcome(PASSED if word == "ok" else "failed", text.replace(str(output.parent), "SCRATCH"))


SUITE = Suite(
    "postgresql",
    "PostgreSQL's regression suite",
    "15.18",
    (
        "Debian's postgresql-15 and postgresql-server-dev-15, for the server and pg_regress",
        "postgres/: the source of PostgreSQL 15.18 (Debian's source package postgresql-15, or git tag REL_15_18)",
        "postgres/src/test/regress/regress.so: left there by PostgreSQL's own build, for the same server",
    ),
    run,
    ("regression", "postgres", "template1"),
    PREPARATION,
    (str(PG_REGRESS), f"{FOLDER}/parallel_schedule", f"{FOLDER}/regress.so"),
    200,
)
