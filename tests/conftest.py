"""Fixtures for every test."""

from tests import interpreted

interpreted.install_if_asked()

pytest_plugins = ["tests.live.servers"]
