"""``doorward key``: long-lived keys of services that can't do better."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from doorward.cli.client import ApiClient, data_directory, segment
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, console, local_time, say_json

key = typer.Typer(
    no_args_is_help=True,
    help="Long-lived keys, for services that can show neither a token of their platform nor a fresh secret.\n\n"
    f"{EXIT_CODES_HELP}",
)

Service = Annotated[str, typer.Argument(metavar="SERVICE", help="The service that signs in with it.")]


@key.command("add")
def add_key(
    service: Service,
    database: Annotated[str, typer.Option(help="The one database that it opens.  [default: all]")] = "",
    days: Annotated[float, typer.Option(help="How long it is good, at most 365.")] = 90.0,
    purpose: Annotated[str, typer.Option(help="What it is for; goes into the log.")] = "",
    api: Annotated[bool, typer.Option("--api", help="It also reads the HTTP API, as Bearer.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, once. The service must have somebody who answers for it.

    [bold]Example:[/]  doorward key add old-reports --database prod --days 30 --purpose "until it can show tokens"
    """
    client = ApiClient.as_operator(data_directory(data_dir))
    body = {"service": service, "days": days, "purpose": purpose, "upstream": database, "opens_api": api}
    made = client.post("/keys", body)
    if as_json:
        say_json(made)
        return
    out = console()
    opens = database or "every database"
    out.print(f"A key of [bold cyan]{service}[/] for {opens}{', and the API' if api else ''}:\n")
    out.print(f"  {made['secret']}\n", soft_wrap=True, highlight=False)
    out.print(f"  good until {local_time(made['expires_us'])}; it is not shown again", style="dim")
    out.print(f"  to end it: doorward key revoke {made['credential_id']}", style="dim")


@key.command("list")
def list_keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show all keys, with their last use, which is true to an hour.

    [bold]Example:[/]  doorward key list
    """
    found = ApiClient.as_operator(data_directory(data_dir)).get("/keys")
    if as_json:
        say_json(found)
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("key", "service", "opens", "until", "last used", "state"):
        table.add_column(heading, no_wrap=heading == "key")
    for one in found:
        state = "[red]revoked[/]" if one["revoked_us"] else "[green]good[/]" if one["is_good"] else "[dim]over[/]"
        opens = (one["upstream"] or "all") + (", API" if one["opens_api"] else "")
        used = local_time(one["last_used_us"]) if one["last_used_us"] else "never"
        table.add_row(one["id"], f"[bold cyan]{one['service']}[/]", opens, local_time(one["expires_us"]), used, state)
    console().print(table if found else "[dim]none: doorward key add SERVICE makes one[/]")


@key.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As doorward key list has it.")], data_dir: DataDir = None
) -> None:
    """Make a key useless at once; the sessions that it opened end.

    [bold]Example:[/]  doorward key revoke crd_01h9
    """
    ApiClient.as_operator(data_directory(data_dir)).delete(f"/secrets/{segment(key_id)}")
    console().print(f"[red]revoked[/] {key_id}: sessions that it opened ended")
