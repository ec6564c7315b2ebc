"""The tour: seven steps with real clients against the running demo, each held to what it promises."""

from __future__ import annotations

import select
import sys

from rich.console import Console
from rich.text import Text

from doorward.clock import now_us
from doorward.demo.pages import Page
from doorward.demo.promises import Finding
from doorward.demo.show import Stage, Tour
from doorward.demo.steps import STEPS, Scene, Step
from doorward.demo.truth import Truth
from doorward.errors import DoorwardError


def tour_of(*, pauses: bool) -> Tour:
    """The tour as the demo gives it; *pauses* waits for Enter between steps."""

    def tour(stage: Stage, out: Console) -> int:
        scene = Scene(stage, Truth(stage.server), Page(out), now_us())
        held = take_steps(STEPS, scene, pauses=pauses and sys.stdin.isatty())
        out.print()
        out.print(Text(summary(held, len(STEPS)), style="bold green" if held == len(STEPS) else "bold red"))
        return 0 if held == len(STEPS) else 1

    return tour


def summary(held: int, total: int) -> str:
    """The last line."""
    return f"tour: {held}/{total} steps hold"


def take_steps(steps: tuple[Step, ...], scene: Scene, *, pauses: bool) -> int:
    """Take all steps; how many of them hold. A step that can't be taken does not hold."""
    held = 0
    for number, step in enumerate(steps, 1):
        if pauses:
            _await_enter(scene)
        if scene.stage.is_ending():
            break
        scene.page.heading(number, len(steps), step.title)
        findings = _take(step, scene)
        scene.page.findings(findings)
        held += bool(findings) and all(finding.holds for finding in findings)
    return held


def _take(step: Step, scene: Scene) -> list[Finding]:
    import subprocess

    import psycopg

    try:
        return step.take(scene)
    except (psycopg.Error, DoorwardError, OSError, ValueError, subprocess.SubprocessError) as error:
        return [Finding(f"the step could not be taken: {type(error).__name__}: {error}", False)]


def _await_enter(scene: Scene) -> None:
    scene.page.note("\nEnter goes on, Ctrl-C ends it all.")
    while not scene.stage.is_ending():
        if select.select([sys.stdin], [], [], 0.2)[0]:
            sys.stdin.readline()
            return
