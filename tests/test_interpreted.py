"""Each run of the tests exercises the build that it was asked for."""

import os
from importlib import import_module

import pytest

from tests import interpreted
from tests.architecture.source import PACKAGE, SOURCES, module_name

COMPILED_SOURCES = [path for path in SOURCES if path.stem.endswith("_cy")]


@pytest.mark.parametrize("path", COMPILED_SOURCES, ids=module_name)
def test_module_runs_in_the_build_that_was_asked_for(path) -> None:
    """An interpreted run that silently runs compiled code, or the reverse, tests nothing."""
    asked = os.environ.get(interpreted.SETTING)
    built = any(path.parent.glob(f"{path.stem}.*.so"))
    expected = {"1": False, "0": True}.get(asked, built)
    assert import_module(module_name(path)).is_compiled() is expected


@pytest.mark.parametrize("path", COMPILED_SOURCES, ids=module_name)
def test_compiled_module_is_not_older_than_its_source(path) -> None:
    """A stale build hides changes; `make setup` brings it up to date."""
    stale = [built.name for built in path.parent.glob(f"{path.stem}.*.so") if built.stat().st_mtime < path.stat().st_mtime]
    assert not stale or os.environ.get(interpreted.SETTING) == "1"


def test_finder_leaves_other_modules_alone() -> None:
    """Only compiled modules of Doorward are redirected."""
    find = interpreted.SourceFinder.find_spec
    assert find("doorward.clock", [str(PACKAGE)]) is None
    assert find("elsewhere.fast_cy", [str(PACKAGE)]) is None
    assert find("doorward.absent_cy", [str(PACKAGE)]) is None
