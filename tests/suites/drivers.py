"""The suites of Python drivers and of SQLAlchemy, by their own pytest, with the released package of the same version."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.suites.outcomes import PASSED, Outcome
from tests.suites.suite import PYTHON, Place, Suite, run_command
from tests.suites.targets import Target

SECONDS = 3000
_STATUS = {"failure": "failed", "error": "error", "skipped": "skipped"}


def read_junit(path: Path) -> dict[str, Outcome]:
    """The outcome of each test in pytest's own report; what a failure says differs between runs and doesn't count."""
    if not path.exists():
        return {}
    outcomes = {}
    for case in ElementTree.parse(path).iter("testcase"):
        words = [_STATUS[child.tag] for child in case if child.tag in _STATUS]
        name = f"{case.get('classname', '')}::{case.get('name', '')}"
        outcomes[name] = Outcome(words[0] if words else PASSED)
    return outcomes


def _pytest(
    folder: str,
    arguments: Callable[[Target], list[str]],
    target: Target,
    place: Place,
    environment: dict[str, str] | None = None,
) -> dict[str, Outcome]:
    sources = place.sources / folder
    report = place.scratch / "report.xml"
    command = [str(place.python), "-m", "pytest", "-q", f"--junitxml={report}", "-o", "junit_family=xunit1"]
    command += ["-o", f"cache_dir={place.scratch / 'cache'}", *arguments(target)]
    # From a folder of its own, so that the tests meet the installed package and not the source beside them.
    where = place.scratch / "tests"
    where.mkdir()
    for entry in sources.iterdir():
        if entry.name not in ("asyncpg", "lib", "psycopg", "psycopg_c", "psycopg_pool"):
            (where / entry.name).symlink_to(entry)
    more = {"PYTHONDONTWRITEBYTECODE": "1", **(environment or {})}
    done = run_command(command, target, SECONDS, cwd=where, environment=more)
    (place.sources / "results" / f"{folder}-{target.name}.log").write_text(done.stdout, encoding="utf-8")
    return read_junit(report)


def _psycopg(target: Target) -> list[str]:
    # What its own documentation says to leave out where timing and other machines are not to be trusted; mypy is not about us.
    chosen = "not slow and not flakey and not timing and not mypy and not proxy and not dns"
    return ["tests", f"--test-dsn={target.dsn}", "-m", chosen, "--ignore=tests/test_typing.py", "--ignore=tests/test_gevent.py"]


def _asyncpg(_target: Target) -> list[str]:
    # test__environment and test__sourcecode are about its own repository; subinterpreters about Python.
    left_out = ("test__environment.py", "test__sourcecode.py", "test_subinterpreters.py")
    return ["tests", *(f"--ignore=tests/{name}" for name in left_out)]


_TYPES = "test/dialect/postgresql/test_types.py"


def _sqlalchemy(driver: str, target: Target) -> list[str]:
    tests = ["test/dialect/postgresql", "test/dialect/test_suite.py", f"--ignore={_TYPES}"]
    return [*tests, *_dburi(driver, target)]


def _sqlalchemy_types(driver: str, target: Target) -> list[str]:
    return [_TYPES, *_dburi(driver, target)]


def _dburi(driver: str, target: Target) -> list[str]:
    return ["--dburi", target.url(f"postgresql+{driver}") + "?sslmode=disable" * (driver == "psycopg"), "--maxfail=10000"]


_VENV = (
    "venv/: a virtual environment with psycopg[binary]==3.3.4 psycopg-pool asyncpg==0.31.0 SQLAlchemy==2.0.52 'pytest<9'"
    " anyio distro pproxy"
)
_GIT = "{name}/: git clone --branch {tag} https://github.com/{repository}"

PSYCOPG = Suite(
    "psycopg",
    "psycopg 3's suite",
    "3.3.4",
    (_GIT.format(name="psycopg", tag="3.3.4", repository="psycopg/psycopg"), _VENV),
    partial(_pytest, "psycopg", _psycopg, environment={"PSYCOPG_IMPL": "binary"}),
    needs=("psycopg/tests", PYTHON),
    least=5_000,
)
ASYNCPG = Suite(
    "asyncpg",
    "asyncpg's suite",
    "0.31.0",
    (_GIT.format(name="asyncpg", tag="v0.31.0", repository="MagicStack/asyncpg"), _VENV),
    partial(_pytest, "asyncpg", _asyncpg),
    ("postgres",),
    needs=("asyncpg/tests", PYTHON),
    least=300,
)
_SCHEMAS = (
    "CREATE SCHEMA test_schema",
    "CREATE SCHEMA test_schema_2",
    "CREATE EXTENSION hstore",
    "CREATE EXTENSION citext",
)


def _sqlalchemy_suite(name: str, title: str, arguments: Callable[[Target], list[str]]) -> Suite:
    return Suite(
        name,
        title,
        "2.0.52",
        (_GIT.format(name="sqlalchemy", tag="rel_2_0_52", repository="sqlalchemy/sqlalchemy"), _VENV),
        partial(_pytest, "sqlalchemy", arguments),
        ("test", "postgres"),
        _SCHEMAS,
        ("sqlalchemy/test", PYTHON),
        2_000,
    )


SUITES = (
    PSYCOPG,
    ASYNCPG,
    *(
        _sqlalchemy_suite(
            f"sqlalchemy-{driver}", f"SQLAlchemy's PostgreSQL dialect suite over {driver}", partial(_sqlalchemy, driver)
        )
        for driver in ("psycopg", "asyncpg")
    ),
    # Nine thousand combinations of arguments: by themselves, over one driver.
    _sqlalchemy_suite("sqlalchemy-types", "SQLAlchemy's tests of PostgreSQL's types", partial(_sqlalchemy_types, "psycopg")),
)
