"""``doorward scan``: what texts hold, found by the code that masks, offline."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import typer

from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import console
from doorward.errors import InvalidRequest

SCAN_HELP = (
    "Find personal data and secrets in a database, or in texts of your own, with the code that labels and masks.\n\n"
    "[bold]A database[/] is read without a proxy in place: its catalog, and a bounded sample of values that are never kept. "
    "The report is a table, and with --html a page to hand to an auditor.\n\n"
    "[bold]Example:[/]  doorward scan postgresql://auditor:secret@db.internal/shop --html shop.html\n\n"
    "[bold]Texts[/] come with --jsonl. "
    "Each line of the input is a JSON object with a field [bold]text[/], and may have a field [bold]column[/], the name of "
    "the column that the text is from, as context. Each line of the output is that object with [bold]spans[/]: "
    '[{"start": 5, "end": 16, "type": "EMAIL", "rule": "email"}], in characters of the text. A text that is too long or too '
    "deep to be read has one span of type UNSCANNED over all of it.\n\n"
    "[bold]Example:[/]  doorward scan --jsonl tickets.jsonl --out found.jsonl\n\n"
    "[bold]Example:[/]  psql -Atc \"select json_build_object('text', body) from ticket\" | doorward scan --jsonl - --out -\n\n"
    "Your own detectors (doorward detectors --help) are used as well."
)
BATCH = 8_000  # lines read, scanned and written at a time


Jsonl = Annotated[
    Path | None,
    typer.Option("--jsonl", metavar="FILE", help="Texts to scan, one JSON object a line; - reads standard input."),
]
Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write what was found; - is standard output.")]
Field = Annotated[str, typer.Option("--field", metavar="NAME", help="The field that holds the text.")]
Plain = Annotated[bool, typer.Option("--plain", help="Use the engine without a compiled library: same results, slower.")]


Url = Annotated[
    str, typer.Argument(metavar="[URL]", help="A database to report on: postgresql://user:password@host:port/database")
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write the report on a database as a page, too.")]
NoValues = Annotated[bool, typer.Option("--no-values", help="Judge a database by names and types alone.")]


def scan(
    url: Url = "",
    jsonl: Jsonl = None,
    out: Out = Path("-"),
    field: Field = "text",
    plain: Plain = False,
    html: Html = None,
    no_values: NoValues = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Entry point; each source of values has a function of its own."""
    if (jsonl is None) == (not url):
        raise typer.BadParameter("give either a database's URL or texts with --jsonl FILE", param_hint="URL")
    if jsonl is None:
        from doorward.cli.scan_database import scan_database

        scan_database(url, html, values=not no_values, as_json=as_json)
        return
    scan_lines(jsonl, out, field, plain=plain, data_dir=data_dir)


# --- texts in a file of JSON lines ------------------------------------------------------------------------------------------


def scan_lines(jsonl: Path, out: Path, field: str, *, plain: bool, data_dir: Path | None) -> None:
    """Scan a file line by line, a batch at a time: the file may be larger than memory."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from doorward.cli.detectors import own_detectors
    from doorward.detectors.scanner import Scanner

    if str(jsonl) != "-" and not jsonl.is_file():
        raise InvalidRequest(f"There is no file {jsonl}.", "Name a file of JSON lines, or - for standard input.")
    scanner = Scanner([detector.rule for detector in own_detectors(data_dir)], plain=plain)
    source: IO[bytes] = sys.stdin.buffer if str(jsonl) == "-" else jsonl.open("rb")
    target: IO[bytes] = sys.stdout.buffer if str(out) == "-" else out.open("wb")
    total = None if str(jsonl) == "-" else jsonl.stat().st_size
    said = console(stderr=True)
    columns = (TextColumn("scanning"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    lines = found = 0
    try:
        with Progress(*columns, console=said, transient=True, disable=not said.is_terminal) as progress:
            task = progress.add_task("scanning", total=total)
            for rows, size_bytes in _batches(source, field):
                found += _scan_batch(scanner, rows, field)
                target.write(_lines_of(rows))
                lines += len(rows)
                progress.advance(task, size_bytes)
        target.flush()
    finally:
        if source is not sys.stdin.buffer:
            source.close()
        if target is not sys.stdout.buffer:
            target.close()
    said.print(f"{lines} texts scanned with the {scanner.engine} engine, {found} values found")


def _batches(source: IO[bytes], field: str) -> Iterator[tuple[list[dict[str, Any]], int]]:
    rows: list[dict[str, Any]] = []
    size_bytes = 0
    for number, line in enumerate(source, 1):
        size_bytes += len(line)
        if not line.strip():
            continue
        row = _object_in(line)
        if not isinstance(row, dict) or not isinstance(row.get(field), str):
            raise InvalidRequest(
                f"Line {number} is no JSON object with a text in its field {field!r}.",
                "Write one object a line; --field names another field.",
            )
        rows.append(row)
        if len(rows) == BATCH:
            yield rows, size_bytes
            rows, size_bytes = [], 0
    if rows:
        yield rows, size_bytes


def _object_in(line: bytes) -> Any:
    """What a line says; None for what is no JSON."""
    try:
        return msgspec.json.decode(line)
    except (ValueError, RecursionError):  # half a surrogate pair, for one, is JSON to the standard library alone
        pass
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _lines_of(rows: list[dict[str, Any]]) -> bytes:
    try:
        return msgspec.json.Encoder().encode_lines(rows)
    except UnicodeEncodeError:
        return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _scan_batch(scanner: Any, rows: list[dict[str, Any]], field: str) -> int:
    """Put spans into *rows*; how many there were. Rows of one column are scanned together."""
    by_column: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        column = row.get("column")
        by_column.setdefault(column if isinstance(column, str) else "", []).append(row)
    count = 0
    for column, of_column in by_column.items():
        for row, found in zip(of_column, scanner.find_all([row[field] for row in of_column], column=column), strict=True):
            row["spans"] = [one._asdict() for one in found]
            count += len(found)
    return count
