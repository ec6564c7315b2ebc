"""``doorward policy publish``, ``history`` and ``rollback``: rules put in force in a running Doorward."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from doorward.cli.client import ApiClient, data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.policy_texts import texts_of
from doorward.cli.terminal import console, local_time, one_line, say_json
from doorward.errors import PolicyInvalid

Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the version, and in the log.")]
IDS_SHOWN = 6


def publish(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The rules: a folder of *.cedar files, all that are to count.")
    ],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put rules in force at once, in place of all that are; running sessions meet them at their next statement.

    Rules with an error are refused, and those in force stay. What was published counts from then on, also after a restart, in
    place of the folder of the data directory; rollback 0 goes back to that.

    Example: doorward policy publish ./policy --reason "support sees phone numbers, OPS-17"
    """
    from doorward.policy.check import Severity, check
    from doorward.rehearsal.known import known_names

    data = data_directory(data_dir)
    texts = texts_of(folder, data_dir)
    errors = [found for found in check(texts.files, known_names(data.store)) if found.severity is Severity.ERROR]
    if errors:
        raise PolicyInvalid(
            f"{errors[0].file}, line {errors[0].line}: {errors[0].words}.", f"See all with: doorward policy check {folder}"
        )
    told = ApiClient.as_operator(data).post("/policy", {"files": texts.files, "reason": reason})
    _say(told, "published", as_json=as_json)


def roll_back(
    number: Annotated[
        int, typer.Argument(metavar="NUMBER", help="As doorward policy history has it; 0 for the folder.", min=0)
    ],
    reason: Reason,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put rules in force again that were before, as a version of its own.

    Example: doorward policy rollback 3 --reason "reports stopped working"
    """
    client = ApiClient.as_operator(data_directory(data_dir))
    _say(client.post("/policy/rollback", {"number": number, "reason": reason}), "in force again", as_json=as_json)


def _say(told: dict[str, Any], done: str, *, as_json: bool) -> None:
    if as_json:
        say_json(told)
        return
    out = console()
    out.print(Text(done, style="green").append(f"  as {told['number']}, version {told['version']}", style="default"))
    out.print(_changes(told))


def history(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List what was published: when, by whom, why, and which rules it changed; the newest first.

    Example: doorward policy history
    """
    rows = ApiClient.as_operator(data_directory(data_dir)).get("/policy/versions")
    if as_json:
        say_json(rows)
        return
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("", "version", "when", "by", "why", "changed"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        number = Text(str(row["number"]), style="bold green" if row["is_in_force"] else "default")
        version = Text(row["version"]).append("  in force" if row["is_in_force"] else "", style="green")
        if not row["number"]:
            table.add_row(number, version, "", "", Text("before anything was published", style="dim"), "")
            continue
        table.add_row(number, version, local_time(row["at_us"]), row["by"], one_line(row["reason"]), _changes(row))
    console().print(table)


def _changes(row: dict[str, Any]) -> Text:
    told = []
    for word, sign, style in (("added", "+", "green"), ("removed", "-", "red"), ("changed", "~", "yellow")):
        ids = row[word]
        shown = [Text(f"{sign} {rule}", style=style) for rule in ids[:IDS_SHOWN]]
        if len(ids) > IDS_SHOWN:
            shown.append(Text(f"{sign} {len(ids) - IDS_SHOWN} more", style="dim"))
        told += shown
    return Text("\n").join(told) if told else Text("no rule says anything else", style="dim")
