"""Scanners that are compiled once for all tests."""

from __future__ import annotations

import pytest

from doorward.detectors.scanner import Scanner


@pytest.fixture(scope="session")
def scanner() -> Scanner:
    """The built-in rules with the best engine of this machine."""
    return Scanner()


@pytest.fixture(scope="session")
def plain_scanner() -> Scanner:
    """The same rules without Vectorscan."""
    return Scanner(plain=True)
