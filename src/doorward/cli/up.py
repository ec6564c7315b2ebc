"""``doorward up``: protect an existing database until Ctrl-C."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from doorward.cli.client import data_directory
from doorward.cli.options import DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, console
from doorward.errors import ConfigurationInvalid

if TYPE_CHECKING:
    from doorward.assembly.control_side import ControlProcess
    from doorward.config import Settings
    from doorward.model.upstream import Upstream

MOST_PORT = 65535

UP_HELP = f"""Protect an existing database: read its catalog, label its columns, apply the rules, open listener and console.

Stays until Ctrl-C. What is under way then may come to its end; a second Ctrl-C cuts that short. Everything that it keeps is in
the data directory, so that a second start goes on where the first ended.

[bold]Examples:[/]

  doorward up postgresql://app:secret@db.internal/shop

  doorward up 'postgresql://app:secret@db.internal/shop?sslmode=require' --name shop --port 5432 --host 0.0.0.0

  DOORWARD_UPSTREAM=postgresql://app:secret@db.internal/shop doorward up     (keeps the password out of the process list)

{EXIT_CODES_HELP}
"""


def up(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            envvar="DOORWARD_UPSTREAM",
            show_envvar=True,
            help="The database: postgresql://user:password@host:port/database?sslmode=prefer",
        ),
    ],
    data_dir: DataDir = None,
    port: Annotated[int, typer.Option(help="Where clients connect; 0 for any free one.", min=0, max=MOST_PORT)] = 6432,
    console_port: Annotated[int, typer.Option(help="Where console and API are; 0 for any.", min=0, max=MOST_PORT)] = 8765,
    workers: Annotated[
        int, typer.Option(help="Gateways on that port, about one a core.", min=1, max=64, envvar="DOORWARD_WORKERS")
    ] = 1,
    drain_seconds: Annotated[
        int,
        typer.Option(help="How long what is under way may go on when told to stop.", min=0, envvar="DOORWARD_DRAIN_SECONDS"),
    ] = 30,
    name: Annotated[str, typer.Option(help="What clients may call the database.  [default: its own name]")] = "",
    host: Annotated[
        str, typer.Option(help="The address that clients connect to; the console stays on loopback.")
    ] = "127.0.0.1",
    no_tls: Annotated[bool, typer.Option("--no-tls", help="Offer clients no TLS, for a private network alone.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Each statement waits until its entry is on disk, reads too.")
    ] = False,
    observe: Annotated[
        bool, typer.Option("--observe", help="Only record: refuse nothing, hold nothing, mask nothing. Protects nothing.")
    ] = False,
    preset: Annotated[
        list[str] | None,
        typer.Option("--preset", help="Lay soc2, hipaa, pci or development over the rules; repeatable.", show_default=False),
    ] = None,
    shadow_policy: Annotated[
        Path | None,
        typer.Option("--shadow-policy", metavar="FOLDER", help="Ask candidate rules too, and record where they differ."),
    ] = None,
    max_sessions: Annotated[int, typer.Option(help="How many may be signed in.", min=1)] = 2_000,
    max_sessions_of_one: Annotated[int, typer.Option(help="How many of one person, service or agent.", min=1)] = 1_000,
    max_signing_in: Annotated[int, typer.Option(help="How many may be about to sign in.", min=1)] = 500,
    max_signing_in_from_one: Annotated[int, typer.Option(help="How many of those from one address.", min=1)] = 250,
    sign_in_seconds: Annotated[float, typer.Option(help="How long signing in may take.", min=1, max=600)] = 30.0,
    pool_size: Annotated[
        int, typer.Option(help="How many of the database's sessions to keep for the next client; 0 for none.", min=0)
    ] = 0,
    pool_idle: Annotated[float, typer.Option(help="Seconds that one is kept unused.", min=1)] = 60,
    pool_age: Annotated[float, typer.Option(help="Seconds after which one is used no more.", min=1)] = 600,
) -> None:
    """Protect a database until Ctrl-C."""
    upstream = upstream_of(url, name, observe=observe)
    from doorward.config import Settings
    from doorward.proxy.admission import Limits
    from doorward.proxy.upstream_pool import PoolLimits

    pool = PoolLimits(pool_size, pool_idle, pool_age)
    data = data_directory(data_dir)
    limits = Limits(max_sessions, max_sessions_of_one, max_signing_in, max_signing_in_from_one, sign_in_seconds)
    serve(
        Settings(
            data,
            upstream,
            host,
            port,
            console_port=console_port,
            tls=not no_tls,
            strict_durability=strict,
            limits=limits,
            pool=pool,
            workers=workers,
            drain_seconds=drain_seconds,
            presets=tuple(preset or ()),
            shadow_policy=shadow_policy,
        )
    )


def upstream_of(url: str, name: str, *, observe: bool = False) -> Upstream:
    """The upstream that *url* names. Raises ConfigurationInvalid, which never shows the URL: it has a password in it."""
    from doorward.config import read_upstream

    try:
        return read_upstream(url, name, observe=observe)
    except ValueError:
        raise ConfigurationInvalid(
            "The URL can't be read.",
            "Write postgresql://user:password@host:port/database; in the password, write @ as %40, / as %2F, [ as %5B.",
        ) from None


def serve(settings: Settings) -> None:
    """Run Doorward until it is told to end."""
    import asyncio

    from doorward import telemetry
    from doorward.assembly.control_side import ControlProcess

    telemetry.configure()
    out = console()

    async def run() -> None:
        control = ControlProcess(settings, lambda step: out.print(f"[dim]… {step}[/]"))
        end_on_signal(control)
        await control.run(lambda running: announce(running))
        out.print("[dim]Doorward has stopped; the log is signed to its last entry.[/]")

    asyncio.run(run())


def end_on_signal(control: ControlProcess) -> None:
    """Let Ctrl-C, SIGTERM and a closed terminal end *control* in order; a second one at once."""
    import asyncio
    import signal

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, control.stop)


def announce(control: ControlProcess) -> None:
    """Say that everything answers, and what to do next."""
    from doorward.control.operators import LOCAL

    settings, office = control.settings, control.office
    columns = [row.column for row in office.catalog.rows(settings.upstream.name, "", False)]
    protected = sum(column.label.is_protected for column in columns)
    people = [record for record in office.principals.all(LOCAL) if not record.is_revoked]
    out = console()
    if settings.upstream.observe:
        out.rule("[bold red]Doorward is up and only observes: it protects nothing[/]", style="red")
    else:
        out.rule("[bold green]Doorward is up[/]", style="green")
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", justify="right")
    facts.add_column(overflow="fold")
    facts.add_row("database", f"{settings.upstream.host}:{settings.upstream.port}/{settings.upstream.database}")
    facts.add_row("columns", f"{len(columns)} read, [bold]{protected} protected[/]")
    facts.add_row("clients", f"[bold]{settings.host}:{control.port}[/]" + (" (TLS offered)" if settings.tls else " (no TLS)"))
    facts.add_row("console", f"[bold]{control.console_url}[/]  sign in as [bold]operator[/] with the token in")
    facts.add_row("", str(settings.data.operator_token))
    facts.add_row("data", str(settings.data.path))
    out.print(facts)
    out.rule(style="green")
    if not people:
        out.print("Nobody may connect yet. In another terminal:")
        out.print("  doorward user add alice --group developers\n  doorward connect alice", style="bold")
    out.print("[dim]Ctrl-C ends it.[/]")
