"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# The same as in doorward.config, which takes too long to load for a --help.
DATA_DIRECTORY_VARIABLE = "DOORWARD_DATA_DIR"

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
