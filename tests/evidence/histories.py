"""A short history as a data directory has it: a signed log, and its index."""

from __future__ import annotations

from pathlib import Path

import pytest

from doorward.audit.reader import LogReader
from doorward.control.projection.keeping import Keeper
from tests.evidence.quarter import Quarter, write_log


@pytest.fixture(scope="session")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight days of the company. Tests read it and leave it as it is."""
    directory = tmp_path_factory.mktemp("history")
    write_log(directory / "log", Quarter(250, days=8).entries())
    keeper = Keeper(directory / "index", LogReader(directory / "log"))
    keeper.catch_up()
    keeper.close()
    return directory
