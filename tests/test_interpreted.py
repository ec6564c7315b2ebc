"""Each run of the tests exercises the build that it was asked for."""

import os
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES

import pytest

from tests import interpreted
from tests.architecture.source import PACKAGE, SOURCES, module_name

COMPILED_SOURCES = [path for path in SOURCES if path.stem.endswith("_cy")]
BUILT = {path: path.with_suffix(EXTENSION_SUFFIXES[0]) for path in COMPILED_SOURCES}


def test_every_module_runs_in_the_build_that_was_asked_for() -> None:
    """An interpreted run that silently runs compiled code, or the reverse, tests nothing."""
    asked = {"1": False, "0": True}.get(os.environ.get(interpreted.SETTING, ""))
    expected = {module_name(path): built.exists() if asked is None else asked for path, built in BUILT.items()}
    assert {name: import_module(name).is_compiled() for name in expected} == expected


def test_no_compiled_module_is_older_than_its_source() -> None:
    """A stale build hides changes; `make setup` brings it up to date."""
    if os.environ.get(interpreted.SETTING) == "1":
        pytest.skip("compiled modules are not used in this run")
    stale = [built.name for path, built in BUILT.items() if built.exists() and built.stat().st_mtime < path.stat().st_mtime]
    assert stale == []


def test_finder_leaves_other_modules_alone() -> None:
    """Only compiled modules of Doorward are redirected."""
    find = interpreted.SourceFinder.find_spec
    assert find("doorward.clock", [str(PACKAGE)]) is None
    assert find("elsewhere.fast_cy", [str(PACKAGE)]) is None
    assert find("doorward.absent_cy", [str(PACKAGE)]) is None
