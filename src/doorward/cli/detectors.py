"""``doorward detectors``: what values are recognised by, and the tests of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from doorward.cli.client import data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import OK, REFUSED, console, one_line, say_json

if TYPE_CHECKING:
    from doorward.detectors.custom import Detector

OfType = Annotated[str, typer.Option("--type", metavar="TYPE", help="Only detectors of this type, as EMAIL.")]
OfFolder = Annotated[
    Path | None, typer.Option("--folder", metavar="FOLDER", help="Test the detectors of this folder.", show_default=False)
]

detectors = typer.Typer(
    no_args_is_help=True,
    help=(
        "See what values are recognised by, and test detectors of your own.\n\n"
        "Yours are TOML files in the folder detectors of the policy folder; docs/detectors.md has their form.\n\n"
        "[bold]Example:[/]  doorward detectors list --type SECRET\n\n"
        "[bold]Example:[/]  doorward detectors test"
    ),
)


def own_detectors(data_dir: Path | None, folder: Path | None = None) -> tuple[Detector, ...]:
    """The operator's own, of *folder* or of the data directory. Raises ConfigurationInvalid and PolicyInvalid."""
    from doorward.config import read_texts
    from doorward.detectors.custom import read_detectors

    return read_detectors(read_texts(folder or data_directory(data_dir).detectors, "*.toml"))


@detectors.command("list")
def list_detectors(data_dir: DataDir = None, type_: OfType = "", as_json: AsJson = False) -> None:
    """List every detector with the type that it finds, built in or your own.

    Example: doorward detectors list --type SECRET
    """
    from doorward.detectors.national_ids import LETTERED_IDS, NUMERIC_IDS
    from doorward.detectors.rules import RULES

    rows = [(rule.name, rule.type, "built in") for rule in RULES if rule.type]
    rows += [("phone", "PHONE", "built in"), ("card", "CARD", "built in")]
    rows += [(name, "NATIONAL_ID", "built in") for name in dict.fromkeys(row.name for row in (*NUMERIC_IDS, *LETTERED_IDS))]
    rows += [(one.name, one.type, one.file) for one in own_detectors(data_dir)]
    rows = sorted({row for row in rows if not type_ or row[1] == type_.upper()}, key=lambda row: (row[1], row[0]))
    if as_json:
        say_json([{"name": name, "type": kind, "from": source} for name, kind, source in rows])
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("type", "detector", "from"):
        table.add_column(heading)
    for name, kind, source in rows:
        table.add_row(kind, name, source)
    console().print(table)


@detectors.command("test")
def run_tests(data_dir: DataDir = None, folder: OfFolder = None, as_json: AsJson = False) -> None:
    """Run the tests that stand beside your own detectors; ends with 1 when one fails.

    Example: doorward detectors test --folder ./detectors
    """
    from doorward.detectors.custom import failures_of

    own = own_detectors(data_dir, folder)
    failed = failures_of(own)
    count = sum(len(one.finds) + len(one.ignores) for one in own)
    if as_json:
        say_json(
            {
                "detectors": len(own),
                "tests": count,
                "failed": [{"detector": one.detector.name, "text": one.text, "should_find": one.should_find} for one in failed],
            }
        )
    else:
        out = console()
        for one in failed:
            wanted = "found nothing in" if one.should_find else "found something in"
            out.print(f"[red]failed[/] {one.detector.file}: {one.detector.name} {wanted}: ", end="")
            out.print(one_line(one.text), markup=False)
        out.print(f"{len(own)} detectors, {count} tests, {len(failed)} failed")
    raise typer.Exit(REFUSED if failed else OK)
