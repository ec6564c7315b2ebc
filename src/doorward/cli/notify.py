"""``doorward notify``: who is told outside of what waits for an answer, and whether that arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.table import Table
from rich.text import Text

from doorward.cli.client import data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, OK, REFUSED, console, local_time, say_json
from doorward.errors import DoorwardError, NotFound

if TYPE_CHECKING:
    from pathlib import Path

    from doorward.notifying.receivers import NotifySettings, Receiver

notify = typer.Typer(
    no_args_is_help=True,
    help=(
        "Tells webhooks, Microsoft Teams and PagerDuty what waits for an approval, and of broken glass.\n\n"
        "Receivers are named in notify.toml in the data directory (docs/notifications.md); doorward up tells them.\n\n"
        + EXIT_CODES_HELP
    ),
)


@notify.command("list")
def list_receivers(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show who is told, and how that goes since doorward up. Ends with 1 when something hinders it.

    [bold]Example:[/]  doorward notify list
    """
    from doorward.notifying.outbox import read_outbox

    data = data_directory(data_dir)
    settings = _settings(data.notify_settings)
    states = [(each, read_outbox(data.notify, each.name)) for each in settings.receiver]
    if as_json:
        say_json(
            [
                {
                    "name": each.name,
                    "kind": each.kind,
                    "to": _whereto(each),
                    "statement": each.statement,
                    "events": each.events,
                    "groups": each.groups,
                    "sent": state.sent,
                    "lost": state.lost,
                    "waiting": state.waiting,
                    "last_us": state.at_us or None,
                    "failure": state.failure,
                    "failing_since_us": state.failing_since_us or None,
                }
                for each, state in states
            ]
        )
    else:
        table = Table("receiver", "kind", "to", "statement", "sent", "state", box=None, pad_edge=False, header_style="dim")
        for each, state in states:
            words = Text(f"last {local_time(state.at_us)}" if state.at_us else "nothing told yet", style="green")
            if state.failure:
                words = Text(f"since {local_time(state.failing_since_us)}: {state.failure}", style="red")
            table.add_row(each.name, each.kind, _whereto(each), each.statement, f"{state.sent:,}", words)
        console().print(table)
        for answerer in settings.answerer:
            console().print(Text(f"{answerer.name} may bring answers of {', '.join(answerer.people)}"), soft_wrap=True)
    raise typer.Exit(REFUSED if any(state.failure for _each, state in states) else OK)


@notify.command("check")
def check(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Read notify.toml and each secret that it names, and tell what is wrong; nothing is sent.

    [bold]Example:[/]  doorward notify check
    """
    from doorward.notifying.senders import secret_fault

    settings = _settings(data_directory(data_dir).notify_settings)
    found = [(each.name, secret_fault(each)) for each in settings.receiver]
    found += [(each.name, secret_fault(each)) for each in settings.answerer]
    _say(found, "can be used", as_json=as_json)


@notify.command("test")
def send_test(
    name: Annotated[str, typer.Argument(help="One receiver.  [default: all]", show_default=False)] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Send a notice that says it is a test, now, and tell what came of it. Ends with 1 when a receiver did not take it.

    [bold]Example:[/]  doorward notify test pager
    """
    from doorward.assembly.control_side import read_state
    from doorward.clock import new_id, now_us
    from doorward.model.notice import Notice, Occasion
    from doorward.notifying.senders import sender_of

    data = data_directory(data_dir)
    settings = _settings(data.notify_settings)
    chosen = [each for each in settings.receiver if name in ("", each.name)]
    if not chosen:
        raise NotFound(f"There is no receiver {name!r}.", "doorward notify list shows them.")
    address = settings.console or str((read_state(data.state) or {}).get("console", "http://127.0.0.1:8765"))
    notice = Notice(new_id("ntc"), Occasion.TESTED.value, now_us(), "test", "operator", "", "test")
    found = []
    for each in chosen:
        fault = ""
        try:
            sender = sender_of(each, address)
            sender.send(notice)
            sender.close()
        except DoorwardError as error:
            fault = str(error)
        found.append((each.name, fault))
    _say(found, "took it", as_json=as_json)


def _say(found: list[tuple[str, str]], good: str, *, as_json: bool) -> NoReturn:
    """Each name with its fault, or *good* where there is none; then end, with 1 for any fault."""
    if as_json:
        say_json([{"name": name, "fault": fault} for name, fault in found])
    else:
        for name, fault in found:
            if fault:
                console().print(Text("  ✗ ", style="red").append(f"{name}: {fault}", style="default"), soft_wrap=True)
            else:
                console().print(Text("  ✓ ", style="green").append(f"{name} {good}", style="default"))
    raise typer.Exit(REFUSED if any(fault for _name, fault in found) else OK)


def _whereto(each: Receiver) -> str:
    """Where it goes, without what may be a secret."""
    return each.to.partition("?")[0] or "(a secret)"


def _settings(file: Path) -> NotifySettings:
    from doorward.notifying.receivers import EXAMPLES, read_receivers

    found = read_receivers(file)
    if not found.receiver and not found.answerer:
        raise NotFound(f"{file} names nobody to tell.", EXAMPLES)
    return found
