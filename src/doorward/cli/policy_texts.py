"""Which rules a command of ``doorward policy`` speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.client import data_directory
from doorward.errors import ConfigurationInvalid

Folder = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FOLDER]", help="A folder of *.cedar files.  [default: the rules of the data directory]", show_default=False
    ),
]
PACKAGED = "the packaged rules"


@dataclass(frozen=True, slots=True)
class Texts:
    """Rules as files: where they are, in words; their folder, None for the packaged ones; and file name to Cedar text."""

    where: str
    folder: Path | None
    files: dict[str, str]


def texts_of(folder: Path | None, data_dir: Path | None) -> Texts:
    """The rules in *folder*, or in the data directory, or the packaged ones. Raises ConfigurationInvalid."""
    from doorward.config import read_texts
    from doorward.policy.load import default_texts

    if folder is not None:
        if not folder.is_dir():
            raise ConfigurationInvalid(f"There is no folder {folder}.", "Give the folder that holds the *.cedar files.")
        files = read_texts(folder, "*.cedar")
        if not files:
            raise ConfigurationInvalid(f"The folder {folder} holds no *.cedar file.", "Give the folder that holds them.")
        return Texts(str(folder), folder, files)
    own = data_directory(data_dir).policy
    files = read_texts(own, "*.cedar")
    return Texts(str(own), own, files) if files else Texts(PACKAGED, None, default_texts())
