"""``doorward catalog``: the columns, and what is known of them."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from doorward.cli.client import ApiClient, data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import console, one_line, say_json

_STYLES = {"personal": "magenta", "restricted": "red", "secret": "bold red", "free text": "yellow", "unclassified": "yellow"}


def catalog(
    table: Annotated[str, typer.Option(help="Only tables with this in their name.")] = "",
    protected: Annotated[bool, typer.Option("--protected", help="Only columns that are masked.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show tables and columns with their labels, and why each has its label.

    [bold]Examples:[/]  doorward catalog --protected     doorward catalog --table customers
    """
    rows = ApiClient.as_operator(data_directory(data_dir)).get("/catalog", table=table)
    if protected:
        rows = [row for row in rows if row["label"] != "none"]
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
        label = Text("" if row["label"] == "none" else row["label"], style=_STYLES.get(row["label_class"], "default"))
        because = f"{row['reviewed_by']} said so" if row["reviewed_by"] else "; ".join(row["reasons"])
        shown.add_row("  " + one_line(row["column"]), one_line(row["type"]), label, Text(one_line(because), style="dim"))
    out.print(shown if rows else "[dim]no such columns[/]")
