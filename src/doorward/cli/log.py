"""``doorward log``: who did what, what was decided, and what they saw of it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.text import Text

from doorward.cli.options import AsJson, DataDir
from doorward.cli.searching import AsCsv, Since, Until, print_csv, record_of, times
from doorward.cli.terminal import EXIT_CODES_HELP, chain_text, console, local_time, one_line, verdict_text

if TYPE_CHECKING:
    from rich.console import Console

    from doorward.control.filters import Filters
    from doorward.control.record import Record
    from doorward.control.views import EntryView

FOLLOW_SECONDS = 0.3
# How many rows back an outcome still changes a row that was shown.
MEMORY = 200
MOST_ROWS = 1_000_000
# Rows asked for at once.
PAGE = 5_000
ACTIONS = ("session", "read", "write", "define", "destroy", "grant", "administer", "unknown")
_MASKED = frozenset({"labelled", "unproven"})
COLUMNS_TOLD = 6
WHO_WIDTH, VERDICT_WIDTH = 20, 7

LOG_HELP = f"""Show the audit log: who, for whom, what was decided and why, rows, and which columns were masked.

Reads the log itself, so it works whether Doorward runs or not.

[bold]Examples:[/]

  doorward log --follow

  doorward log --who report-bot --since 1h

  doorward log --verdict deny --table orders --since 2027-01-01 --until 2027-03-31 --csv > denied.csv

  doorward log --action define --text "alter table" --limit 10

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
    action: Annotated[str, typer.Option(help=f"{', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}.")] = "",
    text: Annotated[str, typer.Option(help="Words in the statement, as they stand there.")] = "",
    session: Annotated[str, typer.Option(help="One session, by its id.")] = "",
    shadow: Annotated[
        bool, typer.Option("--shadow", help="What the rules of --shadow-policy would have decided otherwise.")
    ] = False,
    statements: Annotated[bool, typer.Option("--statements", help="Statements alone: no sign-ins, answers, changes.")] = False,
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(help="At most so many rows, the latest.", min=1, max=MOST_ROWS)] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show the audit log."""
    from doorward.control.filters import Filters

    for word, known, option in ((verdict, ("allow", "deny", "hold"), "--verdict"), (action, ACTIONS, "--action")):
        if word and word not in known:
            raise typer.BadParameter(f"use {', '.join(known[:-1])} or {known[-1]}", param_hint=option)
    if as_csv and (as_json or follow):
        raise typer.BadParameter("give it alone, without --json and --follow", param_hint="--csv")
    since_us, until_us = times(since, until)
    record = record_of(data_dir)
    filters = Filters(
        who=who,
        for_whom=for_whom,
        table=table,
        label=label,
        verdict=verdict,
        action=action,
        text=text,
        session=session,
        kind="statement.intent" if statements else "",
        shadow=shadow,
        since_us=since_us,
        until_us=until_us,
        limit=limit,
    )
    show = _show_csv if as_csv else _show_json if as_json else _show
    shown = _latest(record, filters)
    show(shown)
    if follow:
        for rows in _following(record, filters, shown):
            show(rows)
    elif not shown and not as_json and not as_csv:
        console().print("[dim]nothing in the log is like that[/]")


def _latest(record: Record, filters: Filters) -> list[EntryView]:
    import asyncio

    from doorward.control.operators import LOCAL

    found: list[EntryView] = []
    while len(found) < filters.limit:
        wanted = min(PAGE, filters.limit - len(found))
        page = asyncio.run(record.search(LOCAL, replace(filters, limit=wanted)))
        found.extend(page.rows)
        if page.older is None or filters.after >= 0:
            break
        filters = replace(filters, before=page.older)
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
    if row.shadow:
        parts.append(Text(f"shadow: {row.shadow}", style="yellow"))
    return Text(" · ", style="dim").join(parts)


def _show_json(rows: list[EntryView]) -> None:
    import sys

    import msgspec

    encode: Any = msgspec.json.Encoder().encode
    for row in rows:
        sys.stdout.write(encode(row).decode() + "\n")
    sys.stdout.flush()


def _show_csv(rows: list[EntryView]) -> None:
    from doorward.control.tables import RECORD_COLUMNS, as_csv

    print_csv(as_csv(RECORD_COLUMNS, ([getattr(row, column) for column in RECORD_COLUMNS] for row in rows)))
