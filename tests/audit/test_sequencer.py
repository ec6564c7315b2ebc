"""From journal to signed tiles: crash-safe at every step, and never a signature over a hole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from doorward.audit.checkpoint import create_key, load_key
from doorward.audit.journal import segments
from doorward.audit.log import AuditLog
from doorward.audit.merkle import Tree, leaf_hash
from doorward.audit.reader import LogReader
from doorward.audit.sequencer import Sequencer
from doorward.audit.tiles import tile_path
from doorward.audit.verify import verify
from doorward.errors import AuditUnavailable, Conflict, LogDamaged
from doorward.model.entry import ServiceStarted
from tests.audit.stopping import STOPPING_SEQUENCER

OpenLog = Callable[..., AuditLog]


def fill(log: AuditLog, count: int) -> None:
    for _ in range(count):
        log.append(ServiceStarted(at_us=log.size, resumed_at=0, version="1"))
    log.flush()


@pytest.fixture
def sequencer(tmp_path: Path, open_log: OpenLog) -> Iterator[Sequencer]:
    open_log().close()
    sequencer = Sequencer(tmp_path / "log", create_key(tmp_path / "log", "log.test/audit"))
    yield sequencer
    sequencer.close()


def test_signs_exactly_what_the_journal_holds(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log()
    assert sequencer.step() is None
    tree = Tree()
    for count in (1, 254, 1, 1, 300):
        fill(log, count)
        checkpoint = sequencer.step()
        for _, payload in LogReader(tmp_path / "log").entries(tree.size):
            tree.append(leaf_hash(payload))
        assert checkpoint is not None
        assert (checkpoint.size, checkpoint.root) == (tree.size, tree.root())
        assert sequencer.step() is None
        report = verify(tmp_path / "log")
        assert report.problems == ()
        assert (report.size, report.checkpoint_size, report.pending) == (tree.size, tree.size, 0)


def test_partial_tiles_go_once_the_full_one_is_there(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log()
    fill(log, 3)
    sequencer.step()
    assert (tmp_path / "log" / tile_path(None, 0, 3)).exists()
    fill(log, 260)
    sequencer.step()
    present = {
        path.relative_to(tmp_path / "log").as_posix() for path in (tmp_path / "log" / "tile").rglob("*") if path.is_file()
    }
    assert present == {"tile/entries/000", "tile/0/000", "tile/1/000.p/1", "tile/entries/001.p/7", "tile/0/001.p/7"}


def test_integrated_segments_are_deleted_and_nothing_is_lost(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(segment_bytes=2_000)
    sequencer = Sequencer(tmp_path / "log", create_key(tmp_path / "log", "log.test"))
    for _ in range(20):
        fill(log, 10)
        sequencer.step()
    assert len(segments(tmp_path / "log")) <= 3
    assert [index for index, _ in LogReader(tmp_path / "log").entries()] == list(range(200))
    assert verify(tmp_path / "log").problems == ()
    sequencer.close()
    log.close()
    assert open_log().recovery.entries == 200


def test_a_second_sequencer_is_refused(sequencer: Sequencer, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="signs"):
        Sequencer(tmp_path / "log", load_key(tmp_path / "log"))


@pytest.mark.parametrize("signed", [0, 250])
def test_a_crash_at_any_step_is_recovered_from(open_log: OpenLog, tmp_path: Path, signed: int) -> None:
    """The process is ended before each rename and each fsync in turn; the next one signs the same tree."""
    log = open_log()
    directory = tmp_path / "log"
    signer = create_key(directory, "log.test")
    if signed:
        fill(log, signed)
        first = Sequencer(directory, signer)
        first.step()
        first.close()
    fill(log, 520 - signed)
    roots = set()
    for calls in (*range(0, 30, 3), 1000):
        copy = tmp_path / f"copy{calls}"
        shutil.copytree(directory, copy)
        done = subprocess.run([sys.executable, "-c", STOPPING_SEQUENCER, str(copy), str(calls)], check=False, timeout=60)
        assert done.returncode == (0 if calls == 1000 else 9)
        assert verify(copy).problems == (), calls
        sequencer = Sequencer(copy, signer)
        checkpoint = sequencer.step() or LogReader(copy).checkpoint()
        sequencer.close()
        assert checkpoint is not None
        assert checkpoint.size == 520
        roots.add(checkpoint.root)
        assert verify(copy).problems == ()
    assert len(roots) == 1


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("tile/entries/000.p/5", "match|read only"),
        ("tile/0/000.p/5", "root hash"),
        ("checkpoint", "signature"),
        ("journal/00000000000000000000.seg", "read"),
    ],
)
def test_nothing_is_signed_over_damage(
    sequencer: Sequencer, open_log: OpenLog, tmp_path: Path, file: str, message: str
) -> None:
    log = open_log()
    fill(log, 5)
    sequencer.step()
    sequencer.close()
    path = tmp_path / "log" / file
    content = bytearray(path.read_bytes())
    content[len(content) - 40 if file == "checkpoint" else 100] ^= 1
    path.write_bytes(content)
    signed = LogReader(tmp_path / "log").checkpoint()
    fill(log, 1)
    again = Sequencer(tmp_path / "log", load_key(tmp_path / "log"))
    for _ in range(2):
        with pytest.raises(LogDamaged, match=message):
            again.step()
    again.close()
    assert LogReader(tmp_path / "log").checkpoint() == signed


def test_nothing_is_signed_over_a_hole(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(segment_bytes=300)
    for _ in range(9):
        fill(log, 1)
    found = segments(tmp_path / "log")
    content = found[1].path.read_bytes()
    found[1].path.unlink()
    with pytest.raises(LogDamaged, match="hole"):
        sequencer.step()
    signed = LogReader(tmp_path / "log").checkpoint()
    assert signed is not None
    assert signed.size == 0
    found[1].path.write_bytes(content)
    checkpoint = sequencer.step()
    assert checkpoint is not None
    assert checkpoint.size == 9


def test_history_is_not_signed_anew(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path) -> None:
    """The checkpoint removed, or set back to the empty one, and the journal rewritten: the tiles speak against it."""
    log = open_log()
    assert sequencer.step() is None
    fill(log, 3)
    empty = (tmp_path / "log" / "checkpoint").read_bytes()
    sequencer.step()
    sequencer.close()
    log.close()
    (tmp_path / "log" / "checkpoint").unlink()
    shutil.rmtree(tmp_path / "log" / "journal")
    forged = open_log()
    for number in range(3):
        forged.append(ServiceStarted(at_us=number, resumed_at=9, version="forged"))
    forged.flush()
    again = Sequencer(tmp_path / "log", load_key(tmp_path / "log"))
    with pytest.raises(LogDamaged, match="taken away"):
        again.step()
    (tmp_path / "log" / "checkpoint").write_bytes(empty)
    with pytest.raises(LogDamaged, match="other content"):
        again.step()
    again.close()


def test_a_record_half_written_is_left_for_later(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log()
    fill(log, 2)
    path = segments(tmp_path / "log")[-1].path
    length = path.stat().st_size
    os.truncate(path, length - 3)
    checkpoint = sequencer.step()
    assert checkpoint is not None
    assert checkpoint.size == 1


def test_a_disk_that_refuses_is_reported_and_survived(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path) -> None:
    fill(open_log(), 2)
    (tmp_path / "log" / "tile").write_text("in the way")
    with pytest.raises(AuditUnavailable, match="tiles could not be written"):
        sequencer.step()
    (tmp_path / "log" / "tile").unlink()
    checkpoint = sequencer.step()
    assert checkpoint is not None
    assert checkpoint.size == 2


def test_ten_thousand_entries_go_through(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path, intent) -> None:
    log = open_log()
    for number in range(10_000):
        log.append(intent(number))
        if number % 50 == 0:
            log.flush()
    log.flush()
    checkpoint = sequencer.step()
    assert checkpoint is not None
    assert checkpoint.size == 10_000
    seen = []
    report = verify(tmp_path / "log", progress=lambda done, total: seen.append((done, total)))
    assert report.problems == ()
    assert seen[-1] == (10_000, 10_000)
