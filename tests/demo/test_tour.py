"""The tour, whole and unattended, as a visitor starts it; and what is left of it afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.cli.commands import doorward, environment

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not installed"),
]


def processes_in(folder: Path) -> list[str]:
    """Command lines of processes that name *folder*."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            except OSError:
                continue
            if str(folder) in line:
                found.append(line)
    return found


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """A folder for temporary files that the database's account can pass through."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.is_relative_to(tempfile.gettempdir()) and folder != Path(tempfile.gettempdir()):
            folder.chmod(0o711)
    return tmp_path


@pytest.mark.timeout(180)
def test_tour_holds_and_leaves_nothing_behind(temporary: Path) -> None:
    """Seven of seven, as the last line; no process and no file of it stays."""
    ended = subprocess.run(
        [sys.executable, "-m", "doorward", "demo", "--tour", "--exit"],
        capture_output=True,
        text=True,
        env=environment(TMPDIR=str(temporary)),
        stdin=subprocess.DEVNULL,
        timeout=170,
    )
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]
    assert ended.stdout.rstrip("\n").splitlines()[-1] == "tour: 7/7 steps hold"
    assert "✗" not in ended.stdout.replace("✗ entry", "")
    assert "Traceback" not in ended.stderr
    assert list(temporary.iterdir()) == []
    assert processes_in(temporary) == []


@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_demo_ends_cleanly_when_told_to(temporary: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM alike, and nothing stays."""
    process, said = start(temporary=temporary)
    assert 'psql "postgresql://report-bot:dwd_' in said
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert list(temporary.iterdir()) == []
    deadline = time.monotonic() + 5
    while processes_in(temporary) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_in(temporary) == []


@pytest.mark.timeout(180)
def test_missing_psql_is_told_with_the_command_that_installs_it(temporary: Path) -> None:
    """Before anything is started."""
    ended = subprocess.run(
        [sys.executable, "-m", "doorward", "demo", "--tour", "--exit"],
        capture_output=True,
        text=True,
        env=environment(TMPDIR=str(temporary), PATH=os.path.dirname(sys.executable)),
        timeout=60,
    )
    assert ended.returncode != 0
    assert "apt-get install postgresql-client" in ended.stderr
    assert "Traceback" not in ended.stderr


def start(*options: str, temporary: Path) -> tuple[subprocess.Popen[str], str]:
    """A demo that is up, and what it has said so far."""
    process = subprocess.Popen(
        [sys.executable, "-m", "doorward", "demo", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(TMPDIR=str(temporary), PYTHONUNBUFFERED="1"),
    )
    assert process.stdout is not None
    said = ""
    while "until Ctrl-C" not in said:
        line = process.stdout.readline()
        assert line, said
        said += line
    return process, said


@pytest.mark.timeout(180)
def test_data_directory_makes_the_demo_last(temporary: Path) -> None:
    """A second start finds database, people and log again; a file that is open to nobody else stays so."""
    kept = temporary / "kept"
    for expected in ("110,044 rows", "as it was left"):
        process, said = start("--data-dir", str(kept), temporary=temporary)
        try:
            assert expected in said
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
        assert process.returncode == 0
    log = doorward("log", "--data-dir", str(kept), "--limit", "500").output
    assert log.count("Doorward stopped in order") == 2
    assert log.count("principal.added: alice") == 1
    assert kept.stat().st_mode & 0o007 == 0
    assert (kept / "demo-postgres" / "access.json").stat().st_mode & 0o077 == 0
    assert processes_in(temporary) == []
