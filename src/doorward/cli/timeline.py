"""``doorward timeline``: what one person, service or agent did, what was done for them and to them, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from doorward.cli.options import AsJson, DataDir
from doorward.cli.searching import AsCsv, Since, Until, print_csv, record_of, times
from doorward.cli.terminal import EXIT_CODES_HELP, chain_text, console, local_time, one_line, say_json, verdict_text

if TYPE_CHECKING:
    from doorward.control.timeline import Stretch

MOST_ROWS = 20_000
COLUMNS_TOLD = 6

TIMELINE_HELP = f"""Show what somebody did, what agents did for them, and what was done to them, in order.

The same statement over and over in one session is told once, with how often it ran.

[bold]Examples:[/]

  doorward timeline alice --since 2h

  doorward timeline report-bot --since 2027-03-02T01:00 --until 2027-03-02T04:00

{EXIT_CODES_HELP}
"""


def timeline(
    name: Annotated[str, typer.Argument(help="A person, service or agent, by its whole name.")],
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(help="At most so many entries, the latest.", min=1, max=MOST_ROWS)] = 500,
    data_dir: DataDir = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show what somebody did."""
    import asyncio

    import msgspec

    from doorward.control import timeline as telling
    from doorward.control.filters import Filters
    from doorward.control.operators import LOCAL
    from doorward.control.tables import RECORD_COLUMNS
    from doorward.control.tables import as_csv as table

    since_us, until_us = times(since, until)
    record = record_of(data_dir)
    filters = Filters(since_us=since_us, until_us=until_us, limit=limit)
    rows = asyncio.run(telling.timeline(record, LOCAL, name, filters))
    if as_json:
        say_json(msgspec.to_builtins(rows))
    elif as_csv:
        print_csv(table(RECORD_COLUMNS, ([getattr(row, column) for column in RECORD_COLUMNS] for row in rows)))
    elif not rows:
        console().print("[dim]nothing in the log is by, for or about them[/]")
    else:
        _show(name, telling.stretches(rows))


def _show(name: str, told: object) -> None:
    from collections.abc import Iterable
    from typing import cast

    out = console()
    day = ""
    for stretch in cast("Iterable[Stretch]", told):
        row = stretch.first
        date, _, clock = local_time(row.at_us).partition(" ")
        if date != day:
            day = date
            out.print(Text(f"\n{date}", style="bold"))
        line = Text(f"  {clock}  ", style="dim")
        if row.chain and row.chain != name:
            line.append_text(chain_text(row.chain)).append("  ")
        if row.verdict and (row.is_statement or row.verdict == "deny"):
            word = row.answer if row.verdict == "hold" and row.answer else row.verdict
            line.append_text(verdict_text(word)).append("  ")
        if stretch.count > 1:
            line.append(f"{stretch.count:,}×  ", style="bold")
        line.append(one_line(row.text), style="default" if row.is_statement else "dim")
        out.print(line, soft_wrap=True)
        details = _details(stretch)
        if details:
            out.print(Text(f"            {details}", style="dim"), soft_wrap=True)


def _details(stretch: Stretch) -> str:
    row = stretch.first
    if not row.is_statement:
        return ""
    parts = []
    if row.status == "done":
        parts.append(f"{stretch.rows:,} row{'' if stretch.rows == 1 else 's'}")
    elif row.verdict == "allow":
        parts.append(f"{row.status} {row.error_code}".strip())
    if row.answered_by:
        parts.append(f"answered by {row.answered_by}")
    if stretch.masked:
        more = f" and {len(stretch.masked) - COLUMNS_TOLD} more" if len(stretch.masked) > COLUMNS_TOLD else ""
        parts.append(f"masked {', '.join(stretch.masked[:COLUMNS_TOLD])}{more}")
    if row.verdict != "allow" and row.rules:
        parts.append(f"rule {', '.join(row.rules)}")
    if stretch.count > 1:
        parts.append(f"until {local_time(stretch.last_us).partition(' ')[2]}")
    return " · ".join(parts)
