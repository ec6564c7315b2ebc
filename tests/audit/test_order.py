"""Several journals, one tree: each writer's order is kept, steps cut off are done again, and nothing is lost or doubled."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from doorward.audit.canonical import decode
from doorward.audit.checkpoint import create_key, load_key
from doorward.audit.journal import journals, segments
from doorward.audit.log import AuditLog
from doorward.audit.order import ORDER_FILE, Batch, Order, Place, read_order
from doorward.audit.reader import LogReader
from doorward.audit.sequencer import Sequencer
from doorward.audit.verify import verify
from doorward.errors import Conflict, LogDamaged
from doorward.model.entry import ServiceStarted, encode_entry
from tests.audit.stopping import STOPPING_SEQUENCER

OpenLog = Callable[..., AuditLog]


def entry(writer: int, at_us: int) -> ServiceStarted:
    return ServiceStarted(at_us=at_us, resumed_at=writer, version="1")


def write(log: AuditLog, *times: int) -> None:
    for at_us in times:
        log.append(entry(log.journal, at_us))
    log.flush()


def read(directory: Path) -> list[tuple[int, int]]:
    """(writer, time) of every entry, and that their places run on without a gap."""
    found = list(LogReader(directory).entries())
    assert [index for index, _ in found] == list(range(len(found)))
    entries = [decode(payload) for _, payload in found]
    return [(entry.resumed_at, entry.at_us) for entry in entries if isinstance(entry, ServiceStarted)]


@pytest.fixture
def sequencer(tmp_path: Path, open_log: OpenLog) -> Iterator[Sequencer]:
    open_log().close()
    sequencer = Sequencer(tmp_path / "log", create_key(tmp_path / "log", "log.test"))
    yield sequencer
    sequencer.close()


def test_entries_of_two_writers_are_put_together_by_time(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path) -> None:
    first, second = open_log(), open_log(journal=1)
    write(first, 10)
    sequencer.step()
    write(first, 12, 18, 13)
    write(second, 11, 17, 19)
    checkpoint = sequencer.step()
    assert checkpoint is not None
    assert checkpoint.size == 7
    expected = [(0, 10), (1, 11), (0, 12), (1, 17), (0, 18), (0, 13), (1, 19)]
    assert read(tmp_path / "log") == expected, "by time; but none overtakes another of its own writer"
    assert verify(tmp_path / "log").problems == ()
    assert sequencer.step() is None


def test_log_of_one_writer_is_written_as_before(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path) -> None:
    write(open_log(), *range(10))
    sequencer.step()
    assert not (tmp_path / "log" / ORDER_FILE).exists()
    assert read(tmp_path / "log") == [(0, at_us) for at_us in range(10)]


def test_log_of_one_writer_gets_more_and_fewer(open_log: OpenLog, tmp_path: Path) -> None:
    """Places that were given stay; what a worker left that is there no more is signed all the same."""
    directory = tmp_path / "log"
    open_log().close()
    signer = create_key(directory, "log.test")
    total = 0
    for workers in (1, 3, 1, 2):
        sequencer = Sequencer(directory, signer)
        logs = [open_log(journal=journal) for journal in range(workers)]
        for log in logs:
            assert log.recovery.torn_bytes == 0
            write(log, total, total + 1)
        total += 2 * workers
        before = [payload for _, payload in LogReader(directory).entries()]
        sequencer.step()
        for log in logs:
            write(log, total)
            log.close()
        total += workers
        sequencer.close()
        now = [payload for _, payload in LogReader(directory).entries()]
        assert now[: len(before)] == before
        assert len(now) == total
        assert verify(directory).problems == ()
    sequencer = Sequencer(directory, signer)
    checkpoint = sequencer.step()
    sequencer.close()
    assert checkpoint is not None
    assert checkpoint.size == total
    assert verify(directory).problems == ()


def test_what_waits_is_read_while_nobody_signs_and_placed_first_while_somebody_does(
    sequencer: Sequencer, open_log: OpenLog, tmp_path: Path
) -> None:
    """A place that is told to a reader never changes."""
    directory = tmp_path / "log"
    first, second = open_log(), open_log(journal=1)
    write(first, 1, 4)
    write(second, 2, 3)
    assert read(directory) == []
    assert LogReader(directory).size() == 0
    sequencer.close()
    waiting = [(0, 1), (1, 2), (1, 3), (0, 4)]
    assert read(directory) == waiting
    assert LogReader(directory).size() == 4
    assert [index for index, _ in LogReader(directory).entries(1, 3)] == [1, 2]
    assert [index for index, _ in LogReader(directory).tail(1)] == [3]
    report = verify(directory)
    assert (report.problems, report.size, report.pending) == ((), 4, 4)
    again = Sequencer(directory, load_key(directory))
    again.step()
    again.close()
    # The first batch of several journals begins with what journal 0 had alone: there may have been tiles of it.
    assert sorted(read(directory)) == sorted(waiting)


def test_each_journal_has_one_writer(open_log: OpenLog) -> None:
    open_log(journal=1)
    open_log(journal=2)
    with pytest.raises(Conflict):
        open_log(journal=1)


@pytest.mark.parametrize("signed", [0, 250])
def test_a_crash_at_any_step_is_recovered_from(open_log: OpenLog, tmp_path: Path, signed: int) -> None:
    """The signer ends before each rename and fsync in turn; then more is written that would come before, by its time."""
    directory = tmp_path / "log"
    first, second = open_log(), open_log(journal=1)
    signer = create_key(directory, "log.test")
    if signed:
        write(first, *range(1000, 1000 + signed))
        sequencer = Sequencer(directory, signer)
        sequencer.step()
        sequencer.close()
    write(first, *range(2000, 2300, 2))
    write(second, *range(2001, 2300, 2))
    first.close()
    second.close()
    for calls in (*range(0, 29, 4), 1000):
        copy = tmp_path / f"copy{calls}"
        shutil.copytree(directory, copy)
        done = subprocess.run([sys.executable, "-c", STOPPING_SEQUENCER, str(copy), str(calls)], check=False, timeout=60)
        assert done.returncode == (0 if calls == 1000 else 9)
        assert verify(copy).problems == (), calls
        with_more = AuditLog.open(copy, journal=1)
        write(with_more, 1500)
        with_more.close()
        assert verify(copy).problems == (), calls
        sequencer = Sequencer(copy, signer)
        while sequencer.step():
            pass
        sequencer.close()
        assert verify(copy).problems == (), calls
        entries = read(copy)
        assert len(entries) == signed + 301
        for writer in (0, 1):
            times = [at_us for who, at_us in entries if who == writer]
            assert times == sorted(times) or times[-1] == 1500
        shutil.rmtree(copy)


def test_signed_segments_go_and_the_journals_go_on(open_log: OpenLog, tmp_path: Path) -> None:
    directory = tmp_path / "log"
    logs = [open_log(journal=journal, segment_bytes=2_000) for journal in range(3)]
    sequencer = Sequencer(directory, create_key(directory, "log.test"))
    for round_ in range(12):
        for log in logs:
            write(log, *range(round_ * 100, round_ * 100 + 10))
        sequencer.step()
    sequencer.close()
    assert journals(directory) == [0, 1, 2]
    assert all(len(segments(directory, journal)) <= 3 for journal in range(3))
    assert len(read(directory)) == 360
    assert verify(directory).problems == ()
    for log in logs:
        log.close()
        assert open_log(journal=log.journal).recovery.entries == 120


def test_a_torn_tail_of_one_journal_is_cut_and_told(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path) -> None:
    """The others are not concerned."""
    directory = tmp_path / "log"
    first, second = open_log(), open_log(journal=1)
    write(first, 1, 2)
    write(second, 3)
    sequencer.step()
    second.close()
    with segments(directory, 1)[-1].path.open("ab") as file:
        file.write(b"\xd0\nDE torn")
    write(first, 5)
    sequencer.step()
    again = open_log(journal=1)
    assert again.recovery.torn_bytes == 9
    assert again.recovery.entries == 1
    write(again, 6)
    sequencer.step()
    assert read(directory) == [(0, 1), (0, 2), (1, 3), (0, 5), (1, 6)]
    assert verify(directory).problems == ()


def test_entries_taken_from_a_journal_after_they_were_signed_are_missed(
    sequencer: Sequencer, open_log: OpenLog, tmp_path: Path
) -> None:
    directory = tmp_path / "log"
    first, second = open_log(), open_log(journal=1)
    write(first, 1)
    write(second, 2, 3)
    sequencer.step()
    sequencer.step()
    sequencer.close()
    second.close()
    shutil.rmtree(directory / "journal" / "1")
    with pytest.raises(LogDamaged, match="empty"):
        AuditLog.open(directory, journal=1)


def test_entries_altered_in_a_journal_after_they_were_signed_are_found(
    sequencer: Sequencer, open_log: OpenLog, tmp_path: Path
) -> None:
    """By whoever verifies, and by the signer, which signs nothing more."""
    directory = tmp_path / "log"
    first, second = open_log(), open_log(journal=1)
    write(first, 1)
    write(second, 2, 3)
    while sequencer.step():
        pass
    sequencer.close()
    second.close()
    shutil.rmtree(directory / "journal" / "1")
    order = read_order(directory)
    assert order is not None
    (directory / ORDER_FILE).unlink()
    forged = open_log(journal=1)
    write(forged, 2, 4)
    forged.close()
    (directory / ORDER_FILE).write_bytes(msgspec.json.encode(order))
    assert any("not in the log's tree" in problem.text for problem in verify(directory).problems)
    again = Sequencer(directory, load_key(directory))
    with pytest.raises(LogDamaged, match="not the one signed"):
        again.step()
    again.close()


@pytest.mark.parametrize("damage", ["gone", "other", "noise"])
def test_damaged_order_is_damage(sequencer: Sequencer, open_log: OpenLog, tmp_path: Path, damage: str) -> None:
    """Nothing is signed by a guess."""
    directory = tmp_path / "log"
    first, second = open_log(), open_log(journal=1)
    write(first, 1)
    write(second, 2, 3)
    while sequencer.step():
        pass
    sequencer.close()
    path = directory / ORDER_FILE
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(msgspec.json.encode(Order(7, {}, {}, ((0, 1),))) if damage == "other" else b"{")
    assert not verify(directory).is_sound
    write(first, 9)
    again = Sequencer(directory, load_key(directory))
    with pytest.raises(LogDamaged):
        again.step()
    again.close()


def test_batch_says_whose_each_entry_is() -> None:
    taken = {journal: [encode_entry(entry(journal, at_us)) for at_us in times] for journal, times in ((0, (1, 4)), (7, (2, 3)))}
    batch = Batch.of(taken)
    assert batch.runs == ((0, 1), (7, 2), (0, 1))
    assert Batch.of(taken, batch.runs) == batch
    assert Batch.of(taken, ((7, 2), (0, 2))).entries == (*taken[7], *taken[0])
    after = batch.after({0: Place(5, "x")})
    assert {journal: place.count for journal, place in after.items()} == {0: 7, 7: 2}
