"""Verification finds and names every altered byte, and nothing in a sound log."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import doorward.audit.verify as verifying
from doorward.audit.checkpoint import create_key, load_vkey
from doorward.audit.log import AuditLog
from doorward.audit.sequencer import Sequencer
from doorward.audit.verify import verify


@pytest.fixture
def small_log(tmp_path: Path, intent, outcome) -> Path:
    """Three signed entries (one with an attachment) and two pending ones."""
    directory = tmp_path / "log"
    log = AuditLog.open(directory)
    sequencer = Sequencer(directory, create_key(directory, "log.test"))
    log.append(intent(1))
    log.append(intent(2, attachment=log.attach(b"SELECT 'a long text'")))
    log.flush()
    sequencer.step()
    log.append(outcome(2))
    log.flush()
    sequencer.step()
    sequencer.close()
    log.append(intent(3))
    log.append(outcome(3))
    log.close()
    return directory


@pytest.fixture
def large_log(tmp_path: Path, intent) -> Path:
    """520 signed entries: two full bundles, a level above, a partial edge."""
    directory = tmp_path / "log"
    log = AuditLog.open(directory)
    for number in range(520):
        log.append(intent(number))
    log.close()
    sequencer = Sequencer(directory, create_key(directory, "log.test"))
    sequencer.step()
    sequencer.close()
    shutil.rmtree(directory / "journal")
    return directory


def flip(path: Path, position: int, mask: int = 1) -> Callable[[], None]:
    content = path.read_bytes()
    path.write_bytes(content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :])
    return lambda: (path.write_bytes(content), None)[1]


def test_every_flipped_byte_is_found_and_named(small_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "_TAIL_PATIENCE_SECONDS", 0)
    report = verify(small_log)
    assert report.is_sound
    assert (report.size, report.checkpoint_size, report.pending) == (5, 3, 2)
    vkey = str(load_vkey(small_log))
    checked = 0
    for path in sorted(small_log.rglob("*")):
        name = path.relative_to(small_log).as_posix()
        if path.is_dir() or name in ("lock", "sequencer.lock", "log.key", "log.pub"):
            continue
        for position in range(len(path.read_bytes())):
            restore = flip(path, position, 1 << position % 8)
            problems = verify(small_log, vkey).problems
            assert any(name in (problem.file, *str(problem).split()) for problem in problems), (name, position, problems)
            restore()
            checked += 1
    assert checked > 3_000
    assert verify(small_log, vkey).is_sound


def test_every_bit_of_the_public_key_counts(small_log: Path) -> None:
    path = small_log / "log.pub"
    for position in range(len(path.read_bytes()) - 1):
        restore = flip(path, position)
        assert {problem.file for problem in verify(small_log).problems} & {"log.pub", "checkpoint"}
        restore()


def test_an_altered_entry_is_told_from_an_altered_hash(large_log: Path) -> None:
    restore = flip(large_log / "tile/entries/001", 700)
    (problem,) = verify(large_log).problems
    assert problem.file == "tile/entries/001"
    assert problem.start <= 700 < problem.end
    assert "(statement.intent)" in problem.text
    assert "the entry was altered" in problem.text
    assert f"entry {problem.index} " in problem.text
    restore()
    restore = flip(large_log / "tile/0/001", 3 * 32 + 5)
    (problem,) = verify(large_log).problems
    assert (problem.file, problem.start, problem.end, problem.index) == ("tile/0/001", 96, 128, 259)
    assert "the hash was altered" in problem.text
    restore()
    flip(large_log / "tile/1/000.p/2", 40)
    (problem,) = verify(large_log).problems
    assert (problem.file, problem.start) == ("tile/1/000.p/2", 32)
    assert "entries 256 to 511" in problem.text


@pytest.mark.parametrize("name", ["tile/entries/000", "tile/0/001", "tile/1/000.p/2", "tile/entries/002.p/8", "checkpoint"])
def test_a_missing_file_is_named(large_log: Path, name: str) -> None:
    (large_log / name).unlink()
    assert name in {problem.file for problem in verify(large_log).problems}


@pytest.mark.parametrize("name", ["tile/0/003", "tile/2/000", "tile/entries/002.p/9", "tile/notes.txt"])
def test_a_file_that_no_entry_leads_to_is_named(large_log: Path, name: str) -> None:
    (large_log / name).parent.mkdir(exist_ok=True)
    (large_log / name).write_bytes(b"x" * 320)
    assert [problem.file for problem in verify(large_log).problems] == [name]


def test_a_consistent_forgery_fails_by_its_signature(large_log: Path, tmp_path: Path, intent) -> None:
    """Somebody rewrites the whole log and signs it with a key of their own: the known vkey tells."""
    vkey = str(load_vkey(large_log))
    forged = tmp_path / "forged"
    log = AuditLog.open(forged)
    log.append(intent(1))
    log.close()
    sequencer = Sequencer(forged, create_key(forged, "log.test"))
    sequencer.step()
    sequencer.close()
    assert verify(forged).is_sound
    (problem,) = verify(forged, vkey).problems
    assert problem.file == "checkpoint"
    assert "no signature by the key" in problem.text


def test_a_missing_attachment_is_named(small_log: Path) -> None:
    (path,) = (small_log / "attachments").glob("*/*")
    path.unlink()
    (problem,) = verify(small_log).problems
    assert problem.index == 1
    assert "entry 1" in problem.text


def test_an_empty_directory_is_sound(tmp_path: Path) -> None:
    create_key(tmp_path, "log.test")
    report = verify(tmp_path)
    assert (report.is_sound, report.size) == (True, 0)


def test_a_log_at_work_is_sound(tmp_path: Path, intent) -> None:
    """Verified over and over while one thread writes, rotates, signs and deletes segments."""
    directory = tmp_path / "log"
    signer = create_key(make_directory(directory), "log.test")
    log = AuditLog.open(directory, segment_bytes=20_000)
    sequencer = Sequencer(directory, signer)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            for number in range(20):
                log.append(intent(number))
            log.flush()
            sequencer.step()
            stop.wait(0.002)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        while (report := verify(directory)).size < 2_000 and worker.is_alive():
            assert report.problems == ()
    finally:
        stop.set()
        worker.join()
        sequencer.close()
        log.close()
    report = verify(directory)
    assert report.problems == ()
    assert report.size >= 2_000


def make_directory(directory: Path) -> Path:
    directory.mkdir()
    return directory
