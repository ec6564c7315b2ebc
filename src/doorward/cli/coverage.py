"""``doorward coverage`` and ``doorward probe``: that nobody goes past Doorward, and that what must be refused is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from doorward.cli.client import ApiClient, data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, OK, REFUSED, console, local_time, one_line, say_json

COVERAGE_HELP = f"""Compare the database's own sessions with those that came through Doorward. Ends with 1 when some did not.

Asks pg_stat_activity, and pg_stat_statements where it is there, for the present moment; the outcome is put in the log. Run it
on schedule. With --server-log it reads a log of the server instead (jsonlog or csvlog, with log_connections on): that covers
the time that the log covers, and is not recorded.

[bold]Examples:[/]

  doorward coverage

  doorward coverage --server-log /var/log/postgresql/postgresql.json

{EXIT_CODES_HELP}
"""

PROBE_HELP = f"""Try forbidden statements that would do no harm, as a service of their own, to see that they are refused.

Each try is put in the log, and is evidence that the guardrails work. Ends with 1 when one was not refused. Run it on schedule:

  17 6 * * *  doorward probe          (a line of a crontab)

{EXIT_CODES_HELP}
"""

ServerLog = Annotated[
    Path | None, typer.Option("--server-log", metavar="FILE", help="The server's own log instead.", show_default=False)
]


def coverage(server_log: ServerLog = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Compare the database's own sessions with Doorward's."""
    if server_log is not None:
        _compare_log(server_log, data_dir, as_json)
        return
    found: list[dict[str, Any]] = ApiClient.as_operator(data_directory(data_dir)).post("/coverage", {})
    if as_json:
        say_json(found)
    else:
        out = console()
        for compared in found:
            beside = compared["beside"]
            counted = f"{compared['sessions']} sessions, {compared['own']} of them Doorward's own questions"
            word, style = (f"{len(beside)} past Doorward", "bold red") if beside else ("covered", "bold green")
            out.print(Text(f"{compared['upstream']}  ").append(word, style=style).append(f"  {counted}", style="dim"))
            for one in beside:
                told = f"{one['told']}, {one['application'] or 'no application named'}"
                since = f", since {local_time(one['since_us'])}" if one["since_us"] else ""
                out.print(Text("  ✗ ", style="red").append(one_line(told + since), style="default"))
            out.print(Text(f"  {compared['statistics']}", style="dim"))
    raise typer.Exit(REFUSED if any(compared["beside"] for compared in found) else OK)


def probe(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Try what must be refused."""
    found: list[dict[str, Any]] = ApiClient.as_operator(data_directory(data_dir)).post("/probe", {})
    if as_json:
        say_json(found)
    else:
        out = console()
        for tried in found:
            word, style = ("refused", "green") if tried["refused"] else ("NOT REFUSED", "bold red")
            where = f"entry {tried['entry']}" if tried["entry"] >= 0 else "no entry in the log"
            line = Text(f"{word:<12}", style=style).append(tried["probe"], style="default").append(f"  {where}", style="dim")
            out.print(line)
            if not tried["refused"]:
                out.print(Text(f"            {one_line(tried['told'])}", style="dim"))
    raise typer.Exit(OK if found and all(tried["refused"] for tried in found) else REFUSED)


def _compare_log(server_log: Path, data_dir: Path | None, as_json: bool) -> None:
    from doorward.cli.searching import record_of
    from doorward.control.projection.finding import Finder
    from doorward.control.projection.keeping import FILE
    from doorward.control.server_log import beside_in

    record_of(data_dir, whole=True)
    found = beside_in(server_log, Finder(data_directory(data_dir).index / FILE))
    if as_json:
        say_json({"sessions": found.sessions, "beside": [one.as_told() for one in found.beside]})
    else:
        out = console()
        word, style = (f"{len(found.beside)} past Doorward", "bold red") if found.beside else ("covered", "bold green")
        out.print(Text(word, style=style).append(f"  {found.sessions} sessions in {server_log}", style="dim"))
        for one in found.beside:
            told = f"process {one.pid} of {one.user} on {one.database}, {one.lines} lines, from {one.first}"
            out.print(Text("  ✗ ", style="red").append(one_line(told), style="default"))
            if one.application:
                out.print(Text(f"    says that it is {one_line(one.application)}", style="dim"))
    raise typer.Exit(REFUSED if found.beside else OK)
