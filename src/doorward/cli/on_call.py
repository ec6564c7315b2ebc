"""``doorward oncall``: who answers for a group now."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from doorward.cli.client import ApiClient, data_directory, segment
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import console, local_time, say_json

on_call = typer.Typer(
    no_args_is_help=False,
    invoke_without_command=True,
    help=(
        "Who answers for a group now: people on call, and those who stand in for somebody.\n\n"
        "Members of a group can answer what is put to it at any time. Whoever is on call is asked first, and need not be a "
        "member: so a stand-in answers for a week without being put into the group.\n\n"
        "[bold]Examples:[/]\n\n  doorward oncall\n\n  doorward oncall put security carol --hours 12 --reason 'night shift'\n\n"
        "  doorward oncall end dty_3f2a"
    ),
)


@on_call.callback()
def show(
    context: typer.Context,
    group: Annotated[str, typer.Option(help="Only this group.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show who is on call, now and later."""
    if context.invoked_subcommand is not None:
        return
    duties = ApiClient.as_operator(data_directory(data_dir)).get("/oncall", group=group)
    if as_json:
        say_json(duties)
        return
    out = console()
    if not duties:
        out.print("[dim]nobody is on call: the members of a group answer[/]  (doorward oncall put GROUP NAME --hours 8)")
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("group", "who", "", "from", "until", "named by", "why", "id"):
        table.add_column(heading)
    for duty in duties:
        table.add_row(*_cells(duty))
    out.print(table)


@on_call.command("put")
def put(
    group: Annotated[str, typer.Argument(metavar="GROUP", help="The group that is asked.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The person who answers for it.")],
    hours: Annotated[float, typer.Option(help="For how long.")] = 8.0,
    begins: Annotated[float, typer.Option("--in", metavar="HOURS", help="Begin in so many hours, not at once.")] = 0.0,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; goes into the log.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put a person on call for a group.

    [bold]Example:[/]  doorward oncall put security carol --hours 12 --reason 'night shift'
    """
    body = {"group": group, "principal": name, "hours": hours, "begins_in_hours": begins, "reason": reason}
    duty = ApiClient.as_operator(data_directory(data_dir)).post("/oncall", body)
    if as_json:
        say_json(duty)
        return
    told = Text(duty["principal"], style="bold").append(f" answers for {duty['group']} until {local_time(duty['until_us'])}")
    console().print(told.append(f"   (doorward oncall end {duty['id']})", style="dim"))


@on_call.command("end")
def end(
    duty: Annotated[str, typer.Argument(metavar="ID", help="As doorward oncall shows it.")], data_dir: DataDir = None
) -> None:
    """End a duty early.

    [bold]Example:[/]  doorward oncall end dty_3f2a
    """
    ApiClient.as_operator(data_directory(data_dir)).delete(f"/oncall/{segment(duty)}")
    console().print("ended")


def _cells(duty: dict[str, Any]) -> tuple[Text | str, ...]:
    now = Text("now", style="green") if duty["holds_now"] else Text("later", style="dim")
    times = (local_time(duty["from_us"]), local_time(duty["until_us"]))
    return (duty["group"], Text(duty["principal"], style="bold"), now, *times, duty["named_by"], duty["reason"], duty["id"])
