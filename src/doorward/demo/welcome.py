"""What the demo says once it is up: how to connect as everyone, ready to paste."""

from __future__ import annotations

import os
import shutil
import sys

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from doorward.assembly.control_side import ControlProcess
from doorward.demo.cast import Player


def program() -> str:
    """How to call this program from where the reader is: by its name, or by its path when no PATH leads to it."""
    return "doorward" if shutil.which("doorward") else os.path.relpath(sys.argv[0])


def say_up(out: Console, control: ControlProcess) -> None:
    """Say that Doorward runs, and what it found."""
    columns = [row.column for row in control.office.catalog.rows(control.settings.upstream.name, "", False)]
    protected = sum(column.label.is_protected for column in columns)
    told = f"[green]✓[/] Doorward on 127.0.0.1:{control.port}: {len(columns)} columns read, [bold]{protected} protected[/]"
    out.print(f"{told}, with nothing configured", soft_wrap=True)


def say_welcome(out: Console, control: ControlProcess, players: dict[str, Player], *, is_lasting: bool) -> None:
    """Print addresses, commands and secrets. Lines are never wrapped: they are there to be pasted."""
    data = control.settings.data
    out.print()
    out.print(Rule(Text("Connect", style="bold"), align="left", style="dim"))
    for player in players.values():
        _line(out, Text(player.name, style="bold cyan").append(f"  {player.part.told}", style="dim"))
        _line(out, Text(f'  psql "{player.url}"'))
    if shutil.which("psql") is None:
        _line(out, Text("psql is not installed: apt-get install postgresql-client", style="yellow"))
    out.print()
    out.print(Rule(Text("Or with Python", style="bold"), align="left", style="dim"))
    for player in players.values():
        _line(out, Text(f'  psycopg.connect("{player.url}")'))
    out.print()
    out.print(Rule(Text("Watch and answer", style="bold"), align="left", style="dim"))
    option = f"--data-dir {data.path}"
    bob = players["bob"]
    for told, command in (
        ("console", f"{control.console_url}  sign in as bob, secret {bob.secret}"),
        ("", f"or as operator, with the token in {data.operator_token}"),
        ("log", f"{program()} log --follow {option}"),
        ("verify", f"{program()} audit verify {option}"),
        ("approve", f"DOORWARD_USER=bob DOORWARD_SECRET={bob.secret} {program()} approve REQUEST {option}"),
    ):
        _line(out, Text(f"  {told:9}", style="dim").append(command, style="default"))
    if is_lasting:
        _line(out, Text(f"\nA second start with {option} finds all of it again.", style="dim"))


def _line(out: Console, text: Text) -> None:
    out.print(text, soft_wrap=True, overflow="ignore", crop=False)
