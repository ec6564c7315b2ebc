"""What operators read on standard error."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from doorward import telemetry
from tests.architecture.source import SOURCES


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    """The one logger, put back as it was."""
    ours = logging.getLogger("doorward")
    kept = (ours.handlers, ours.level, ours.propagate)
    yield ours
    ours.handlers, ours.level, ours.propagate = kept


def test_an_event_is_one_line_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """To standard error, so that it never mixes with a command's output."""
    telemetry.configure("INFO")
    telemetry.log("gateway.started", port=6432, entries=3)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.endswith("INFO gateway.started port=6432 entries=3\n")


def test_what_is_below_the_level_is_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings and errors alone, unless asked for more."""
    telemetry.configure()
    telemetry.log("gateway.started", port=6432)
    telemetry.log("link.lost", level=logging.WARNING)
    told = capsys.readouterr().err
    assert "gateway.started" not in told
    assert "WARNING link.lost" in told


def test_configuring_again_does_not_tell_twice(capsys: pytest.CaptureFixture[str]) -> None:
    """One handler, and none of the root's."""
    telemetry.configure("INFO")
    telemetry.configure("INFO")
    telemetry.log("gateway.stopped")
    assert capsys.readouterr().err.count("gateway.stopped") == 1


def test_a_crash_is_told_with_where_it_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback is for operators alone."""
    telemetry.configure()
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        telemetry.log_crash("session.crashed", session="ses_1")
    told = capsys.readouterr().err
    assert "ERROR session.crashed session=ses_1" in told
    assert "Traceback" in told
    assert "RuntimeError: broken" in told


@pytest.mark.parametrize("tell", [telemetry.log, telemetry.log_crash])
def test_an_event_that_is_not_listed_is_a_mistake(tell: object) -> None:
    """Operators rely on the list."""
    assert callable(tell)
    with pytest.raises(AssertionError, match=r"session\.exploded"):
        tell("session.exploded")


def test_every_event_is_listed_and_every_listed_one_told() -> None:
    """The list is what the source says, no more and no less."""
    told = {
        event
        for path in SOURCES
        for event in re.findall(r"telemetry\.log(?:_crash)?\(\s*\"([a-z.]+)\"", path.read_text(encoding="utf-8"))
    }
    assert told == telemetry.EVENTS
