"""``doorward policy init``: a folder of rules to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.terminal import console
from doorward.errors import Conflict

Preset = Annotated[
    list[str] | None,
    typer.Option("--preset", metavar="PRESET", help="soc2, hipaa, pci or development; repeatable.", show_default=False),
]


def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where to; it must be empty, or not there yet.")],
    preset: Preset = None,
) -> None:
    """Write the packaged rules and their cases to a folder, with presets laid over them, to change and publish from there.

    With a preset, packaged cases that come out otherwise by it are left out.

    Example: doorward policy init ./policy --preset pci --preset soc2
    """
    from doorward.policy.load import default_texts
    from doorward.policy.presets import overlaid, preset_cases
    from doorward.rehearsal.defaults import default_cases
    from doorward.rehearsal.presets import cases_that_hold

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Conflict(f"{folder} is not empty.", "Give a folder that is not there yet.")
    presets = preset or []
    texts = overlaid(default_texts(), presets)
    cases = cases_that_hold(texts, default_cases())
    for name in presets:
        cases.update(preset_cases(name))
    (folder / "tests").mkdir(parents=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name, text in cases.items():
        (folder / "tests" / name).write_text(text, encoding="utf-8")
    out = console()
    out.print(f"{len(texts)} files of rules and {len(cases)} of cases in {folder}", markup=False)
    out.print(f"Next: doorward policy test {folder}", style="dim", markup=False)
