"""``doorward audit archive``, ``verify-archive`` and ``restore``: parts of the log put away, checked, put back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from doorward.cli.client import data_directory
from doorward.cli.options import AsJson, DataDir
from doorward.cli.terminal import OK, REFUSED, console, say_json
from doorward.errors import InvalidRequest

Log = Annotated[
    Path | None,
    typer.Option("--log", help="The log's folder, or a copy.  [default: that of the data directory]", show_default=False),
]


def archive(
    before: Annotated[str, typer.Option(metavar="DAY", help="Put away what is older than this day (UTC), like 2027-01-31.")],
    to: Annotated[Path, typer.Option(help="The folder that archives are in; made when it is missing.", file_okay=False)],
    log: Log = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put a part of the log away, provable by itself: all that is older than a day and not in that folder yet.

    Nothing is taken from the log. An archive is a folder that is written once and never changed, named by its entries: it can
    go into a store whose objects are locked. Values in it stay sealed; they are read with the log's keys, which are not in it.

    [bold]Example:[/]  doorward audit archive --before 2027-01-01 --to /mnt/archive
    """
    from doorward.audit.archive import archive as put_away
    from doorward.audit.archive import verify_archive

    folder = put_away(log or data_directory(data_dir).log, to, _midnight(before))
    manifest, _problems = verify_archive(folder)
    if as_json:
        say_json({"archive": str(folder), "first": manifest.first, "end": manifest.end})
        return
    console().print(f"[bold green]put away[/]  entries {manifest.first:,} to {manifest.end - 1:,}")
    console().print(Text(f"          {folder}", style="dim"), soft_wrap=True)


def verify(
    folder: Annotated[Path, typer.Argument(help="An archive, as doorward audit archive printed it.", exists=True)],
    key: Annotated[str, typer.Option("--key", metavar="VKEY", help="The log's public key, from a place you trust.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check an archive by itself, without the log, and name what was altered. Ends with 1 when anything was.

    Without --key, the key in the archive is used: that shows damage, but not an archive that was forged whole.

    [bold]Example:[/]  doorward audit verify-archive /mnt/archive/000000000000-000000000512-9f2c... --key "$(cat log.pub)"
    """
    from doorward.audit.archive import verify_archive

    manifest, problems = verify_archive(folder, key or None)
    if as_json:
        found = [{"file": each.file, "index": each.index, "text": each.text} for each in problems]
        say_json({"intact": not problems, "first": manifest.first, "end": manifest.end, "problems": found})
    elif problems:
        console().print(Text("NOT INTACT", style="bold red"))
        for each in problems:
            console().print(Text("  ✗ ", style="red").append(str(each), style="default"), soft_wrap=True)
    else:
        console().print(f"[bold green]intact[/]  entries {manifest.first:,} to {manifest.end - 1:,} of {manifest.origin}")
    raise typer.Exit(REFUSED if problems else OK)


def restore(
    folder: Annotated[Path, typer.Argument(help="An archive, as doorward audit archive printed it.", exists=True)],
    key: Annotated[str, typer.Option("--key", metavar="VKEY", help="The log's public key, from a place you trust.")],
    log: Log = None,
    data_dir: DataDir = None,
) -> None:
    """Put back what the log lost, or what was altered in it, of the entries in an archive. Checks both before.

    [bold]Example:[/]  doorward audit restore /mnt/archive/000000000000-000000000512-9f2c... --key "$(cat log.pub)"
    """
    from doorward.audit.archive import restore as put_back

    count = put_back(folder, log or data_directory(data_dir).log, key)
    console().print(f"{count} file{'' if count == 1 else 's'} put back." if count else "Nothing was missing.")


def _midnight(day: str) -> int:
    try:
        return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1_000_000)
    except ValueError:
        raise InvalidRequest(f"{day!r} is not a day.", "Write it like 2027-01-31.") from None
