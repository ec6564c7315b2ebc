"""``doorward connect``: a fresh short-lived secret, and psql with it, or how to use it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Annotated, Any
from urllib.parse import quote

import typer

from doorward.cli.client import ApiClient, data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, console, local_time, say_json
from doorward.errors import NotFound

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": False}
PSQL_REMEDY = "Install it with: apt-get install postgresql-client   Or use --print with any other client."

CONNECT_HELP = f"""Mint a short-lived secret for a person, service or agent, and use it.

Starts psql when there is a terminal; arguments after -- go to psql. Otherwise, or with --print, says how to connect.

[bold]Examples:[/]

  doorward connect alice

  doorward connect alice -- -f report.sql

  doorward connect nightly-etl --hours 12 --print

  doorward connect report-bot --json | jq -r .url

{EXIT_CODES_HELP}
"""


def connect(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who connects.")],
    show: Annotated[bool, typer.Option("--print", help="Say how to connect, and start nothing.")] = False,
    hours: Annotated[float, typer.Option(help="How long the secret is good.", min=0.01, max=24 * 366)] = 1.0,
    database: Annotated[str, typer.Option(help="Which database, when Doorward protects several.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Connect as somebody."""
    minted = ApiClient.as_operator(data_directory(data_dir)).post(
        "/secrets", {"principal": name, "hours": hours, "purpose": "doorward connect"}
    )
    minted["database"] = database or minted["database"]
    minted["url"] = url_of(minted)
    if as_json:
        say_json(minted)
    elif context.args or (not show and sys.stdout.isatty()):
        _start_psql(minted, context.args)
    else:
        _tell(minted)


def url_of(minted: dict[str, Any]) -> str:
    """A connection URL with the secret in it."""
    host = f"[{minted['host']}]" if ":" in minted["host"] else minted["host"]
    return f"postgresql://{quote(minted['principal'])}:{minted['secret']}@{host}:{minted['port']}/{quote(minted['database'])}"


def _start_psql(minted: dict[str, Any], arguments: list[str]) -> None:
    psql = shutil.which("psql")
    if psql is None:
        raise NotFound("psql is not installed.", PSQL_REMEDY)
    target = ["-h", minted["host"], "-p", str(minted["port"]), "-U", minted["principal"], "-d", minted["database"]]
    console(stderr=True).print(f"[dim]signed in as {minted['principal']} until {local_time(minted['expires_us'])}[/]")
    # The secret goes by the environment: arguments can be read by every user of this machine.
    os.execve(psql, [psql, *target, *arguments], {**os.environ, "PGPASSWORD": minted["secret"]})  # noqa: S606


def _tell(minted: dict[str, Any]) -> None:
    out = console()
    # Whole lines, whatever the width: they are there to be pasted.
    out.print(f"[bold cyan]{minted['principal']}[/] can sign in until {local_time(minted['expires_us'])}.", soft_wrap=True)
    out.print("\n[dim]psql[/]", soft_wrap=True)
    out.print(f'  psql "{minted["url"]}"', soft_wrap=True, markup=False)
    out.print("\n[dim]Python[/]", soft_wrap=True)
    out.print(f'  import psycopg\n  connection = psycopg.connect("{minted["url"]}")', soft_wrap=True, markup=False)
    out.print("\n[dim]anything else[/]", soft_wrap=True)
    out.print(f"  {minted['url']}", soft_wrap=True, markup=False)
