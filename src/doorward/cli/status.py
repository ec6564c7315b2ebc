"""``doorward status`` and ``doorward version``."""

from __future__ import annotations

from rich.table import Table

from doorward import __version__
from doorward.cli.client import ApiClient, data_directory, running_state
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import chain_text, console, one_line, say_json


def version(as_json: AsJson = False) -> None:
    """Say which Doorward this is."""
    if as_json:
        say_json({"version": __version__})
    else:
        console().print(f"doorward {__version__}")


def status(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show whether Doorward runs, where it listens, who is connected and what waits.

    Ends with 3 when it does not run.
    """
    data = data_directory(data_dir)
    client = ApiClient.as_operator(data)
    told = client.get("/status")
    sessions = client.get("/sessions")
    state = running_state(data)
    if as_json:
        say_json({**told, "console": state["console"], "pid": state["pid"], "live_sessions": sessions})
        return
    out = console()
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim", justify="right")
    facts.add_column(overflow="fold")
    gateway = "[green]connected[/]" if told["gateway_connected"] else "[red]not connected[/]"
    facts.add_row("Doorward", f"{told['version']}, process {state['pid']}, gateway {gateway}")
    facts.add_row("protects", ", ".join(told["upstreams"]))
    facts.add_row("clients", f"[bold]{told['host']}:{told['port']}[/]")
    facts.add_row("console", f"[bold]{state['console']}[/]")
    facts.add_row("log", f"{told['log_entries']} entries in {data.log}")
    waiting = f"[yellow]{told['pending']} waiting[/]: doorward approvals" if told["pending"] else "nothing waits"
    facts.add_row("approvals", waiting)
    if told["broken_glass"]:
        facts.add_row("[bold red]emergency[/]", "[bold red]the glass is broken[/]: doorward access")
    if told["unreviewed_glass"]:
        facts.add_row(
            "to review", f"[yellow]broken glass that nobody looked at[/]: {told['unreviewed_glass']}, doorward access"
        )
    facts.add_row("sessions", str(told["sessions"]))
    if told["shadow"]:
        differing = ", ".join(f"{word} {count}" for word, count in told["shadow_differences"].items())
        facts.add_row("shadow", f"version {told['shadow']}: {differing or 'no difference'}")
    out.print(facts)
    if sessions:
        table = Table(box=None, header_style="dim", pad_edge=False)
        for heading in ("who", "from", "with", "statements", "doing"):
            table.add_column(heading, overflow="ellipsis", no_wrap=True)
        for found in sessions:
            cells = (found["client"], one_line(found["application"]), str(found["statements"]), one_line(found["doing"]))
            table.add_row(chain_text(found["chain"]), *cells)
        out.print(table)
