"""``doorward evidence``: a signed pack for auditors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from doorward.cli.client import data_directory, not_running
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, OK, REFUSED, console, counting, say_json
from doorward.errors import ConfigurationInvalid, InvalidRequest

if TYPE_CHECKING:
    from doorward.evidence.pack import Report

RESULTS = {"pass": ("pass", "green"), "exceptions": ("exceptions", "bold red"), "no instances": ("no instances", "yellow")}

EVIDENCE_HELP = f"""Write a signed pack of evidence for auditors: populations, controls, samples with proofs, and a report.

The whole log is verified and read. The folder has a verify.py that checks everything offline. Ends with 1 when a control
has exceptions.

[bold]Examples:[/]

  doorward evidence --from 2027-01-01 --to 2027-03-31 --out evidence-2027-q1

  doorward evidence --from 90d --out pack --clearances clearances.toml --seed "what the auditor says"

  python3 pack/verify.py --key "$(cat log.pub)"

{EXIT_CODES_HELP}
"""


def evidence(
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="The window's first day, UTC, or 90d.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="A folder that does not exist yet.")],
    until: Annotated[str, typer.Option("--to", metavar="DAY", help="Its last day.  [default: now]", show_default=False)] = "",
    framework: Annotated[str, typer.Option(help="soc2.")] = "soc2",
    clearances: Annotated[
        Path | None,
        typer.Option(help='TOML, label to groups that may see it in clear: email = ["support"].', show_default=False),
    ] = None,
    standing: Annotated[
        list[str] | None,
        typer.Option("--standing-rule", help="A rule that stands for a class of schema changes. May be repeated."),
    ] = None,
    seed: Annotated[
        str, typer.Option(help="The seed of the samples.  [default: the log's root hash]", show_default=False)
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a signed pack of evidence."""
    from doorward.audit.checkpoint import load_key
    from doorward.clock import now_us
    from doorward.console.evidence_page import evidence_page
    from doorward.control.moments import moment_us
    from doorward.evidence.pack import write_pack
    from doorward.evidence.testing import STANDING, Window

    data = data_directory(data_dir)
    if not data.log.is_dir():
        raise not_running(data)
    now = now_us()
    window = Window(
        moment_us(since, now),
        moment_us(until, now, is_end=True) or now,
        now,
        standing=tuple(standing) if standing else STANDING,
        clearances=read_clearances(clearances) if clearances else {},
    )
    signer = load_key(data.log)
    report = counting(
        "reading the log",
        lambda progress: write_pack(
            data.log, signer, out, window, evidence_page, framework_name=framework, seed=seed, progress=progress
        ),
    )
    if as_json:
        say_json(_as_json(out, report))
    else:
        _show(out, report)
    raise typer.Exit(REFUSED if any(tested.exceptions for tested in report.controls.values()) else OK)


def read_clearances(path: Path) -> dict[str, tuple[str, ...]]:
    """Label to groups, from a TOML file. Raises ConfigurationInvalid for anything else."""
    import tomllib

    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationInvalid(f"{path} can't be read: {error}.", 'Write lines like: email = ["support"]') from None
    from doorward.model.catalog import Label

    for label, groups in told.items():
        if label not in {known.value for known in Label}:
            raise InvalidRequest(f"{path} names a label that does not exist: {label}.", "doorward catalog shows the labels.")
        if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
            raise InvalidRequest(f"{path}: {label} needs a list of groups.", f'Write: {label} = ["support"]')
    return {label: tuple(groups) for label, groups in told.items()}


def _show(out: Path, report: Report) -> None:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("control", "result"):
        table.add_column(heading)
    for heading in ("tested", "exceptions"):
        table.add_column(heading, justify="right")
    for tested in report.controls.values():
        word, style = RESULTS[tested.result]
        table.add_row(tested.control.title, Text(word, style=style), f"{tested.count:,}", f"{len(tested.exceptions):,}")
    terminal = console()
    terminal.print(table)
    terminal.print(Text(f"\nwritten to {out}: open report.html; check it with: python3 {out}/verify.py"), soft_wrap=True)


def _as_json(out: Path, report: Report) -> dict[str, object]:
    return {
        "folder": str(out),
        "entries": report.entries,
        "controls": [
            {
                "name": name,
                "result": tested.result,
                "tested": tested.count,
                "exceptions": [{"entry": f.entry, "about": f.about, "told": f.told} for f in tested.exceptions],
            }
            for name, tested in report.controls.items()
        ],
    }
