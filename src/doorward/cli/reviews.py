"""``doorward review``: who has what, decided line by line by people who are somebody else."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from doorward.cli.approvals import As, as_yourself
from doorward.cli.client import ApiClient, data_directory, segment
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, console, local_time, one_line, say_json

review = typer.Typer(
    no_args_is_help=True,
    help=f"""Review who has access: a snapshot is decided line by line, and what is to be revoked is revoked at once.

[bold]Examples:[/]

  doorward review start "first quarter"

  doorward review show rev_3f2a

  doorward review decide rev_3f2a 7 --revoke --reason "moved to sales" --as dana

  doorward review close rev_3f2a --as dana

{EXIT_CODES_HELP}
""",
)

Id = Annotated[str, typer.Argument(metavar="REVIEW", help="Its id, as doorward review list shows it.")]
STATES = {"keep": ("kept", "green"), "revoke": ("revoked", "red"), "": ("open", "yellow")}


@review.command("start")
def start(
    title: Annotated[str, typer.Argument(help="What people know it by.")], data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """Start a review of what everybody has at this moment: groups, secrets, agents and whom they act for."""
    started = ApiClient.as_operator(data_directory(data_dir)).post("/reviews", {"title": title})
    if as_json:
        say_json(started)
    else:
        console().print(f"[green]started[/] {started['id']} with {len(started['lines'])} lines")
        console().print(Text(f"  next: doorward review show {started['id']}", style="dim"))


@review.command("list")
def listing(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show all reviews, the newest first."""
    found: list[dict[str, Any]] = ApiClient.as_operator(data_directory(data_dir)).get("/reviews")
    if as_json:
        say_json(found)
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("review", "title", "started", "by", "lines", "open", "state"):
        table.add_column(heading)
    for one in found:
        state = Text("closed", style="green") if one["closed_us"] else Text("open", style="yellow")
        still = sum(not line["decision"] or (line["decision"] == "revoke" and not line["done"]) for line in one["lines"])
        started = local_time(one["started_us"])[:16]
        table.add_row(one["id"], one_line(one["title"]), started, one["started_by"], str(len(one["lines"])), str(still), state)
    console().print(table if found else "[dim]none yet[/]")


@review.command("show")
def show(review_id: Id, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show the lines of a review, and what was decided of each."""
    found = ApiClient.as_operator(data_directory(data_dir)).get(f"/reviews/{segment(review_id)}")
    if as_json:
        say_json(found)
        return
    out = console()
    out.print(Text(one_line(found["title"]), style="bold"))
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("line", justify="right")
    for heading in ("who", "has", "decided", "by", "reason"):
        table.add_column(heading)
    for line in found["lines"]:
        word, style = STATES[line["decision"]]
        if line["decision"] == "revoke" and not line["done"]:
            word = "to be revoked"
        who = Text(line["whom"], style="bold cyan")
        told, reason = one_line(line["told"]), one_line(line["reason"])
        table.add_row(str(line["number"]), who, told, Text(word, style=style), line["by"], reason)
    out.print(table)


@review.command("decide")
def decide(
    review_id: Id,
    number: Annotated[int, typer.Argument(metavar="LINE", help="The line's number.")],
    reason: Annotated[str, typer.Option(help="Why: auditors read it.")],
    keep: Annotated[bool, typer.Option("--keep", help="They still need it.")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="Take it from them, at once.")] = False,
    name: As = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Decide on a line, as yourself. Nobody decides on their own access, or on that of their agents."""
    if keep == revoke:
        raise typer.BadParameter("give --keep or --revoke")
    client = as_yourself(data_dir, name)
    body = {"decision": "keep" if keep else "revoke", "reason": reason}
    decided = client.post(f"/reviews/{segment(review_id)}/lines/{number}", body)
    if as_json:
        say_json(decided)
        return
    line = next(line for line in decided["lines"] if line["number"] == number)
    word, style = STATES[line["decision"]]
    console().print(Text(word, style=style).append(f": {line['whom']} {one_line(line['told'])}", style="default"))


@review.command("rules")
def rules(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As doorward policy history shows it.")],
    reason: Annotated[str, typer.Option(help="What you looked at: auditors read it.")],
    name: As = "",
    data_dir: DataDir = None,
) -> None:
    """Put on record that you looked at published rules and find them good. Nobody reviews what they published.

    [bold]Example:[/]  doorward review rules 4 --reason "replayed, OPS-311" --as dana
    """
    as_yourself(data_dir, name).post(f"/policy-reviews/{number}", {"reason": reason})
    console().print(f"[green]reviewed[/] policy {number}")


@review.command("close")
def close(review_id: Id, name: As = "", data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Close a review, once every line is decided and what was to be revoked is."""
    closed = as_yourself(data_dir, name).post(f"/reviews/{segment(review_id)}/close", {})
    if as_json:
        say_json(closed)
    else:
        console().print(f"[green]closed[/] {closed['id']}")
