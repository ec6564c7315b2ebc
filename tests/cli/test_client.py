"""Commands that need a running Doorward, when none runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands import doorward

NEEDING = (
    ("status",), ("user", "add", "alice"), ("user", "list"), ("service", "add", "etl"),
    ("agent", "add", "bot", "--acting-for", "alice"),
    ("connect", "alice"), ("approvals",), ("approve", "req_1", "--as", "bob"), ("catalog",), ("log",),
)  # fmt: skip


@pytest.mark.parametrize("arguments", NEEDING)
def test_every_command_says_how_to_start_when_nothing_runs(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Cause, remedy, exit code 3, and no traceback."""
    ended = doorward(*arguments, DOORWARD_DATA_DIR=str(tmp_path / "none"))
    assert ended.code == 3
    assert "error: Doorward does not run with the data directory" in ended.everything
    assert "doorward up postgresql://" in ended.everything
    assert "Traceback" not in ended.everything


def test_left_over_state_of_a_dead_process_counts_as_not_running(tmp_path: Path) -> None:
    """After a kill -9 the state file is still there."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "state.json").write_text('{"pid": 4194304, "console": "http://127.0.0.1:1"}')
    ended = doorward("status", "--data-dir", str(tmp_path))
    assert ended.code == 3
    assert "does not run" in ended.everything
