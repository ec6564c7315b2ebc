"""``doorward connect`` and ``doorward exec``: a fresh short-lived secret, and psql or any command with it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from doorward.cli.options import AsJson, DataDir
from doorward.cli.targets import AsOperator, TargetName, exchanged, target_of
from doorward.cli.terminal import EXIT_CODES_HELP, console, local_time, say_json
from doorward.errors import InvalidRequest, NotFound

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": False}
PSQL_REMEDY = "Install it with: apt-get install postgresql-client   Or use --print with any other client."

Hours = Annotated[float, typer.Option(help="How long the secret is good.", min=0.01, max=24 * 366)]

CONNECT_HELP = f"""Mint a short-lived secret for a person, service or agent, and use it.

Starts psql when there is a terminal; arguments after -- go to psql. Otherwise, or with --print, says how to connect.
Whoever has run doorward login connects as themselves; without a sign-in the local operator connects as anybody.

[bold]Examples:[/]

  doorward connect prod

  doorward connect alice/prod -- -f report.sql

  doorward connect nightly-etl --hours 12 --print

  doorward connect prod --save      (psql service=prod, and what reads .pgpass)

  doorward connect report-bot --json | jq -r .url

{EXIT_CODES_HELP}
"""

EXEC_HELP = f"""Run a command with a fresh short-lived secret in its environment.

Sets PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE and PGSSLMODE, which every client made with libpq reads, and many others.
In a pipeline, --token-file exchanges the token of its platform; nothing is stored then.

[bold]Examples:[/]

  doorward exec prod -- dbt run

  doorward exec alice/prod -- pg_dump -t orders

  doorward exec nightly-etl/prod --url https://doorward.internal --token-file /run/token -- python load.py

{EXIT_CODES_HELP}
"""


def connect(
    context: typer.Context,
    target: TargetName,
    show: Annotated[bool, typer.Option("--print", help="Say how to connect, and start nothing.")] = False,
    save: Annotated[bool, typer.Option("--save", help="Write a service and a password to libpq's files.")] = False,
    hours: Hours = 1.0,
    database: Annotated[str, typer.Option(help="Which database, when Doorward protects several.")] = "",
    operator: AsOperator = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Connect as somebody."""
    found = target_of(f"{target}/{database}" if database and "/" not in target else target, data_dir, as_operator=operator)
    minted = found.mint(hours, "doorward connect")
    if save:
        from doorward.cli.libpq_files import save as write

        minted["service"] = write(minted)
    if as_json:
        say_json(minted)
    elif save:
        _tell_saved(minted)
    elif context.args or (not show and sys.stdout.isatty()):
        _start_psql(minted, context.args)
    else:
        _tell(minted)


def execute(
    context: typer.Context,
    target: TargetName,
    hours: Hours = 1.0,
    url: Annotated[str, typer.Option(envvar="DOORWARD_URL", help="Doorward's console, for --token-file.")] = "",
    token_file: Annotated[Path | None, typer.Option(help="The token of this program's platform.", show_default=False)] = None,
    operator: AsOperator = False,
    data_dir: DataDir = None,
) -> None:
    """Run a command with a secret in its environment."""
    if not context.args:
        raise InvalidRequest("No command is given.", "Write it after --, as in: doorward exec prod -- dbt run")
    program = shutil.which(context.args[0])
    if program is None:
        raise NotFound(f"There is no command {context.args[0]}.", "Give one that is on the PATH.")
    purpose = f"doorward exec {Path(program).name}"[:200]
    if token_file is not None:
        from doorward.cli.client import ApiClient, data_directory, running_state

        data = data_directory(data_dir)
        address = url.rstrip("/") or str(running_state(data)["console"])
        minted = exchanged(ApiClient(address, "", data), _token(token_file), target, min(hours * 60, 60), purpose)
    else:
        minted = target_of(target, data_dir, as_operator=operator).mint(hours, purpose)
    # By the environment: arguments can be read by every user of this machine.
    os.execve(program, context.args, {**os.environ, **minted["environment"]})  # noqa: S606


def _token(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise NotFound(f"The token in {file} can't be read.", "Give the file that the platform writes.") from None


def _start_psql(minted: dict[str, Any], arguments: list[str]) -> None:
    psql = shutil.which("psql")
    if psql is None:
        raise NotFound("psql is not installed.", PSQL_REMEDY)
    console(stderr=True).print(f"[dim]signed in as {minted['principal']} until {local_time(minted['expires_us'])}[/]")
    os.execve(psql, [psql, *arguments], {**os.environ, **minted["environment"]})  # noqa: S606


def _tell(minted: dict[str, Any]) -> None:
    out = console()
    # Whole lines, whatever the width: they are there to be pasted.
    out.print(f"[bold cyan]{minted['principal']}[/] can sign in until {local_time(minted['expires_us'])}.", soft_wrap=True)
    jdbc = f"jdbc:postgresql://{minted['host']}:{minted['port']}/{minted['database']}?sslmode={minted['sslmode']}"
    for title, lines in (
        ("psql", [f'psql "{minted["url"]}"']),
        ("Python", ["import psycopg", f'connection = psycopg.connect("{minted["url"]}")']),
        ("DBeaver, JDBC", [jdbc, f"user      {minted['principal']}", f"password  {minted['secret']}"]),
        ("anything else", [minted["url"]]),
    ):
        out.print(f"\n[dim]{title}[/]", soft_wrap=True)
        for line in lines:
            out.print(f"  {line}", soft_wrap=True, markup=False)


def _tell_saved(minted: dict[str, Any]) -> None:
    out = console()
    out.print(
        f"[green]saved[/] for [bold cyan]{minted['principal']}[/] until {local_time(minted['expires_us'])}", soft_wrap=True
    )
    out.print(f'  psql "service={minted["service"]}"', soft_wrap=True, markup=False)
