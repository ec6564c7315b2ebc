"""What commands print with: colours where there is a terminal, plain text elsewhere, errors as cause and remedy."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from rich.console import Console
from rich.text import Text

from doorward.errors import DoorwardError

T = TypeVar("T")

OK, REFUSED, USAGE, UNAVAILABLE = 0, 1, 2, 3
EXIT_CODES_HELP = "Exit codes: 0 done, 1 refused, not found or not intact, 2 wrong usage, 3 unavailable or badly configured."

# The code of an error -> the exit code. What nobody listed is a refusal.
_EXIT_OF = {
    "not-running": UNAVAILABLE,
    "configuration-invalid": UNAVAILABLE,
    "upstream-unavailable": UNAVAILABLE,
    "audit-unavailable": UNAVAILABLE,
    "provider-unavailable": UNAVAILABLE,
    "index-unavailable": UNAVAILABLE,
    "internal": UNAVAILABLE,
}

PLAIN_WIDTH = 100  # of output that no terminal limits

# Verdict or state -> the word shown and its colour.
VERDICTS = {
    "allow": ("allowed", "green"),
    "deny": ("denied", "red"),
    "hold": ("held", "yellow"),
    "pending": ("waiting", "yellow"),
    "approved": ("approved", "green"),
    "rejected": ("rejected", "red"),
    "withdrawn": ("withdrawn", "dim"),
    "expired": ("expired", "dim"),
    "lapsed": ("lapsed", "dim"),
    "revoked": ("taken back", "red"),
}

# A class of labels -> its colour.
LABEL_STYLES = {
    "personal": "magenta", "restricted": "red", "secret": "bold red", "free text": "yellow", "proposed": "cyan",
    "unclassified": "yellow",
}  # fmt: skip


def console(*, stderr: bool = False) -> Console:
    """A console for one of the standard streams as it is now."""
    stream = sys.stderr if stderr else sys.stdout
    is_wide = stream.isatty() or "COLUMNS" in os.environ
    return Console(stderr=stderr, width=None if is_wide else PLAIN_WIDTH, highlight=False, soft_wrap=False)


def counting(doing: str, work: Callable[[Callable[[int, int], None]], T]) -> T:
    """What *work* gives, with a bar on a terminal of how many entries it has done, as it tells."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn(doing), BarColumn(30), MofNCompleteColumn(), TextColumn("entries"))
    with Progress(*columns, console=console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("", total=None)
        return work(lambda done, size: progress.update(task, completed=done, total=size))


def say_json(value: Any) -> None:
    """Print *value* as JSON, for programs."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def say_error(error: DoorwardError) -> int:
    """Print cause and remedy to standard error; the exit code to end with."""
    told = Text("error: ", style="bold red").append(_plain(error.message), style="red")
    if error.remedy:
        told.append("\n  fix: ", style="bold").append(_plain(error.remedy), style="default")
    console(stderr=True).print(told)
    return exit_code_of(error)


def exit_code_of(error: DoorwardError) -> int:
    """The exit code for *error*."""
    return _EXIT_OF.get(error.code, REFUSED)


def verdict_text(word: str) -> Text:
    """A verdict or state in its one word and colour."""
    shown, style = VERDICTS.get(word, (word, "default"))
    return Text(shown, style=style)


def chain_text(chain: str) -> Text:
    """``report-bot for alice``, with who acts in bold."""
    told = Text()
    for position, name in enumerate(chain.split(" for ")):
        told.append(" for " if position else "", style="dim").append(_plain(name), style="cyan" if position else "bold cyan")
    return told


def one_line(text: str) -> str:
    """*text* on one line, without anything that a terminal would act on."""
    return _plain(" ".join(text.split()))


def local_time(at_us: int) -> str:
    """Date and time of day, in the zone of whoever reads."""
    return datetime.fromtimestamp(at_us / 1_000_000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)
