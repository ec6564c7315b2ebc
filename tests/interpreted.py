"""Imports ``*_cy`` modules from their source although a compiled one lies beside it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

SETTING = "DOORWARD_PURE"  # "1": interpreted, "0": compiled or fail, not set: whatever there is


class SourceFinder:
    """Finds the source of compiled modules of Doorward, and nothing else."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The source's spec, or None when *name* is for another finder."""
        if not (name.startswith("doorward.") and name.endswith("_cy")):
            return None
        files = (Path(entry, name.rpartition(".")[2] + ".py") for entry in path or ())
        return next((spec_from_file_location(name, file) for file in files if file.exists()), None)


def install_if_asked() -> None:
    """Take effect for all later imports when the setting says so. Call it before anything of Doorward is imported."""
    if os.environ.get(SETTING) != "1":
        return
    early = [name for name in sys.modules if name.startswith("doorward.") and name.endswith("_cy")]
    assert not early, f"imported too early to be interpreted: {early}"
    sys.meta_path.insert(0, SourceFinder())
