"""A real log, and a scribe that writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from doorward.audit.log import AuditLog
from doorward.errors import AuditUnavailable
from doorward.proxy.scribe import Scribe
from tests.proxy.attempts import DAY, Later


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = AuditLog.open(tmp_path / "log")
    yield opened
    with suppress(AuditUnavailable):
        opened.close()


@pytest.fixture
def later() -> Later:
    return Later()


@pytest.fixture
def scribe(log: AuditLog, later: Later) -> Scribe:
    made = Scribe(log, b"k" * 32, later)
    made.seal_with(DAY.sealing, 0)
    return made
