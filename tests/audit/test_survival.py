"""What crashes, power cuts and decay leave of a log with several journals: it goes on, or says exactly what is wrong."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import doorward.audit.verify as verifying
from doorward.audit.checkpoint import create_key, load_key, load_vkey
from doorward.audit.journal import journal_name, segments
from doorward.audit.log import AuditLog
from doorward.audit.order import ORDER_FILE
from doorward.audit.reader import LogReader
from doorward.audit.sequencer import Sequencer
from doorward.audit.verify import verify
from doorward.errors import ConfigurationInvalid
from doorward.model.entry import ServiceStarted
from tests.patience import either

JOURNALS = 3


def write(log: AuditLog, *times: int) -> None:
    for at_us in times:
        log.append(ServiceStarted(at_us=at_us, resumed_at=log.journal, version="1"))
    log.flush()


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Three journals; nine entries signed in two batches, and one more in each that is not signed."""
    directory = tmp_path / "log"
    logs = [AuditLog.open(directory, journal=number) for number in range(JOURNALS)]
    sequencer = Sequencer(directory, create_key(directory, "log.test"))
    for start in (10, 20):
        for log in logs:
            write(log, start + log.journal, start + log.journal + 3)
        sequencer.step()
    sequencer.close()
    for log in logs:
        write(log, 30 + log.journal)
        log.close()
    return directory


def test_a_flipped_bit_anywhere_in_a_shared_log_is_found(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every file that has a part in it: journals, order, tiles, bundles, checkpoint."""
    monkeypatch.setattr(verifying, "_TAIL_PATIENCE_SECONDS", 0)
    vkey = str(load_vkey(shared))
    assert verify(shared, vkey).is_sound
    files = [path for path in sorted(shared.rglob("*")) if path.is_file()]
    missed: list[tuple[str, int]] = []
    for path in files:
        name = path.relative_to(shared).as_posix()
        if name.endswith("lock") or name in ("log.key", "log.pub"):
            continue
        content = path.read_bytes()
        for position in range(0, len(content), either(7, 1)):
            path.write_bytes(content[:position] + bytes([content[position] ^ 1 << position % 7]) + content[position + 1 :])
            if verify(shared, vkey).is_sound:
                missed.append((name, position))
        path.write_bytes(content)
    assert missed == []


def test_every_byte_of_the_signing_key_counts(shared: Path) -> None:
    """A key that is not the one that it was signs nothing."""
    path = shared / "log.key"
    content = path.read_bytes()
    for position in range(len(content) - 1):
        path.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        with pytest.raises(ConfigurationInvalid):
            load_key(shared)
    path.write_bytes(content)
    assert load_key(shared).vkey == load_vkey(shared)


@pytest.mark.parametrize("seed", range(either(6, 200)))
def test_a_power_cut_of_several_journals_is_survived(tmp_path: Path, seed: int) -> None:
    """Each is cut at another byte behind what was on stable storage; what is left is whole, in order, and goes on."""
    dice = random.Random(seed)
    directory = tmp_path / "log"
    logs = [AuditLog.open(directory, journal=number) for number in range(JOURNALS)]
    sequencer = Sequencer(directory, create_key(directory, "log.test"))
    for log in logs:
        write(log, *range(100 * log.journal, 100 * log.journal + dice.randrange(1, 9)))
        done: list[object] = []
        log.when_durable(log.size - 1, done.append)
        _wait(lambda log=log: log.durable == log.size)
    sequencer.step()
    durable = {log.journal: (log.durable, _last(directory, log.journal).stat().st_size) for log in logs}
    for log in logs:
        write(log, *range(1_000, 1_000 + dice.randrange(0, 6)))
    copy = tmp_path / "after"
    shutil.copytree(directory, copy)
    sequencer.close()
    for log in logs:
        log.close()
    for journal, (_count, kept) in durable.items():
        path = _last(copy, journal)
        with path.open("r+b") as file:
            file.truncate(dice.randrange(kept, path.stat().st_size + 1))
    vkey = str(load_vkey(copy))
    reopened = [AuditLog.open(copy, journal=number) for number in range(JOURNALS)]
    for log in reopened:
        assert log.recovery.entries >= durable[log.journal][0]
        write(log, 5_000)
        log.close()
    sequencer = Sequencer(copy, load_key(copy))
    sequencer.step()
    sequencer.close()
    report = verify(copy, vkey)
    assert report.problems == ()
    assert report.checkpoint_size == report.size == len(list(LogReader(copy).entries()))


def test_an_order_that_is_lost_is_told(shared: Path) -> None:
    """It says whose entries come next; without it nothing is signed."""
    (shared / ORDER_FILE).unlink()
    problems = verify(shared, str(load_vkey(shared))).problems
    assert problems


def _last(directory: Path, journal: int) -> Path:
    assert (directory / journal_name(journal)).is_dir()
    return segments(directory, journal)[-1].path


def _wait(condition: Callable[[], bool]) -> None:
    import time

    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)
