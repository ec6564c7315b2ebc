"""What a suite is to the runner."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.suites.outcomes import Outcome
from tests.suites.targets import Target

# The interpreter of the environment that holds the drivers under test, under the folder of the fetched suites.
PYTHON = "venv/bin/python"


class Missing(Exception):
    """Something that a suite needs is not there; the message says what."""


class Unfinished(Exception):
    """Most of a suite did not run; the message says what did."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run finds fetched *sources* and may write: *scratch* is empty and its own, *python* has the drivers."""

    sources: Path
    scratch: Path

    @property
    def python(self) -> Path:
        """The interpreter of the environment that holds the drivers under test."""
        return self.sources / PYTHON


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite. *run* runs it on one road; *get* tells how to get what it needs, line by line.

    *needs* are the files without which it can't run: absolute, or under the folder of the fetched suites. Where fewer than
    *least* tests come out, most of it did not run, which is the same on both roads and proves nothing.
    """

    name: str
    title: str
    version: str
    get: tuple[str, ...]
    run: Callable[[Target, Place], dict[str, Outcome]]
    databases: tuple[str, ...] = ("suite",)
    preparation: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    least: int = 1

    def check(self, sources: Path) -> None:
        """Raises Missing when something that it needs is not there."""
        for name in self.needs:
            if not (sources / name).exists():
                raise Missing(f"{sources / name} is not there")

    def check_enough(self, outcomes: Mapping[str, Outcome], road: str) -> None:
        """Raises Unfinished when most of it did not run: the same on both roads, that would prove nothing."""
        if len(outcomes) < self.least:
            told = next((outcome.output for outcome in outcomes.values() if outcome.output), "")
            raise Unfinished(f"only {len(outcomes)} tests ran on the road {road}, of at least {self.least}. {told[-500:]}")


def run_command(command: list[str], target: Target, seconds: float, **options: object) -> subprocess.CompletedProcess[str]:
    """Run *command* with the way to *target* in its environment, both streams as one text; over time ends it."""
    environment = {**target.environment, **dict(options.pop("environment", {}))}  # type: ignore[call-overload]
    arguments = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace", **options}
    return subprocess.run(command, env=environment, timeout=seconds, check=False, **arguments)  # type: ignore[call-overload,no-any-return]
