"""``doorward classify``: what columns hold, by their names and types, offline."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import IO, Annotated

import typer

from doorward.cli.terminal import console
from doorward.errors import InvalidRequest

NEEDED = ("table", "column", "type")
ADDED = ("label", "confidence", "reason")
_TRUE = frozenset(("1", "t", "true", "yes", "y"))

CLASSIFY_HELP = (
    "Say what columns hold, by the very code that labels a protected database: no connection, no values.\n\n"
    "The input is CSV with a header: [bold]source,table,column,type[/], one row a column. It may have more: "
    "[bold]schema[/], [bold]comment[/], and [bold]key[/] and [bold]foreign_key[/] as true or false. All columns of a table "
    "are read together, so give whole tables. The output is the same rows with [bold]label,confidence,reason[/] added.\n\n"
    "[bold]Example:[/]  doorward classify --columns columns.csv --out labels.csv"
)

Columns = Annotated[Path, typer.Option("--columns", metavar="FILE", help="The columns, as CSV; - reads standard input.")]
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write the labels; - is standard output.")]


def classify(columns: Columns, out: Out = Path("-")) -> None:
    """Read, classify, write."""
    from doorward.catalog.whole import NamedColumn, classify_all

    rows, header = _rows(columns)
    named = [
        NamedColumn(
            row.get("source") or "",
            row.get("schema") or "",
            row["table"],
            row["column"],
            row["type"],
            row.get("comment") or "",
            (row.get("key") or "").strip().lower() in _TRUE,
            (row.get("foreign_key") or "").strip().lower() in _TRUE,
        )
        for row in rows
    ]
    findings = classify_all(named)
    for row, finding in zip(rows, findings, strict=True):
        row |= {"label": finding.label.value, "confidence": f"{finding.confidence:.2f}", "reason": "; ".join(finding.reasons)}
    target: IO[str] = sys.stdout if str(out) == "-" else out.open("w", encoding="utf-8", newline="")
    try:
        writer = csv.DictWriter(target, [name for name in header if name not in ADDED] + list(ADDED), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    finally:
        if target is not sys.stdout:
            target.close()
    protected = sum(finding.label.is_protected for finding in findings)
    console(stderr=True).print(f"{len(rows)} columns classified, {protected} hold something to protect")


def _rows(columns: Path) -> tuple[list[dict[str, str]], list[str]]:
    """The input's rows and header. Raises InvalidRequest for anything that is not such a CSV."""
    if str(columns) != "-" and not columns.is_file():
        raise InvalidRequest(f"There is no file {columns}.", "Name a CSV file, or - for standard input.")
    source: IO[str] = sys.stdin if str(columns) == "-" else columns.open(encoding="utf-8-sig", newline="")
    try:
        reader = csv.DictReader(source, restkey="", restval="")
        header = [name for name in (reader.fieldnames or []) if name]
        missing = [name for name in NEEDED if name not in header]
        if missing:
            raise InvalidRequest(
                f"The CSV has no column {' and no column '.join(missing)}.", "Its header is: source,table,column,type"
            )
        rows = [{name: row[name] for name in header} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"The CSV can't be read: {error}.", "Save it as UTF-8 with commas.") from None
    finally:
        if source is not sys.stdin:
            source.close()
    return rows, header
