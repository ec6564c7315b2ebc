"""``doorward audit``: check the log, and prove an entry, without trusting whoever runs Doorward."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from doorward.cli import archives, log_keys, proofs
from doorward.cli.client import data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import EXIT_CODES_HELP, OK, REFUSED, console, counting, say_json
from doorward.errors import NotFound

if TYPE_CHECKING:
    from doorward.audit.verify import Problem, Report

PROBLEMS_TOLD = 20

audit = typer.Typer(no_args_is_help=True, help=f"Check the log and prove entries, offline.\n\n{EXIT_CODES_HELP}")

audit.command("keys")(log_keys.keys)
audit.command("erase-key")(log_keys.erase_key)
audit.command("rotate-keys")(log_keys.rotate_keys)
audit.command("hold")(log_keys.hold)
audit.command("release")(log_keys.release)
audit.command("archive")(archives.archive)
audit.command("verify-archive")(archives.verify)
audit.command("restore")(archives.restore)
audit.command("check-proof")(proofs.check_proof)
audit.command("extends")(proofs.extends)
audit.command("witness")(proofs.witness)

LogFolder = Annotated[
    Path | None,
    typer.Option("--log", help="The log's folder, or a copy.  [default: that of the data directory]", show_default=False),
]


@audit.command("verify")
def verify_log(
    log: LogFolder = None,
    key: Annotated[
        str, typer.Option("--key", metavar="VKEY", help="The log's public key, from a place you trust: the line in log.pub.")
    ] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check every entry, hash and signature of the log, and name what was altered. Ends with 1 when anything was.

    Without --key, the key beside the log is used: that shows damage, but not a log that was forged whole.

    [bold]Examples:[/]  doorward audit verify     doorward audit verify --log /backup/log --key "$(cat log.pub)"
    """
    from doorward.audit.verify import verify

    folder = _folder(log, data_dir)
    if as_json:
        report = verify(folder, key or None)
        _say_json(folder, report)
    else:
        report = counting("checking", lambda progress: verify(folder, key or None, progress))
        _say(folder, report)
    raise typer.Exit(OK if report.is_sound else REFUSED)


@audit.command("proof")
def prove_entry(
    index: Annotated[int, typer.Argument(metavar="INDEX", help="The entry's number, as doorward log shows it.", min=0)],
    log: LogFolder = None,
    data_dir: DataDir = None,
) -> None:
    """Print a proof (C2SP tlog-proof) that an entry is in the log, for whoever has the log's public key.

    [bold]Example:[/]  doorward audit proof 42 > entry-42.tlog-proof
    """
    from doorward.audit.proofs import inclusion_proof

    typer.echo(inclusion_proof(_folder(log, data_dir), index), nl=False)


@audit.command("reindex")
def reindex(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Make the search index anew from the whole log. Doorward must not run: it makes a lost or damaged index anew by itself.

    [bold]Example:[/]  doorward audit reindex
    """
    import time

    from doorward.audit.reader import LogReader
    from doorward.control.projection.keeping import Keeper

    data = data_directory(data_dir)
    folder = _folder(None, data_dir)
    started = time.monotonic()
    keeper = Keeper(data.index, LogReader(folder))
    try:
        covered = counting("indexing", keeper.rebuild)
    finally:
        keeper.close()
    seconds = time.monotonic() - started
    if as_json:
        say_json({"index": str(data.index), "entries": covered, "seconds": round(seconds, 3)})
    else:
        console().print(f"[green]done[/] {covered:,} entries in {seconds:.1f} s")


@audit.command("show")
def show_entry(
    index: Annotated[int, typer.Argument(metavar="INDEX", help="The entry's number, as doorward log shows it.", min=0)],
    raw: Annotated[bool, typer.Option("--raw", help="The very bytes that are hashed, what is sealed sealed.")] = False,
    log: LogFolder = None,
    data_dir: DataDir = None,
) -> None:
    """Print one entry as JSON, with its statement and errors whole and as they were sent.

    [bold]Example:[/]  doorward audit show 42 | jq .statement
    """
    from doorward.audit.day_keys import opener
    from doorward.audit.reader import LogReader
    from doorward.audit.whole import whole_entry

    folder = _folder(log, data_dir)
    reader = LogReader(folder)
    found = list(reader.entries(index, index + 1)) if index < reader.size() else []
    if not found:
        raise NotFound(f"There is no entry {index}.", "The latest ones: doorward log")
    if raw:
        typer.echo(found[0][1].decode())
        return
    data = data_directory(data_dir)
    say_json(whole_entry(found[0][1], folder, opener(data.day_keys, data.wrapping_key)))


def _folder(log: Path | None, data_dir: Path | None) -> Path:
    folder = log or data_directory(data_dir).log
    if not folder.is_dir():
        raise NotFound(
            f"There is no log in {folder}.", "Give the log's folder with --log, or the data directory with --data-dir."
        )
    return folder


def _say(folder: Path, report: Report) -> None:
    out = console()
    counted = f"{report.size:,} entries, {report.checkpoint_size:,} of them under the signed checkpoint"
    if report.is_sound:
        out.print(Text("intact", style="bold green").append(f"  {counted}", style="default"))
        out.print(Text(f"        {folder}", style="dim"), soft_wrap=True)
        return
    out.print(Text("NOT INTACT", style="bold red").append(f"  {counted}", style="default"))
    out.print(Text(f"            {folder}", style="dim"), soft_wrap=True)
    by_entry: dict[int, list[Problem]] = {}
    for position, problem in enumerate(report.problems):
        # What belongs to no entry stands for itself.
        by_entry.setdefault(problem.index if problem.index >= 0 else -1 - position, []).append(problem)
    for index, problems in list(by_entry.items())[:PROBLEMS_TOLD]:
        where = f"entry {index}: " if index >= 0 else ""
        rest = f" ({len(problems) - 1} more findings about it)" if len(problems) > 1 else ""
        out.print(Text("  ✗ ", style="red").append(f"{where}{problems[0]}", style="default").append(rest, style="dim"))
    if len(by_entry) > PROBLEMS_TOLD:
        out.print(f"  and {len(by_entry) - PROBLEMS_TOLD} entries more")
    out.print("  --json lists every finding", style="dim")


def _say_json(folder: Path, report: Report) -> None:
    problems = [
        {"file": found.file, "start": found.start, "end": found.end, "index": found.index, "text": found.text}
        for found in report.problems
    ]
    say_json(
        {
            "log": str(folder),
            "intact": report.is_sound,
            "entries": report.size,
            "signed": report.checkpoint_size,
            "pending": report.pending,
            "problems": problems,
        }
    )
