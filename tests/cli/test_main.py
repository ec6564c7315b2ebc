"""The command line as a whole: help that teaches, exit codes, no tracebacks."""

from __future__ import annotations

import time

import pytest

from tests.cli.commands import doorward

COMMANDS = {
    "demo", "up", "doctor", "version", "user", "service", "agent", "connect", "approvals", "approve", "reject", "status", "log",
    "catalog", "audit", "login", "logout", "whoami", "exec", "proxy", "scan", "detectors", "explain",
}  # fmt: skip


def test_help_names_every_command_and_the_exit_codes() -> None:
    """Whoever types doorward --help finds everything there is."""
    ended = doorward("--help")
    assert ended.code == 0
    assert [name for name in COMMANDS if f" {name} " not in ended.output] == []
    assert "0 done, 1 refused, not found or not intact, 2 wrong usage, 3 unavailable" in ended.everything


def test_help_is_quick() -> None:
    """Nothing heavy is loaded to print a page of text; the best of three, for other work goes on beside."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        doorward("--help")
        times.append(time.perf_counter() - began)
    assert min(times) < 1.0


@pytest.mark.parametrize(
    "command", ["demo", "up", "connect", "log", "approve", "audit verify", "user add", "agent add", "doctor", "explain"]
)
def test_help_of_a_command_teaches_by_example(command: str) -> None:
    """An example says more than a list of options."""
    ended = doorward(*command.split(), "--help")
    assert ended.code == 0
    assert f"doorward {command}" in ended.everything
    assert "Example" in ended.output


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("up",), ("log", "--limit", "no"), ("demo", "--exit"), ("agent", "add", "a")]
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    """Scripts can tell a typing mistake from a refusal."""
    ended = doorward(*arguments)
    assert ended.code == 2
    assert "Traceback" not in ended.everything


def test_version_is_that_of_the_package() -> None:
    """In words and as JSON."""
    from doorward import __version__

    assert doorward("version").output.strip() == f"doorward {__version__}"
    assert f'"version": "{__version__}"' in doorward("version", "--json").output
