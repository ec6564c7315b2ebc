"""``doorward log``: who did what, what was decided, and what they saw of it."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from doorward.cli.client import data_directory, not_running
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, chain_text, console, local_time, one_line, verdict_text
from doorward.errors import InvalidRequest

if TYPE_CHECKING:
    from rich.console import Console

    from doorward.control.filters import Filters
    from doorward.control.record import Record
    from doorward.control.views import EntryView

FOLLOW_SECONDS = 0.3
# How many rows back an outcome still changes a row that was shown.
MEMORY = 200
MOST_ROWS = 500
_AGO = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MASKED = frozenset({"labelled", "unproven"})
COLUMNS_TOLD = 6
WHO_WIDTH, VERDICT_WIDTH = 20, 7

LOG_HELP = f"""Show the audit log: who, for whom, what was decided and why, rows, and which columns were masked.

Reads the log itself, so it works whether Doorward runs or not.

[bold]Examples:[/]

  doorward log --follow

  doorward log --who report-bot --since 1h

  doorward log --verdict deny --table orders

  doorward log --label card --json | jq -r '.chain + "\\t" + .text'     (one JSON object a line)

{EXIT_CODES_HELP}
"""


def log(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")] = False,
    who: Annotated[str, typer.Option(help="Anybody in the chain, agents too.")] = "",
    for_whom: Annotated[str, typer.Option("--for", help="The person or service behind it.")] = "",
    table: Annotated[str, typer.Option(help="A table or view that it touches.")] = "",
    label: Annotated[str, typer.Option(help="A label of what it touches: email, card ...")] = "",
    verdict: Annotated[str, typer.Option(help="allow, deny or hold.")] = "",
    text: Annotated[str, typer.Option(help="Words in the statement.")] = "",
    statements: Annotated[bool, typer.Option("--statements", help="Statements alone: no sign-ins, answers, changes.")] = False,
    since: Annotated[str, typer.Option(help="30m, 2h, 7d, or a time like 2027-01-31T08:00.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many rows, the latest.", min=1, max=MOST_ROWS)] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show the audit log."""
    from doorward.audit.reader import LogReader
    from doorward.control.filters import Filters
    from doorward.control.record import Record

    if verdict not in ("", "allow", "deny", "hold"):
        raise typer.BadParameter("use allow, deny or hold", param_hint="--verdict")
    data = data_directory(data_dir)
    if not data.log.is_dir():
        raise not_running(data)
    record = Record(LogReader(data.log))
    filters = Filters(
        who=who,
        for_whom=for_whom,
        table=table,
        label=label,
        verdict=verdict,
        text=text,
        kind="statement.intent" if statements else "",
        since_us=_since(since),
        limit=limit,
    )
    show = _show_json if as_json else _show
    shown = _latest(record, filters)
    show(shown)
    if follow:
        for rows in _following(record, filters, shown):
            show(rows)
    elif not shown and not as_json:
        console().print("[dim]nothing in the log is like that[/]")


def _latest(record: Record, filters: Filters) -> list[EntryView]:
    import asyncio

    from doorward.control.operators import LOCAL

    found: list[EntryView] = []
    while len(found) < filters.limit:
        page = asyncio.run(record.search(LOCAL, replace(filters, limit=filters.limit - len(found))))
        found.extend(page.rows)
        if page.older is None or filters.after >= 0:
            break
        filters = replace(filters, before=page.older, limit=filters.limit)
    return found[::-1]


def _following(record: Record, filters: Filters, shown: list[EntryView]) -> Iterator[list[EntryView]]:
    """Rows as they come, and again when their outcome does."""
    given = {row.index: row for row in shown[-MEMORY:]}
    size = record.size()
    start = size - 1
    while True:
        time.sleep(FOLLOW_SECONDS)
        if record.size() == size:
            continue
        size = record.size()
        after = max(-1, max([*given, start]) - MEMORY)
        fresh = _latest(record, replace(filters, since_us=0, after=after, limit=MEMORY))
        rows = [row for row in fresh if given.get(row.index) != row and (row.index > start or row.index in given)]
        given = {**given, **{row.index: row for row in rows}}
        given = {index: row for index, row in given.items() if index > after}
        if rows:
            yield rows


def _show(rows: list[EntryView]) -> None:
    out = console()
    number_width = max(3, len(str(rows[-1].index)) if rows else 0)
    for row in rows:
        line = Text(local_time(row.at_us).partition(" ")[2], style="dim").append(f"  {row.index:>{number_width}}  ")
        who = chain_text(row.chain) if row.chain else Text("doorward", style="dim")
        line = _in_columns(line, who, WHO_WIDTH)
        line = _in_columns(line, verdict_text(row.verdict), VERDICT_WIDTH)
        line.append(one_line(row.text), style="default" if row.is_statement else "dim")
        _print_cut(out, line)
        details = _details(row)
        if details is not None:
            out.print(Padding(details, (0, 0, 0, 8 + 2 + number_width + 2), expand=False))


def _in_columns(line: Text, cell: Text, width: int) -> Text:
    cell.truncate(width, overflow="ellipsis", pad=True)
    return Text.assemble(line, cell, "  ")


def _print_cut(out: Console, line: Text) -> None:
    """Print *line* on one line of the screen, cut with an ellipsis; whole when no screen limits it."""
    if out.is_terminal or "COLUMNS" in os.environ:
        line.truncate(out.width, overflow="ellipsis")
    out.print(line, soft_wrap=True)


def _details(row: EntryView) -> Text | None:
    """The second line of a statement: what came of it, what was masked, by which rule."""
    if not row.is_statement:
        return None
    parts: list[Text] = []
    if row.verdict == "hold":
        # A held statement that was not approved is refused to the client; the reader wants to know by whom.
        word = "rejected" if row.status == "refused" and row.answered_by else row.status
        parts.append(verdict_text(word).append(f" by {row.answered_by}" if row.answered_by else "", style="default"))
    elif row.verdict == "allow":
        rows = f"{row.rows:,} row{'' if row.rows == 1 else 's'}"
        parts.append(Text(rows if row.status == "done" else f"{row.status} {row.error_code}".strip()))
    masked = list(dict.fromkeys(one_line(column.name) for column in row.columns if column.treatment in _MASKED))
    if masked:
        more = f" and {len(masked) - COLUMNS_TOLD} more" if len(masked) > COLUMNS_TOLD else ""
        parts.append(Text("masked ", style="magenta").append(", ".join(masked[:COLUMNS_TOLD]) + more, style="magenta"))
    if row.rules:
        parts.append(Text(f"rule {', '.join(row.rules)}", style="dim"))
    return Text(" · ", style="dim").join(parts)


def _show_json(rows: list[EntryView]) -> None:
    import sys

    import msgspec

    encode: Any = msgspec.json.Encoder().encode
    for row in rows:
        sys.stdout.write(encode(row).decode() + "\n")
    sys.stdout.flush()


def _since(text: str) -> int:
    if not text:
        return 0
    ago = _AGO.fullmatch(text.strip())
    if ago:
        from doorward.clock import now_us

        return now_us() - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"{text!r} is not a time.", "Write 30m, 2h, 7d, 2027-01-31 or 2027-01-31T08:00.") from None
    return int(moment.astimezone().timestamp() * 1_000_000)
