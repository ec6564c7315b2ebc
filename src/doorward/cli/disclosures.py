"""``doorward who-saw``: who was given which labelled column, in clear or masked, how often, in how many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from doorward.cli.options import AsJson, DataDir
from doorward.cli.searching import AsCsv, Since, Until, print_csv, record_of, times
from doorward.cli.terminal import EXIT_CODES_HELP, chain_text, console, local_time, say_json

if TYPE_CHECKING:
    from doorward.control.projection.disclosing import Disclosure

WHO_SAW_HELP = f"""Show who was given a labelled column: in clear or masked, how often, in how many rows.

Columns that hold nothing protected are not kept account of. Rows are counted each time they were given.

[bold]Examples:[/]

  doorward who-saw customers.ssn --since 90d

  doorward who-saw customers --clear                  (any column of the table, the values themselves)

  doorward who-saw --label email --who report-bot --csv > disclosures.csv

{EXIT_CODES_HELP}
"""

Column = Annotated[
    str, typer.Argument(metavar="[COLUMN]", help="table.column or schema.table.column; a table for all of its columns.")
]


def who_saw(
    column: Column = "",
    label: Annotated[str, typer.Option(help="Columns of this label: email, card ...")] = "",
    who: Annotated[str, typer.Option(help="Anybody in the chain, agents too.")] = "",
    clear: Annotated[bool, typer.Option("--clear", help="Only what was given in clear.")] = False,
    since: Since = "",
    until: Until = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show who was given a labelled column."""
    import asyncio

    import msgspec

    from doorward.control.operators import LOCAL
    from doorward.control.projection.disclosing import Wanted
    from doorward.control.tables import list_as_csv

    since_us, until_us = times(since, until)
    record = record_of(data_dir, whole=True)
    wanted = Wanted(column, label, who, since_us, until_us, clear)
    found = asyncio.run(record.who_saw(LOCAL, wanted))
    if as_json:
        say_json(msgspec.to_builtins(found))
    elif as_csv:
        print_csv(list_as_csv(found))
    else:
        _show(found)


def _show(found: tuple[Disclosure, ...]) -> None:
    out = console()
    if not found:
        out.print("[dim]nobody was given a labelled column like that[/]")
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("who", "column", "label", "saw"):
        table.add_column(heading)
    for heading in ("times", "rows"):
        table.add_column(heading, justify="right")
    table.add_column("last")
    for one in found:
        saw = Text("in clear", style="bold red") if one.is_clear else Text("masked", style="magenta")
        if one.purpose:
            saw.append(f" for {one.purpose}", style="dim")
        when = local_time(one.last_us)[:16]
        table.add_row(chain_text(one.chain), one.column, one.label, saw, f"{one.times:,}", f"{one.rows:,}", when)
    out.print(table)
    clear = [one for one in found if one.is_clear]
    told = f"{len({one.chain for one in clear})} saw values in clear, {sum(one.rows for one in clear):,} rows in all"
    out.print(Text(told if clear else "nobody saw a value in clear", style="dim"))
