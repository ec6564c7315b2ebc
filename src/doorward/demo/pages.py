"""How the tour looks: a heading a step, each client's command and what it heard, and what holds."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from doorward.demo.clients import Fetched, Heard
from doorward.demo.promises import Finding

MOST_LINES = 40
INDENT = 4
STYLES = {"ERROR": "red", "NOTICE": "yellow"}


class Page:
    """Prints one tour to *out*."""

    def __init__(self, out: Console) -> None:
        self._out = out

    @property
    def has_colours(self) -> bool:
        """Whether clients may print colours."""
        return self._out.is_terminal and self._out.color_system is not None

    @property
    def inner_width(self) -> int:
        """The columns that a client's output has."""
        return max(60, min(self._out.width, 140) - INDENT)

    def heading(self, number: int, total: int, title: str) -> None:
        """Begin a step."""
        self._out.print()
        self._out.print(Rule(style="blue"))
        self._out.print(Text(f"{number}/{total}  ", style="bold blue").append(title, style="bold"))
        self._out.print()

    def client(self, who: str, heard: Heard) -> None:
        """A client's command, and all that it received."""
        self._command(who, heard.shown)
        self._heard(heard.errors, is_error=True)
        self._heard(heard.output)

    def waiting(self, who: str, shown: str, errors: str) -> None:
        """A client that waits, with what it shows meanwhile."""
        self._command(who, shown)
        self._heard(errors, is_error=True)
        self._print(Text("… waits", style="yellow"))

    def goes_on(self, who: str, heard: Heard) -> None:
        """The end of what waited."""
        self._print(Text("… and in the session of ", style="yellow").append(who, style="bold cyan"), 2)
        self._heard(heard.output)

    def python(self, who: str, fetched: Fetched) -> None:
        """A driver's calls, and the values that it gave."""
        for position, line in enumerate(fetched.shown.splitlines()):
            self._command(who if position == 0 else " " * len(who), line, ">>>", " FROM ")
        table = Table(box=None, header_style="dim", pad_edge=False)
        for name in fetched.names:
            table.add_column(name, no_wrap=True, overflow="ellipsis")
        for row in fetched.rows:
            table.add_row(*(Text(repr(value) if isinstance(value, str) else str(value)) for value in row))
        self._out.print(Padding(table, (0, 0, 1, INDENT), expand=False))

    def note(self, text: str) -> None:
        """A remark between clients."""
        self._print(Text(text, style="dim"), 2)

    def findings(self, findings: Sequence[Finding]) -> None:
        """What was promised, and whether it holds."""
        for finding in findings:
            mark, style = ("✓", "green") if finding.holds else ("✗", "bold red")
            self._print(Text(f"{mark} ", style=style).append(finding.text, style="default" if finding.holds else "red"), 2)

    def _command(self, who: str, shown: str, prompt: str = "$", parting: str = ' -c "') -> None:
        room = self.inner_width - len(who) - len(prompt) - 2
        lines = shown.replace(parting, f"\n {parting}").splitlines() if len(shown) > room else [shown]
        table = Table.grid()
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for position, line in enumerate(lines):
            table.add_row(Text(f"{who} {prompt} " if position == 0 else "", style="bold cyan"), Text(line, style="bold"))
        self._out.print(Padding(table, (0, 0, 0, 2), expand=False))

    def _heard(self, text: str, *, is_error: bool = False) -> None:
        lines = text.rstrip().splitlines()
        for line in lines[:MOST_LINES]:
            shown = Text.from_ansi(line)
            if is_error:
                shown.stylize(next((style for word, style in STYLES.items() if line.startswith(word)), ""))
            self._print(shown)
        if len(lines) > MOST_LINES:
            self._print(Text(f"… and {len(lines) - MOST_LINES} lines more", style="dim"))
        if lines and not is_error:
            self._out.print()

    def _print(self, text: Text, indent: int = INDENT) -> None:
        self._out.print(Padding(text, (0, 0, 0, indent), expand=False))
