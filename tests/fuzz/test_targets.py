"""The fuzzer's targets hold over their seeds and over noise, and would notice what they are there to notice."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from doorward.wire.postgres import messages, rows_cy
from tests.fuzz import runner
from tests.fuzz.targets import TARGETS
from tests.patience import examples

NAMES = sorted(TARGETS)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong_with_the_seeds(name: str) -> None:
    """Those that are made and those that real clients left."""
    recorded = [path.read_bytes() for path in sorted((runner.SEEDS / name).glob("*"))]
    made = TARGETS[name].seeds()
    assert made
    for seed in [*made[:60], *recorded]:
        TARGETS[name].run(seed)


@examples(150, 5_000)
@hypothesis.given(st.sampled_from([name for name in NAMES if name != "dialogue"]), st.binary(max_size=80))
def test_noise_is_never_wrong(name: str, noise: bytes) -> None:
    """Any bytes for any target."""
    TARGETS[name].run(noise)


@pytest.mark.parametrize("target", [name for name in NAMES if (runner.SEEDS / name).exists()])
def test_seeds_fit_the_engine(target: str) -> None:
    """Longer ones would be cut, and mean something else."""
    assert all(len(path.read_bytes()) <= 4096 for path in (runner.SEEDS / target).glob("*"))


def test_every_recorded_seed_is_of_a_target() -> None:
    """A target that is renamed takes its seeds along."""
    assert {path.name for path in runner.SEEDS.iterdir()} <= set(TARGETS)


@pytest.mark.parametrize("code", range(1, 7))
def test_a_mask_that_hides_nothing_would_be_found(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """The target looks at the values, not only for exceptions."""
    seed = bytes([1, code]) + messages.data_row([b"alice@example.com"])
    TARGETS["rows"].run(seed)

    def hide_nothing(buffer: bytes, start: int, end: int, *_plan: Any) -> tuple[bytes, int]:
        return buffer[start:end], 1

    monkeypatch.setattr(rows_cy, "mask_rows", hide_nothing)
    with pytest.raises(AssertionError):
        TARGETS["rows"].run(seed)


def _ended(code: int, log: Path, words: str) -> runner.Work:
    log.write_text(words)
    process = subprocess.Popen(["sh", "-c", f"exit {code}"])
    process.wait()
    return runner.Work("rows", process, log, log.open("ab"))


def test_progress_is_told_in_the_engines_numbers(tmp_path: Path) -> None:
    """Runs, branches, inputs, pace; by the latest line."""
    words = "#4096\tpulse  cov: 30 ft: 41 corp: 7/90b lim: 43 exec/s: 2048 rss: 60Mb\n"
    words += "#8192\tNEW    cov: 33 ft: 45 corp: 9/99b lim: 80 exec/s: 1024 rss: 61Mb L: 3/80\n"
    work = _ended(0, tmp_path / "log", words)
    assert work.progress() == "rows: 8,192 runs, 33 branches, 9 inputs, 1024/s"
    assert runner.finding_of(work) == ""


def test_a_finding_says_what_went_wrong_and_how_to_see_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception, and a command."""
    monkeypatch.setattr(runner, "ROOT", tmp_path)
    monkeypatch.setattr(runner, "BUILD", tmp_path / "build")
    findings = tmp_path / "build" / "rows" / "findings"
    findings.mkdir(parents=True)
    (findings / "crash-1").write_bytes(b"x")
    told = runner.finding_of(_ended(77, tmp_path / "log", " === Uncaught Python exception: ===\nAssertionError: no more\n"))
    assert "AssertionError: no more" in told
    assert "python -m tests.fuzz.one_target rows build/rows/findings/crash-1" in told
