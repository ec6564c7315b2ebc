"""``doorward up`` on bad input: a cause and a remedy, never the password, never a traceback."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.commands import Running, doorward

PASSWORD = "hunter2hunter2"


@pytest.mark.parametrize(
    "url",
    [
        f"alice:{PASSWORD}@host/db",
        f"mysql://alice:{PASSWORD}@host/db",
        f"postgresql://alice:{PASSWORD}[@host/db",
        f"postgresql://alice:{PASSWORD}@host:port/db",
        f"postgresql://alice:{PASSWORD}@host",
        f"postgresql://alice:{PASSWORD}@host/db?sslmode=maybe",
        f"postgresql://alice:x#{PASSWORD}@host/db",
        f"postgresql://alice:x/{PASSWORD}@host/db",
        f"postgresql://alice:x?{PASSWORD}@host/db",
        f"postgresql://host/db?pass={PASSWORD}",
    ],
)
def test_garbage_url_is_told_without_its_password(tmp_path: Path, url: str) -> None:
    """Terminals are shared and logged."""
    ended = doorward("up", url, "--data-dir", str(tmp_path / "data"))
    assert ended.code == 3, ended.everything
    assert "error:" in ended.everything
    assert "fix:" in ended.everything
    assert PASSWORD not in ended.everything
    assert "Traceback" not in ended.everything


BAD_LIMITS = ["--max-sessions=0", "--max-sessions-of-one=-1", "--max-signing-in=x", "--sign-in-seconds=0"]


@pytest.mark.parametrize("option", BAD_LIMITS)
def test_limits_that_let_nobody_in_are_refused(tmp_path: Path, option: str) -> None:
    """As wrong usage."""
    ended = doorward("up", "postgresql://a:b@127.0.0.1/db", "--data-dir", str(tmp_path), option)
    assert ended.code == 2
    assert option.partition("=")[0] in ended.everything


def test_upstream_that_is_down_is_named(tmp_path: Path) -> None:
    """Host and port, so that it is clear which one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        ended = doorward(
            "up", f"postgresql://a:{PASSWORD}@127.0.0.1:{port}/db", "--data-dir", str(tmp_path), "--console-port", "0"
        )
    assert ended.code == 3
    assert str(port) in ended.everything
    assert "fix:" in ended.everything
    assert PASSWORD not in ended.everything
    assert "Traceback" not in ended.everything


@pytest.mark.live
def test_wrong_upstream_password_is_told_as_such(running: Running, tmp_path: Path) -> None:
    """The role is named, the password is not."""
    parts = urlsplit(running.url)
    url = f"postgresql://{parts.username}:{PASSWORD}@{parts.hostname}:{parts.port}{parts.path}"
    ended = doorward("up", url, "--data-dir", str(tmp_path), "--console-port", "0", "--port", "0")
    assert ended.code == 3
    assert "password" in ended.everything.lower()
    assert PASSWORD not in ended.everything
    assert "Traceback" not in ended.everything


@pytest.mark.parametrize("path", ["/dev/null/x", "/proc/doorward"])
def test_data_directory_that_cannot_be_made_is_named(path: str) -> None:
    """Root can write anywhere but there."""
    ended = doorward("up", "postgresql://a:b@127.0.0.1:1/db", "--data-dir", path)
    assert ended.code == 3
    assert path in ended.everything
    assert "--data-dir" in ended.everything
    assert "Traceback" not in ended.everything


@pytest.mark.live
@pytest.mark.parametrize(("option", "other"), [("--port", "--console-port"), ("--console-port", "--port")])
def test_taken_port_is_named_with_the_option_to_change_it(running: Running, tmp_path: Path, option: str, other: str) -> None:
    """For clients and for the console alike."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = doorward("up", running.url, "--data-dir", str(tmp_path), option, str(port), other, "0")
    assert ended.code == 3
    assert str(port) in ended.everything
    assert option in ended.everything
    assert "Traceback" not in ended.everything


@pytest.mark.live
def test_second_start_with_the_same_data_directory_is_refused(running: Running) -> None:
    """Two would write one log."""
    ended = doorward("up", running.url, "--data-dir", str(running.data), "--port", "0", "--console-port", "0")
    assert ended.code != 0
    assert "runs already" in ended.everything
    state = json.loads((running.data / "run" / "state.json").read_text())
    os.kill(state["pid"], 0)
