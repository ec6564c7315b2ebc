"""The cases that the packaged rules come with."""

from __future__ import annotations

from importlib.resources import files


def default_cases() -> dict[str, str]:
    """File name to TOML."""
    folder = files("doorward.policy").joinpath("defaults", "tests")
    return {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")}
