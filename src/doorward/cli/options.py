"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from doorward.config import DATA_DIRECTORY_VARIABLE

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar=DATA_DIRECTORY_VARIABLE,
        help="Where Doorward keeps identities, rules, keys and the log.  [default: ~/.local/share/doorward]",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
