"""What the demo says once it is up."""

from __future__ import annotations

from pathlib import Path

import pytest

from doorward.demo.welcome import program


def test_commands_are_told_as_they_can_be_typed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By name where PATH leads to it, else by the way from here."""
    installed = tmp_path / "venv" / "bin" / "doorward"
    installed.parent.mkdir(parents=True)
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(installed)])
    monkeypatch.setenv("PATH", str(installed.parent))
    assert program() == "doorward"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == "venv/bin/doorward"
