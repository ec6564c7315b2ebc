"""Clients in other languages: node-postgres by its own suite, pgjdbc by a session of ours, libpq's pipeline mode by its own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.suites.outcomes import PASSED, Outcome
from tests.suites.suite import Place, Suite, run_command
from tests.suites.targets import Target

FILE_SECONDS = 60
JDBC_JAR = "/usr/share/java/postgresql.jar"
JAVA = "/usr/bin/java"
PIPELINE_PROGRAM = "postgres/src/test/modules/libpq_pipeline/libpq_pipeline"


def run_node(target: Target, place: Place) -> dict[str, Outcome]:
    """Each file of the integration tests in a process of its own, as its makefile does, beside the released package."""
    tests = place.sources / "node-postgres/packages/pg/test"
    home = place.scratch / "node"
    shutil.copytree(place.sources / "node", home)
    package = home / "node_modules" / "pg"
    shutil.copytree(tests, package / "test")
    outcomes = {}
    for file in sorted((package / "test" / "integration").rglob("*-tests.js")):
        name = str(file.relative_to(package / "test" / "integration"))
        done = run_command(["timeout", str(FILE_SECONDS), "node", str(file)], target, FILE_SECONDS + 5, cwd=package)
        outcomes[name] = Outcome("failed" if done.returncode else PASSED)
        if done.returncode:
            log = place.sources / "results" / f"node-{target.name}-{file.name}.log"
            log.write_text(done.stdout, encoding="utf-8")
    return outcomes


def run_jdbc(target: Target, place: Place) -> dict[str, Outcome]:
    """The steps of the session in jdbc/Session.java, each in every query mode that pgjdbc has."""
    session = Path(__file__).with_name("jdbc") / "Session.java"
    url = f"jdbc:postgresql://{target.host}:{target.port}/{target.database}"
    done = run_command([JAVA, "-cp", JDBC_JAR, str(session), url], target, 300, cwd=place.scratch)
    parts = re.split(r"(?m)^== (.*)\n", done.stdout)
    return {name: Outcome("done", seen) for name, seen in zip(parts[1::2], parts[2::2], strict=True)}


# Those whose trace of messages PostgreSQL itself compares (src/test/modules/libpq_pipeline/t): the others depend on timing.
_TRACED = frozenset(
    ("disallowed_in_pipeline", "multi_pipelines", "nosync", "pipeline_abort", "pipeline_idle", "prepared",
     "simple_pipeline", "singlerow", "transaction")
)  # fmt: skip


def run_pipeline(target: Target, place: Place) -> dict[str, Outcome]:
    """Each test of libpq_pipeline with the trace of the messages that the client sent and got."""
    program = place.sources / PIPELINE_PROGRAM
    names = run_command([str(program), "tests"], target, FILE_SECONDS).stdout.split()
    outcomes = {}
    for name in names:
        trace = place.scratch / f"{name}.trace"
        command = ["timeout", str(FILE_SECONDS), str(program), "-r", "700", "-t", str(trace), name, target.dsn]
        done = run_command(command, target, FILE_SECONDS + 5)
        seen = trace.read_text(encoding="utf-8", errors="replace") if trace.exists() and name in _TRACED else ""
        outcomes[name] = Outcome(f"exit code {done.returncode}", seen)
    return outcomes


NODE = Suite(
    "node-postgres",
    "node-postgres' integration suite",
    "8.23.0",
    (
        "node-postgres/: git clone --branch pg@8.23.0 https://github.com/brianc/node-postgres",
        "node/: npm install pg@8.23.0 async@2.6.4 bluebird@3.7.2 co@4.6.0 pg-copy-streams@0.3.0",
    ),
    run_node,
    ("suite", "postgres", "template1"),
    needs=("node-postgres/packages/pg/test", "node/node_modules/pg/package.json"),
    least=70,
)
JDBC = Suite(
    "pgjdbc",
    "pgjdbc: a working session in each query mode",
    "42.5.5",
    ("Debian's libpostgresql-jdbc-java and openjdk-17-jdk-headless",),
    run_jdbc,
    needs=(JAVA, JDBC_JAR),
    least=60,
)
PIPELINE = Suite(
    "libpq-pipeline",
    "libpq's pipeline mode, PostgreSQL's own test",
    "15.18",
    (
        "postgres/: as for postgresql",
        f"{PIPELINE_PROGRAM}: left there by PostgreSQL's own build",
    ),
    run_pipeline,
    needs=(PIPELINE_PROGRAM,),
    least=10,
)
SUITES = (NODE, JDBC, PIPELINE)
