"""``doorward explain``: what would become of a statement, and why, without running it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from doorward.cli.client import ApiClient, data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, LABEL_STYLES, chain_text, console, one_line, say_json, verdict_text
from doorward.errors import InvalidRequest

if TYPE_CHECKING:
    from rich.console import RenderableType

EXPLAIN_HELP = f"""Explain what would become of a statement: how it is read, what it reaches, what is decided by which rules,
and which columns are masked. It is not run; the database is only asked what the result's columns are.

[bold]Examples:[/]

  doorward explain "SELECT id, email, lower(full_name) FROM customers" --as alice

  doorward explain "DELETE FROM orders" --as alice --via report-bot

  doorward explain - --as nightly-etl --json < report.sql

{EXIT_CODES_HELP}
"""  # noqa: S608 - examples, no queries

# How a value is shown, by its mask. What is not here is said in the mask's own word.
_SHOWN = {
    "none": "as it is",
    "full": "masked",
    "full, null hidden": "masked, NULL too",
    "initial": "first character",
    "email": "first character",
    "last four": "last four",
    "scan": "with what is found in it replaced",
}
COLUMNS_TOLD = 4
FROM_THE_TEXT = "By the text alone: the database was not asked, and what it proves by itself is not shown."


def explain(
    statement: Annotated[str, typer.Argument(metavar="STATEMENT", help="The statement, or - to read it from the input.")],
    name: Annotated[str, typer.Option("--as", help="Who would send it: a person, service or agent.")],
    via: Annotated[str, typer.Option("--via", help="The agent that would send it for them.")] = "",
    database: Annotated[str, typer.Option("--database", help="The database, where there are several.")] = "",
    text_only: Annotated[bool, typer.Option("--text-only", help="Don't ask the database what the columns are.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Explain what would become of a statement."""
    text = sys.stdin.read() if statement == "-" else statement
    if not text.strip():
        raise InvalidRequest("There is no statement.", 'Give one, as in: doorward explain "SELECT 1" --as alice')
    client = ApiClient.as_operator(data_directory(data_dir))
    asked = {"statement": text, "principal": name, "via": via, "database": database, "ask_database": not text_only}
    told = client.post("/explain", asked)
    if as_json:
        say_json(told)
        return
    out = console()
    out.print()
    for part in _parts(told):
        out.print(part)
        out.print()


def _parts(told: dict[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = [Padding(Text(one_line(told["statement"]), style="bold"), (0, 2)), _facts(told)]
    if told["columns"]:
        parts.append(_columns(told["columns"]))
    if told["columns"] is None or told["columns_from"] != "database":
        by_text = "" if told["columns"] is None else FROM_THE_TEXT
        why = "" if told["columns_from"] in ("text", "database") else one_line(told["columns_from"])
        note = " ".join(filter(None, (why, by_text)))
        if note:
            parts.append(Padding(Text(note, style="dim"), (0, 2)))
    return parts


def _facts(told: dict[str, Any]) -> Table:
    grid = Table.grid(padding=(0, 2), pad_edge=True)
    grid.add_column(style="dim", justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("who", chain_text(told["chain"]).append(f" on {one_line(told['database'])}", style="dim"))
    if told["unreadable"]:
        grid.add_row("read as", Text("nothing: ", style="red").append(one_line(told["unreadable"]), style="default"))
    for statement in told["statements"]:
        grid.add_row("read as", _read_as(statement))
    for heading, names, words in (
        ("unknown", told["unresolved"], "no such table in the catalog, so it counts as protected"),
        ("unlisted", told["unlisted_functions"], "nobody vouches for what these functions do"),
        ("dangerous", told["dangerous_functions"], "functions that reach files, settings, sessions or servers"),
    ):
        if names:
            grid.add_row(heading, Text(_listed(names), style="yellow").append(f"  {words}", style="dim"))
    for fact in told["facts"]:
        grid.add_row("note", Text(f"it {fact}", style="yellow"))
    if told["labels"]:
        grid.add_row("in reach", _in_reach(told["labels"]))
    grid.add_row("decision", _decision(told))
    if said := _said(told["told"]):
        grid.add_row("client reads", said)
    return grid


def _read_as(statement: dict[str, Any]) -> Text:
    line = Text(one_line(statement["command"]), style="bold").append(f"  {statement['action']}", style="dim")
    for verb in ("reads", "writes", "defines", "destroys"):
        if statement[verb]:
            line.append(f"\n{verb} ", style="dim").append(_listed(statement[verb], 8))
    if statement["functions"]:
        line.append("\ncalls ", style="dim").append(_listed(statement["functions"], 8))
    if statement["runs"]:
        line.append("\nruns ", style="dim").append(one_line(statement["runs"]))
        line.append("  what was prepared or declared under this name is judged as well", style="dim")
    return line


def _in_reach(labels: list[dict[str, str]]) -> Text:
    """The protected columns, label by label."""
    by_label: dict[str, list[dict[str, str]]] = {}
    for source in labels:
        by_label.setdefault(source["label"], []).append(source)
    lines = []
    for label, sources in by_label.items():
        line = Text(label, style=_style(sources[0]["label_class"]))
        lines.append(line.append("  " + _listed([source["column"] for source in sources]), style="default"))
    return Text("\n").join(lines)


def _decision(told: dict[str, Any]) -> Text:
    word = verdict_text(told["verdict"])
    word.stylize("bold")
    lines = [word.append("  nothing is enforced: this database is only observed" if told["observed"] else "", style="yellow")]
    lines += [
        Text(rule["id"], style="bold").append(f"  {one_line(rule['text'])}", style="default")
        for rule in told["rules"]
    ]  # fmt: skip
    if told["approvers"]:
        minutes = max(1, told["hold_seconds"] // 60)
        lines.append(
            Text(f"waits up to {minutes} min for {told['approvers']}; what follows is once it is approved", style="dim")
        )
    if told["row_limit"]:
        lines.append(Text(f"at most {told['row_limit']:,} rows", style="dim"))
    if told["cleared"]:
        lines.append(Text("may see in clear: " + ", ".join(told["cleared"]), style="dim"))
    return Text("\n").join(lines)


def _said(told: dict[str, str]) -> Text | None:
    """What the client is sent, as psql would show it."""
    if not told["message"]:
        return None
    lines = [told["message"] + (f"  ({told['sqlstate']})" if told["sqlstate"] else "")]
    lines += [line for part in (told["detail"], told["hint"]) for line in part.splitlines()]
    return Text("\n".join(one_line(line) for line in lines), style="dim")


def _columns(columns: list[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=True, padding=(0, 2, 0, 0))
    table.add_column("  ", justify="right", style="dim")
    for heading in ("column", "derives from", "label", "shown"):
        table.add_column(heading, overflow="fold")
    for column in columns:
        labels = {source["label"]: source["label_class"] for source in column["sources"] if source["label"] != "none"}
        told = Text(", ").join(Text(label, style=_style(kind)) for label, kind in labels.items())
        is_clear = column["mask"] == "none"
        shown = Text(_SHOWN.get(column["mask"], column["mask"]), style="green" if is_clear else "magenta")
        if column["provenance"] == "cleared":
            shown.append("  cleared", style="yellow")
        table.add_row(str(column["position"]), one_line(column["name"]) or "?", _derives_from(column), told, shown)
    return table


def _derives_from(column: dict[str, Any]) -> Text:
    if column["origin"]:
        return Text(one_line(column["origin"]))
    if column["anything"]:
        words = "anything in reach" if column["mask"] != "none" else "what is in reach, all of it clear"
        return Text(words, style="dim" if column["mask"] == "none" else "yellow")
    if not column["sources"]:
        return Text("no column", style="dim")
    return Text("calculated from ", style="dim").append(
        _listed([source["column"] for source in column["sources"]]), style="default"
    )


def _listed(names: list[str], most: int = COLUMNS_TOLD) -> str:
    rest = len(names) - most
    return one_line(", ".join(names[:most])) + (f" and {rest} more" if rest > 0 else "")


def _style(label_class: str) -> str:
    return LABEL_STYLES.get(label_class, "default")
