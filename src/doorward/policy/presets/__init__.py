"""Presets: small sets of rules laid over the packaged ones. A file of a preset takes the place of one with its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

from doorward.errors import ConfigurationInvalid

PRESETS = {
    "soc2": "changes are for a ticket, and people say why they write",
    "hipaa": "health data is read for a purpose, over TLS, and never by agents",
    "pci": "card data stays masked, is read over TLS after a look, and never by agents",
    "development": "for data that may be lost: developers define and drop without being asked; masks stay",
}


def preset_texts(name: str) -> dict[str, str]:
    """The rules of a preset, file name to Cedar text. Raises ConfigurationInvalid for one that there isn't."""
    return _texts(_folder(name), ".cedar")


def preset_cases(name: str) -> dict[str, str]:
    """Its cases, file name to TOML."""
    return _texts(_folder(name).joinpath("tests"), ".toml")


def overlaid(texts: Mapping[str, str], presets: Iterable[str]) -> dict[str, str]:
    """*texts* with *presets* laid over them, in order."""
    laid = dict(texts)
    for name in presets:
        laid.update(preset_texts(name))
    return laid


def _folder(name: str) -> Traversable:
    if name not in PRESETS:
        raise ConfigurationInvalid(f"There is no preset {name}.", f"There are {', '.join(PRESETS)}.")
    return files("doorward.policy.presets").joinpath(name)


def _texts(folder: Traversable, ending: str) -> dict[str, str]:
    return {entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(ending)}
