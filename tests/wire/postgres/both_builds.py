"""The compiled modules and the same source interpreted, side by side."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

from doorward.wire.postgres import framing_cy, rows_cy


@cache
def interpreted(name: str) -> ModuleType:
    """A ``*_cy`` module of this package loaded from its source, whatever lies beside it."""
    path = Path(framing_cy.__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"interpreted_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert not module.is_compiled()
    return module


FRAMINGS = [framing_cy, interpreted("framing_cy")]
ROWS = [rows_cy, interpreted("rows_cy")]
