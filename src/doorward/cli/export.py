"""``doorward export``: copies of the log to other systems, as OCSF events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from doorward.cli.client import data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, OK, REFUSED, console, local_time, say_json
from doorward.errors import DoorwardError, NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from doorward.shipping.destinations import Destination

export = typer.Typer(
    no_args_is_help=True,
    help=(
        "Copies of the log to Splunk, Elastic, Datadog, OpenTelemetry, syslog, HTTP or a file, as OCSF 1.8 events.\n\n"
        "Destinations are named in export.toml in the data directory; doorward up sends to them, at least once each.\n\n"
        + EXIT_CODES_HELP
    ),
)


@export.command("status")
def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say how far each destination is, and what hinders it. Ends with 1 when anything does.

    [bold]Example:[/]  doorward export status
    """
    from doorward.audit.reader import LogReader
    from doorward.shipping.exporting import read_cursor

    data = data_directory(data_dir)
    checkpoint = LogReader(data.log).checkpoint() if data.log.is_dir() else None
    size = checkpoint.size if checkpoint else 0
    cursors = [(each, read_cursor(data.export, each.name)) for each in _destinations(data.export_settings)]
    if as_json:
        say_json(
            [
                {
                    "name": each.name,
                    "kind": each.kind,
                    "to": each.to,
                    "sent": cursor.entries,
                    "behind": max(0, size - cursor.entries),
                    "last_us": cursor.at_us or None,
                    "failure": cursor.failure,
                    "failing_since_us": cursor.failing_since_us or None,
                }
                for each, cursor in cursors
            ]
        )
    else:
        table = Table("destination", "kind", "sent", "behind", "state", box=None, pad_edge=False, header_style="dim")
        for each, cursor in cursors:
            state = Text(f"last {local_time(cursor.at_us)}" if cursor.at_us else "nothing sent yet", style="green")
            if cursor.failure:
                state = Text(f"since {local_time(cursor.failing_since_us)}: {cursor.failure}", style="red")
            table.add_row(each.name, each.kind, f"{cursor.entries:,}", f"{max(0, size - cursor.entries):,}", state)
        console().print(table)
    raise typer.Exit(REFUSED if any(cursor.failure for _each, cursor in cursors) else OK)


@export.command("test")
def send_test(
    name: Annotated[str, typer.Argument(help="One destination.  [default: all]", show_default=False)] = "",
    data_dir: DataDir = None,
) -> None:
    """Send one event that says it is a test, now, and tell what came of it. Ends with 1 when a destination did not take it.

    [bold]Example:[/]  doorward export test siem
    """
    from doorward.audit.canonical import encode
    from doorward.clock import new_id, now_us
    from doorward.model.entry import Administered
    from doorward.shipping.ocsf import Events
    from doorward.shipping.receivers import receiver_of

    chosen = [each for each in _destinations(data_directory(data_dir).export_settings) if name in ("", each.name)]
    if not chosen:
        raise NotFound(f"There is no destination {name!r}.", "doorward export status lists them.")
    entry = Administered(act="export.tested", at_us=now_us(), by="operator", details={}, subject="test")
    # An origin of its own: no entry of the log has this event's uid.
    event = Events(new_id("test")).of(0, encode(entry))
    assert event is not None
    failed = False
    for each in chosen:
        try:
            receiver = receiver_of(each)
            receiver.take([event])
            receiver.close()
        except DoorwardError as error:
            failed = True
            console().print(Text("  ✗ ", style="red").append(f"{each.name}: {error}", style="default"), soft_wrap=True)
        else:
            console().print(Text("  ✓ ", style="green").append(f"{each.name} took it", style="default"))
    raise typer.Exit(REFUSED if failed else OK)


def _destinations(file: Path) -> tuple[Destination, ...]:
    from doorward.shipping.destinations import read_destinations

    found = read_destinations(file)
    if not found:
        raise NotFound(f"{file} names no destination.", "docs/shipping.md has an example of each kind.")
    return found
