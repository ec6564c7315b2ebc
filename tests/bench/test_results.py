"""A run is saved and read again without loss."""

from pathlib import Path

import msgspec
import pytest

from tests.bench import results
from tests.bench.runs import cell, run


def test_a_run_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    """Failed rounds too, in their place."""
    saved = run(cell("select", {"direct": [1.0, None, 3.0]}, {"direct": [5.0, 6.0, 7.0]}))
    saved.skipped["haproxy"] = "it is not installed"
    saved.failures.append("select direct: it broke")
    path = tmp_path / "deep" / "run.json"
    results.save(saved, path)
    assert results.load(path) == saved
    assert saved.cells[0].values("direct") == [1.0, None, 3.0]
    assert saved.cells[0].cpu_us("direct") == [5.0, None, 7.0]
    assert saved.cells[0].values("nobody") == []


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    """Not half read."""
    path = tmp_path / "run.json"
    path.write_text('{"cells": []}')
    with pytest.raises(msgspec.ValidationError):
        results.load(path)
