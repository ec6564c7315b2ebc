"""Writing: what is flushed survives a kill, what is torn is cut, what is damaged is refused, a full disk is survived."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from doorward.audit.canonical import decode, encode
from doorward.audit.journal import SegmentReader, segments
from doorward.audit.log import AuditLog, attachment_path
from doorward.audit.reader import LogReader
from doorward.errors import AuditUnavailable, Conflict, LogDamaged
from doorward.model.entry import ServiceStarted, StatementIntent

OpenLog = Callable[..., AuditLog]


def started(number: int) -> ServiceStarted:
    return ServiceStarted(at_us=number, resumed_at=0, version="1")


def read_all(directory: Path) -> list[bytes]:
    return [payload for _, payload in LogReader(directory).entries()]


def wait_durable(log: AuditLog, index: int) -> AuditUnavailable | None:
    done = threading.Event()
    results: list[AuditUnavailable | None] = []
    log.when_durable(index, lambda failure: (results.append(failure), done.set()))
    assert done.wait(10)
    return results[0]


def run_writer(directory: Path, body: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run *body* in a process of its own with `log` open and `entry(n)` at hand."""
    program = textwrap.dedent("""
        import os, resource, signal, sys
        from pathlib import Path
        from doorward.audit.log import AuditLog
        from doorward.errors import AuditUnavailable
        from doorward.model.entry import ServiceStarted
        def entry(n): return ServiceStarted(at_us=n, resumed_at=0, version="v" * 50)
        log = AuditLog.open(Path(sys.argv[1]), **%r)
    """) % (options,)
    return subprocess.run(
        [sys.executable, "-c", program + textwrap.dedent(body), str(directory)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_entries_come_back_in_order(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log()
    assert [log.append(started(number)) for number in range(5)] == [0, 1, 2, 3, 4]
    assert read_all(tmp_path / "log") == []
    log.flush()
    assert read_all(tmp_path / "log") == [encode(started(number)) for number in range(5)]
    log.close()
    again = open_log()
    assert again.size == again.recovery.entries == 5
    assert again.recovery.torn_bytes == 0


def test_an_entry_too_long_leaves_the_log_as_it_was(open_log: OpenLog) -> None:
    log = open_log()
    with pytest.raises(ValueError, match="over the limit"):
        log.append(ServiceStarted(at_us=1, resumed_at=0, version="v" * 60_000))
    assert log.append(started(1)) == 0


def test_only_canonical_bytes_are_taken(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log()
    with pytest.raises(ValueError, match="no known kind"):
        log.append_bytes(b'{"kind":"x"}')
    assert log.append_bytes(encode(started(7))) == 0
    log.flush()
    assert decode(read_all(tmp_path / "log")[0]) == started(7)


def test_a_second_writer_is_told_who_holds_the_log(open_log: OpenLog) -> None:
    open_log()
    with pytest.raises(Conflict, match=f"process {os.getpid()}.*Stop that gateway"):
        open_log()


def test_files_are_the_owners_alone(open_log: OpenLog, tmp_path: Path) -> None:
    open_log()
    for path in (tmp_path / "log").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file, not a directory")
    with pytest.raises(AuditUnavailable, match="could not be opened"):
        AuditLog.open(tmp_path / "log")


def test_kill_loses_no_flushed_entry(tmp_path: Path) -> None:
    done = run_writer(
        tmp_path / "log",
        """
        for n in range(1000):
            log.append(entry(n))
            if n % 7 == 0: log.flush(); print(log.size, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        segment_bytes=20_000,
    )
    assert done.returncode == -signal.SIGKILL
    log = AuditLog.open(tmp_path / "log")
    assert log.size >= int(done.stdout.split()[-1])
    log.close()
    assert [decode(payload).at_us for payload in read_all(tmp_path / "log")] == list(range(log.size))


def test_truncation_at_every_byte_keeps_every_whole_record(tmp_path: Path) -> None:
    """A crash can end the file anywhere: no whole record before the cut is lost, and opening never fails."""
    source = tmp_path / "source"
    done = run_writer(source, "for n in range(4): log.append(entry(n))\nlog.flush(); os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == -signal.SIGKILL, done.stderr
    (segment,) = segments(source)
    content = segment.path.read_bytes()
    target = tmp_path / "log"
    (target / "journal").mkdir(parents=True)
    with SegmentReader(segment) as reader:
        first_end, *ends = [frame.end for frame in reader.frames()]
    assert len(ends) == 4
    for cut in range(len(content) + 1):
        (target / "journal" / segment.path.name).write_bytes(content[:cut])
        whole = sum(end <= cut for end in ends)
        log = AuditLog.open(target)
        assert log.size == whole
        assert log.recovery.torn_bytes == cut - max(end for end in (0, first_end, *ends) if end <= cut)
        log.append(started(9))
        log.close()
        assert [decode(payload).at_us for payload in read_all(target)] == [*range(whole), 9]


def test_damage_before_the_end_is_refused_and_named(open_log: OpenLog, tmp_path: Path) -> None:
    """Every byte of a sealed journal but its last frame, flipped: an entry that was durable is never cut off silently."""
    log = open_log()
    for number in range(3):
        log.append(started(number))
    log.close()
    (segment,) = segments(tmp_path / "log")
    content = segment.path.read_bytes()
    seal = content.rindex(b"\xd0\nDS")
    for position in range(seal):
        segment.path.write_bytes(content[:position] + bytes([content[position] ^ 0x40]) + content[position + 1 :])
        with pytest.raises(LogDamaged, match="damaged between byte"):
            AuditLog.open(tmp_path / "log")
    segment.path.write_bytes(content)
    assert open_log().size == 3


def test_in_flight_executions_are_found_after_a_kill(open_log: OpenLog, tmp_path: Path, intent, outcome) -> None:
    log = open_log(segment_bytes=3_000)
    log.append(intent(1))
    log.append(intent(2))
    log.append(intent(3, verdict="deny"))
    for number in range(100, 130):
        log.append(intent(number))
        log.append(outcome(number))
        log.flush()
    log.append(outcome(1))
    log.flush()
    assert wait_durable(log, log.size - 1) is None
    log.append(intent(4, verdict="hold"))
    log.flush()  # carries the news of what is durable
    assert len(segments(tmp_path / "log")) > 3
    shutil.copytree(tmp_path / "log", tmp_path / "killed")
    for segment in segments(tmp_path / "killed")[:-2]:
        segment.path.unlink()
    killed = AuditLog.open(tmp_path / "killed")
    assert [(found.execution, found.session) for found in killed.recovery.in_flight] == [("x_2", "s_1")]
    killed.append(outcome(2))
    killed.close()
    reopened = AuditLog.open(tmp_path / "killed")
    assert reopened.recovery.in_flight == ()
    reopened.close()


def test_a_lost_end_of_the_segment_before_takes_the_new_segment_along(tmp_path: Path) -> None:
    """After a power cut a new file may be there and the end of the old one not: no hole is left."""
    target = tmp_path / "log"
    done = run_writer(
        target, "for n in range(9): log.append(entry(n)); log.flush()\nos.kill(os.getpid(), signal.SIGKILL)", segment_bytes=600
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    found = segments(target)
    assert len(found) > 1
    os.truncate(found[-2].path, found[-2].path.stat().st_size - 5)
    log = AuditLog.open(target)
    assert log.size == found[-1].first - 1
    assert log.recovery.torn_bytes > 0
    log.append(started(99))
    log.close()
    assert [decode(payload).at_us for payload in read_all(target)] == [*range(found[-1].first - 1), 99]


def test_a_journal_that_lost_its_beginning_is_refused(open_log: OpenLog, tmp_path: Path) -> None:
    """A segment that was never durable can't be the first one, unless all before it was signed."""
    done = run_writer(
        tmp_path / "log",
        "for n in range(9): log.append(entry(n)); log.flush()\nos.kill(os.getpid(), signal.SIGKILL)",
        segment_bytes=600,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    for segment in segments(tmp_path / "log")[:-1]:
        segment.path.unlink()
    with pytest.raises(LogDamaged, match="what came before is gone"):
        open_log()


def test_waiters_share_syncs(open_log: OpenLog) -> None:
    """100 wait, far fewer fdatasyncs are made, and each is called back only when its entry is durable."""
    log = open_log()
    before, done, order = log._syncer.syncs, threading.Event(), []
    for number in range(100):
        index = log.append(started(number))
        log.flush()
        log.when_durable(
            index,
            lambda failure, index=index: (order.append((index, failure, log.durable > index)), index == 99 and done.set()),
        )
    assert done.wait(10)
    assert order == [(number, None, True) for number in range(100)]
    assert log._syncer.syncs - before < 50


def test_what_is_durable_is_answered_at_once(open_log: OpenLog) -> None:
    log = open_log()
    log.append(started(1))
    log.flush()
    assert wait_durable(log, 0) is None
    calls = []
    log.when_durable(0, calls.append)
    assert calls == [None]


def test_callbacks_come_through_wake(open_log: OpenLog) -> None:
    queue, arrived = [], threading.Event()
    log = open_log()
    log.start(lambda work: (queue.append(work), arrived.set()))
    log.append(started(1))
    log.flush()
    calls = []
    log.when_durable(0, calls.append)
    assert arrived.wait(10)
    assert calls == []
    queue[0]()
    assert calls == [None]


def test_a_lazy_sync_happens_though_nobody_waits(open_log: OpenLog) -> None:
    log = open_log()
    log.append(started(1))
    log.flush()
    log.sync_within(0.01)
    for _ in range(500):
        if log.durable == 1:
            break
        threading.Event().wait(0.01)
    assert log.durable == 1


def test_attachments_are_kept_once_under_their_digest(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log()
    name = log.attach(b"SELECT 1")
    assert name == log.attach(b"SELECT 1")
    path = attachment_path(tmp_path / "log", name.removeprefix("sha256:"))
    assert path.read_bytes() == b"SELECT 1"
    path.write_bytes(b"")  # what a power cut may leave
    log.attach(b"SELECT 1")
    assert path.read_bytes() == b"SELECT 1"


def test_a_full_disk_is_reported_and_survived(tmp_path: Path) -> None:
    """A file size limit stands in for the full disk: the kernel cuts a write mid-record, then refuses."""
    done = run_writer(
        tmp_path / "log",
        """
        log.append(entry(0)); log.flush()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, hard))
        told = []
        for n in range(1, 10): log.append(entry(n))
        log.when_durable(9, told.append)
        for attempt in (log.flush, log.flush, lambda: log.append(entry(99))):
            try: attempt(); sys.exit("not refused")
            except AuditUnavailable as error: assert "space" in str(error), error
        assert log.broken and len(told) == 1 and isinstance(told[0], AuditUnavailable), told
        assert os.path.getsize(log._file.path) == 700
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert log.append(entry(10)) == 10
        log.flush(); assert not log.broken
        log.close()
        """,
    )
    assert done.returncode == 0, done.stderr
    assert [decode(payload).at_us for payload in read_all(tmp_path / "log")] == list(range(11))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 700


def test_a_crash_on_a_full_disk_leaves_a_log_that_opens(tmp_path: Path) -> None:
    done = run_writer(
        tmp_path / "log",
        """
        resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
        for n in range(9): log.append(entry(n))
        try: log.flush()
        except AuditUnavailable: os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    log = AuditLog.open(tmp_path / "log")
    assert 0 < log.size < 9
    assert log.recovery.torn_bytes > 0
    log.close()


def test_a_closed_log_refuses(open_log: OpenLog, intent) -> None:
    log = open_log()
    log.close()
    log.close()
    entry: StatementIntent = intent(1)
    with pytest.raises(AuditUnavailable, match="closed"):
        log.append(entry)


def test_a_journal_shorter_than_what_was_signed_is_refused(open_log: OpenLog, tmp_path: Path) -> None:
    from doorward.audit.checkpoint import create_key
    from doorward.audit.sequencer import Sequencer

    log = open_log()
    for number in range(3):
        log.append(started(number))
    log.close()
    sequencer = Sequencer(tmp_path / "log", create_key(tmp_path / "log", "log.test"))
    sequencer.step()
    sequencer.close()
    (segment,) = segments(tmp_path / "log")
    content = segment.path.read_bytes()
    segment.path.write_bytes(content[: content.rindex(b"\xd0\nDE")])
    with pytest.raises(LogDamaged, match=r"ends at entry 2.*3 entries"):
        AuditLog.open(tmp_path / "log")
    segment.path.unlink()
    with pytest.raises(LogDamaged, match="empty"):
        AuditLog.open(tmp_path / "log")
