"""``doorward access`` and ``doorward break-glass``: access for a time, asked for or taken in an emergency."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from doorward.cli.approvals import As, as_yourself
from doorward.cli.client import ApiClient, data_directory, running_state, segment
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import console, local_time, say_json

access = typer.Typer(
    invoke_without_command=True,
    help=(
        "Access for a time: see values of a label as they are, or do what the rules don't permit, on some tables, until it "
        "ends by itself.\n\n"
        "It is asked for, and answered like a held statement (doorward approvals). It counts from the next statement on, in "
        "sessions that are open as well.\n\n"
        "[bold]Examples:[/]\n\n  doorward access\n\n"
        "  doorward access ask --as alice --see email --table public.customers --minutes 120 -m 'dunning letters'\n\n"
        "  doorward access end agr_3f2a --as bob -m 'done'"
    ),
)

Reason = Annotated[str, typer.Option("--reason", "-m", help="Why; goes into the log. Needed.")]
Ticket = Annotated[str, typer.Option(help="The ticket that it is for.")]
See = Annotated[list[str] | None, typer.Option("--see", metavar="LABEL", help="A label to see as it is; again for more.")]
Do = Annotated[list[str] | None, typer.Option("--do", metavar="ACTION", help="read, write or define; again for more.")]
Tables = Annotated[list[str] | None, typer.Option("--table", help="schema.table or schema.*; again for more. [default: all]")]
Upstream = Annotated[str, typer.Option(help="Where; needed when several databases are protected.")]
Grant = Annotated[str, typer.Argument(metavar="ID", help="As doorward access shows it.")]


@access.callback()
def show(
    context: typer.Context,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what is granted, and what was."""
    if context.invoked_subcommand is not None:
        return
    found = ApiClient.as_operator(data_directory(data_dir)).get("/access")
    if as_json:
        say_json(found)
        return
    out = console()
    if not found:
        out.print("[dim]no access was granted for a time[/]   (doorward access ask --help)")
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("who", "may", "until", "why", "id"):
        table.add_column(heading, overflow="fold")
    for row in found:
        table.add_row(*_cells(row))
    out.print(table)


@access.command("ask")
def ask(
    name: As = "",
    see: See = None,
    do: Do = None,
    table: Tables = None,
    minutes: Annotated[int, typer.Option(help="For how long, from the last yes on.")] = 60,
    rows: Annotated[int, typer.Option(help="The most rows of a statement; 0 for any number.")] = 0,
    behalf: Annotated[str, typer.Option("--for", metavar="NAME", help="For an agent of yours, not for yourself.")] = "",
    reason: Reason = "",
    ticket: Ticket = "",
    upstream: Upstream = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Ask for access, as yourself. Somebody in the group security answers: doorward approve.

    [bold]Example:[/]  doorward access ask --as alice --see email --table public.customers --minutes 120 -m 'dunning letters'
    """
    client = as_yourself(data_dir, name)
    body = {
        "upstream": upstream or str(running_state(data_directory(data_dir))["upstream"]),
        "labels": see or [],
        "actions": do or [],
        "tables": table or [],
        "minutes": minutes,
        "row_limit": rows,
        "reason": reason,
        "ticket": ticket,
        "principal": behalf,
    }
    asked = client.post("/access", body)
    if as_json:
        say_json(asked)
        return
    request = asked["request"]
    console().print(Text("asked ", style="yellow").append(request["statement"], style="default"))
    console().print(f"[dim]The group {request['approvers']} answers:[/] doorward approve {request['id']}")


@access.command("end")
def end(access_id: Grant, name: As = "", reason: Reason = "", data_dir: DataDir = None) -> None:
    """End access before its time. It counts no more from the next statement on.

    [bold]Example:[/]  doorward access end agr_3f2a --as bob -m 'done'
    """
    as_yourself(data_dir, name).delete(f"/access/{segment(access_id)}", reason=reason)
    console().print("ended")


@access.command("review")
def review(
    access_id: Grant,
    name: As = "",
    word: Annotated[str, typer.Option("--word", "-m", help="What you think of what was done. Needed.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Say what you think of what somebody did behind broken glass, after looking at it in the log.

    [bold]Example:[/]  doorward access review agr_3f2a --as bob -m 'restored the orders of ticket 4711, nothing else'
    """
    as_yourself(data_dir, name).post(f"/access/{segment(access_id)}/review", {"word": word})
    console().print("reviewed")


def break_glass(
    name: As = "",
    reason: Reason = "",
    ticket: Ticket = "",
    minutes: Annotated[int, typer.Option(help="For how long, 60 at most.")] = 30,
    upstream: Upstream = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Emergency: open at once, as yourself, what people could otherwise approve.

    It takes a person in the group emergency. For some minutes nothing of yours waits for an approval in this database, and
    values are shown as they are, except for secrets; what the rules deny stays denied. Everybody is told at once, all that you
    do is in the log, and somebody else has to look at it afterwards.

    [bold]Example:[/]  doorward break-glass --as alice -m 'orders are stuck, shop is down' --ticket INC-12
    """
    client = as_yourself(data_dir, name)
    where = upstream or str(running_state(data_directory(data_dir))["upstream"])
    broken = client.post("/break-glass", {"upstream": where, "reason": reason, "minutes": minutes, "ticket": ticket})
    if as_json:
        say_json(broken)
        return
    granted = broken["access"]
    out = console()
    out.print(Text("The glass is broken ", style="bold red").append(f"in {where} until {local_time(granted['until_us'])}."))
    out.print("Everybody is told. Somebody else has to look at what you did: ", end="")
    out.print(f"doorward access review {granted['id']}")


def _cells(row: dict[str, Any]) -> tuple[Text, ...]:
    granted = row["access"]
    words = [*(f"see {label}" for label in granted["labels"]), *granted["actions"]]
    if granted["kind"] == "break-glass":
        words = ["everything that can be approved"]
    may = Text(f"{', '.join(words)} in {granted['upstream']}")
    if granted["tables"]:
        may.append(f" ({', '.join(granted['tables'])})", style="dim")
    until = Text("over", style="dim") if row["is_over"] else Text(local_time(granted["until_us"]), style="green")
    why = Text(granted["reason"] + (f" ({granted['ticket']})" if granted["ticket"] else ""))
    if row["needs_review"]:
        why.append(" nobody has reviewed it", style="bold yellow")
    elif row["review"]:
        why.append(f" reviewed by {row['reviewed_by']}: {row['review']}", style="dim")
    style = "bold red" if granted["kind"] == "break-glass" and not row["is_over"] else "bold"
    return Text(granted["speaker"], style=style), may, until, why, Text(granted["id"], style="dim")
