"""``doorward audit keys``, ``erase-key`` and ``rotate-keys``: what opens the personal values in the log."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from doorward.cli.client import ApiClient, data_directory, segment
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import console, local_time, say_json


def keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the log's keys, one a day (in UTC): what is sealed in a day's entries is read with its key alone.

    [bold]Example:[/]  doorward audit keys
    """
    found = ApiClient.as_operator(data_directory(data_dir)).get("/log/keys")
    if as_json:
        say_json(found)
        return
    table = Table("day", "state", "wrapped by", box=None, pad_edge=False, header_style="dim")
    for key in found:
        state = "[green]in use[/]" if key["in_use"] else "there"
        if key["held"]:
            state += f", [yellow]held[/]: {escape(key['held'])}"
        if key["erased_us"]:
            state = f"[red]destroyed[/] {local_time(key['erased_us'])} by {key['erased_by']}"
        table.add_row(key["id"], state, key["wrapped_by"] or "-")
    console().print(table)


def erase_key(
    day: Annotated[str, typer.Argument(metavar="DAY", help="As doorward audit keys lists it, like 2027-01-31.")] = "",
    before: Annotated[str, typer.Option(metavar="DAY", help="All of before this day, but for those that are held.")] = "",
    *,
    reason: Annotated[str, typer.Option(help="Why; it is kept in the log.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Destroy the key of a day: statements of that day are then shown without their values, to everybody, for good.

    Entries, their order and their proofs stay as they are. Copies of the key in backups are yours to destroy.

    [bold]Examples:[/]

      doorward audit erase-key 2027-01-31 --reason "asked to by the person concerned"

      doorward audit erase-key --before 2026-01-31 --reason "kept for a year" --yes     (every night)
    """
    if bool(day) == bool(before):
        raise typer.BadParameter("give one day, or --before")
    client = ApiClient.as_operator(data_directory(data_dir))
    days = [day] if day else [key["id"] for key in client.get("/log/keys") if _may_go(key, before)]
    if not days:
        console().print("There is no key to destroy.")
        return
    if not yes:
        typer.confirm(f"Destroy the key of {', '.join(days)}? What it opens can't be read again.", abort=True)
    for each in days:
        client.delete(f"/log/keys/{segment(each)}", reason=reason)
        console().print(f"The key of {each} is destroyed.")


def _may_go(key: dict[str, Any], before: str) -> bool:
    return key["id"] < before and not (key["in_use"] or key["held"] or key["erased_us"])


def hold(
    day: Annotated[str, typer.Argument(metavar="DAY", help="As doorward audit keys lists it, like 2027-01-31.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the log.")],
    data_dir: DataDir = None,
) -> None:
    """Put a day under legal hold: its key can't be destroyed until it is released.

    [bold]Example:[/]  doorward audit hold 2027-01-31 --reason "case 4711"
    """
    ApiClient.as_operator(data_directory(data_dir)).post(f"/log/keys/{segment(day)}/hold", {"reason": reason})
    console().print(f"The key of {day} is held.")


def release(
    day: Annotated[str, typer.Argument(metavar="DAY", help="As doorward audit keys lists it, like 2027-01-31.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the log.")],
    data_dir: DataDir = None,
) -> None:
    """End the legal hold on a day.

    [bold]Example:[/]  doorward audit release 2027-01-31 --reason "case 4711 is closed"
    """
    ApiClient.as_operator(data_directory(data_dir)).delete(f"/log/keys/{segment(day)}/hold", reason=reason)
    console().print(f"The key of {day} is not held any more.")


def rotate_keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Wrap all keys of the log anew: under a fresh key if Doorward keeps it in a file, else under what the environment names.

    [bold]Example:[/]  doorward audit rotate-keys
    """
    rotated = ApiClient.as_operator(data_directory(data_dir)).post("/log/keys/rotate", {})
    if as_json:
        say_json(rotated)
        return
    count = rotated["keys"]
    console().print(f"{count} key{'' if count == 1 else 's'} wrapped anew.")
