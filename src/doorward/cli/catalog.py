"""``doorward catalog``: the columns, what is known of them, and people's word on it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from doorward.cli.catalog_export import FORMATS
from doorward.cli.client import ApiClient, data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import LABEL_STYLES, console, one_line, say_json
from doorward.errors import InvalidRequest, NotFound

CATALOG_HELP = (
    "Show tables and columns with their labels and why each has its label; say which labels are right.\n\n"
    "A label that is [bold]proposed[/] is not sure: agents see masks, people see values, until somebody has looked.\n\n"
    "[bold]Examples:[/]  doorward catalog --protected     doorward catalog --table customers\n\n"
    "  doorward catalog --unreviewed --label proposed     doorward catalog confirm public.customers.email\n\n"
    "  doorward catalog correct public.customers.ref national_id --reason 'passport numbers'\n\n"
    "  doorward catalog diff --since 2026-11-01     doorward catalog export openmetadata --out shop.json"
)

catalog = typer.Typer(invoke_without_command=True, help=CATALOG_HELP, rich_markup_mode="rich")

TableName = Annotated[str, typer.Option("--table", help="Only tables with this in their name.")]
LabelName = Annotated[str, typer.Option("--label", help="Only columns with this label or class: email, secret, proposed ...")]
Protected = Annotated[bool, typer.Option("--protected", help="Only columns that are masked.")]
Unreviewed = Annotated[bool, typer.Option("--unreviewed", help="Only columns that nobody has judged.")]
ColumnName = Annotated[str, typer.Argument(metavar="COLUMN", help="The column, as schema.table.column.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the log.")]
Database = Annotated[str, typer.Option("--database", help="Its upstream, where several have such a column.")]


@catalog.callback()
def show(
    context: typer.Context,
    table: TableName = "",
    label: LabelName = "",
    protected: Protected = False,
    unreviewed: Unreviewed = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show tables and columns with their labels."""
    if context.invoked_subcommand is None:
        _show(table, label, protected, unreviewed, data_dir, as_json)


@catalog.command("list")
def list_columns(
    table: TableName = "",
    label: LabelName = "",
    protected: Protected = False,
    unreviewed: Unreviewed = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show tables and columns with their labels: the same as without a word."""
    _show(table, label, protected, unreviewed, data_dir, as_json)


def _rows(
    data_dir: Path | None, table: str = "", label: str = "", *, protected: bool = False, unreviewed: bool = False
) -> list[dict[str, Any]]:
    client = ApiClient.as_operator(data_directory(data_dir))
    rows: list[dict[str, Any]] = client.get(
        "/catalog", table=table, label=label.replace("-", "_"), unreviewed="yes" if unreviewed else ""
    )
    return [row for row in rows if row["label"] != "none"] if protected else rows


def _show(table: str, label: str, protected: bool, unreviewed: bool, data_dir: Path | None, as_json: bool) -> None:
    rows = _rows(data_dir, table, label, protected=protected, unreviewed=unreviewed)
    if as_json:
        say_json(rows)
        return
    out = console()
    shown = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("column", "type", "label", "because"):
        shown.add_column(heading, no_wrap=True, overflow="ellipsis")
    last = ""
    for row in rows:
        if row["table"] != last:
            last = row["table"]
            shown.add_row(Text(one_line(last), style="bold"))
        told = "" if row["label"] == "none" else f"{row['proposal']}?" if row["proposal"] else row["label"]
        because = f"{row['reviewed_by']} said so" if row["reviewed_by"] else "; ".join(row["reasons"])
        if told and not row["reviewed_by"]:
            because = f"{row['confidence']:.0%}  {because}"
        style = LABEL_STYLES.get(row["label_class"], "default")
        shown.add_row("  " + one_line(row["column"]), one_line(row["type"]), Text(told, style), Text(one_line(because), "dim"))
    out.print(shown if rows else "[dim]no such columns[/]")


# --- people's word -------------------------------------------------------------------------------------------------------


@catalog.command("confirm")
def confirm(column: ColumnName, reason: Reason = "", database: Database = "", data_dir: DataDir = None) -> None:
    """Say that a column holds what its label says, or what is proposed."""
    row = _one(column, database, data_dir)
    _judge(row, row["proposal"] or row["label"], reason, data_dir)


@catalog.command("correct")
def correct(
    column: ColumnName,
    label: Annotated[str, typer.Argument(metavar="LABEL", help="What it holds: email, phone, free_text, none ...")],
    reason: Reason = "",
    database: Database = "",
    data_dir: DataDir = None,
) -> None:
    """Say what a column holds."""
    _judge(_one(column, database, data_dir), label.replace("-", "_"), reason, data_dir)


@catalog.command("reject")
def reject(column: ColumnName, reason: Reason = "", database: Database = "", data_dir: DataDir = None) -> None:
    """Say that a column holds nothing to protect: everybody who may read it sees it."""
    _judge(_one(column, database, data_dir), "none", reason, data_dir)


def _one(column: str, database: str, data_dir: Path | None) -> dict[str, Any]:
    rows = [
        row
        for row in _rows(data_dir)
        if f"{row['table']}.{row['column']}".lower() == column.lower() and database in ("", row["upstream"])
    ]
    if not rows:
        raise NotFound(f"There is no column {one_line(column)}.", "Write schema.table.column, as doorward catalog shows them.")
    if len(rows) > 1:
        raise InvalidRequest("Several databases have that column.", "Say which with --database.")
    return rows[0]


def _judge(row: dict[str, Any], label: str, reason: str, data_dir: Path | None) -> None:
    said = {
        "upstream": row["upstream"],
        "table_oid": row["table_oid"],
        "attribute_number": row["attribute_number"],
        "label": label,
        "reason": reason,
    }
    ApiClient.as_operator(data_directory(data_dir)).post("/catalog/verdict", said)
    console().print(f"{one_line(row['table'])}.{one_line(row['column'])} is [bold]{label}[/], for every reading to come")


# --- over time, and for others -----------------------------------------------------------------------------------------------


@catalog.command("diff")
def diff(
    since: Annotated[datetime, typer.Option("--since", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="From when, UTC.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what became of columns since a date: added, changed, removed, with labels before and after."""
    at_us = int(since.replace(tzinfo=UTC).timestamp() * 1_000_000)
    changes = ApiClient.as_operator(data_directory(data_dir)).get("/catalog/changes", since_us=str(at_us))
    if as_json:
        say_json(changes)
        return
    shown = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("when (UTC)", "", "column", "type", "label before", "label"):
        shown.add_column(heading, no_wrap=True, overflow="ellipsis")
    for change in changes:
        when = datetime.fromtimestamp(change["at_us"] / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        label = f"{change['proposal']}?" if change["proposal"] else change["label"]
        shown.add_row(
            when,
            change["change"],
            one_line(f"{change['table']}.{change['column']}"),
            one_line(change["type"]),
            change["label_before"],
            label,
        )
    console().print(shown if changes else "[dim]nothing has changed since[/]")


@catalog.command("export")
def export(
    form: Annotated[str, typer.Argument(metavar="FORM", help="json, csv, openmetadata or data-contract.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it; - is standard output.")] = Path("-"),
    table: TableName = "",
    label: LabelName = "",
    protected: Protected = False,
    unreviewed: Unreviewed = False,
    data_dir: DataDir = None,
) -> None:
    """Write the catalog for another tool: JSON, CSV, OpenMetadata tables, or Open Data Contract Standard contracts."""
    if form not in FORMATS:
        raise InvalidRequest(f"There is no form {one_line(form)!r}.", f"Choose one of: {', '.join(FORMATS)}")
    text = FORMATS[form](_rows(data_dir, table, label, protected=protected, unreviewed=unreviewed))
    target: IO[str] = sys.stdout if str(out) == "-" else out.open("w", encoding="utf-8", newline="")
    try:
        target.write(text)
    finally:
        if target is not sys.stdout:
            target.close()
