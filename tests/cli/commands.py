"""The ``doorward`` command as a process of its own, which is what people run."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """What a command printed, and how it ended."""

    output: str
    errors: str
    code: int

    @property
    def everything(self) -> str:
        """Both streams, with the line breaks of wrapped text taken out."""
        return " ".join((self.output + self.errors).split())


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without what would change a command's meaning or looks."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DOORWARD_", "PG"))}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "100", "TERM": "dumb", **variables}


def doorward(*arguments: str, **variables: str) -> Ended:
    """Run ``doorward`` to its end."""
    ended = subprocess.run(
        [sys.executable, "-m", "doorward", *arguments],
        capture_output=True,
        text=True,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    return Ended(ended.stdout, ended.stderr, ended.returncode)


@dataclass(frozen=True)
class Running:
    """A ``doorward up`` that serves."""

    data: Path
    url: str
    process: subprocess.Popen[str]

    def doorward(self, *arguments: str, **variables: str) -> Ended:
        """Run a command against it."""
        return doorward(*arguments, DOORWARD_DATA_DIR=str(self.data), **variables)
