"""Fixtures for every test."""

import os

import pytest

from tests import interpreted

interpreted.install_if_asked()

pytest_plugins = ["tests.live.servers"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--long``: search as long as a soak does, not as long as somebody who waits for it."""
    parser.addoption("--long", action="store_true", help="many more examples, larger sizes")


def pytest_configure(config: pytest.Config) -> None:
    """Modules read it when they are imported, which is later: see ``tests/patience.py``."""
    if config.getoption("--long"):
        os.environ["DOORWARD_LONG_TESTS"] = "1"
