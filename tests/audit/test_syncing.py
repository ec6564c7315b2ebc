"""What may be called durable, above all after an fdatasync that failed."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from doorward.audit import syncing
from doorward.audit.syncing import Syncer, WrittenFile, run_here
from doorward.errors import AuditUnavailable


class FailingDisk:
    """An fdatasync that fails as often as told, as a disk with a bad sector does once and then calls it a success."""

    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self, descriptor: int) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EIO, "Input/output error")
        os.fdatasync(descriptor)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[WrittenFile]:
    file = WrittenFile.open(tmp_path / "f", 0)
    yield file
    file.close()


def test_a_failed_sync_claims_nothing_until_all_is_written_again(file: WrittenFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may drop dirty pages on failure: the bytes are restored from memory before a sync counts."""
    monkeypatch.setattr(syncing, "RETRY_SECONDS", 0.2)
    syncer = Syncer(0, run_here, FailingDisk(1))
    syncer.took_up(file)
    syncer.start()
    told: list[AuditUnavailable | None] = []
    first, done = threading.Event(), threading.Event()
    file.write(b"entry")
    syncer.wrote(file, b"entry", 1)
    syncer.wait_for(0, lambda failure: (told.append(failure), first.set()))
    assert first.wait(5)
    assert isinstance(told[0], AuditUnavailable)
    assert syncer.durable == 0
    assert syncer.failure is told[0]
    os.pwrite(file.descriptor, b"\0\0\0\0\0", 0)  # the pages that were lost
    for _ in range(300):
        if syncer.failure is None:
            break
        done.wait(0.01)
    assert syncer.durable == 1
    assert file.path.read_bytes() == b"entry"
    syncer.stop()


def test_waiting_while_broken_is_answered_with_the_failure(file: WrittenFile) -> None:
    syncer = Syncer(0, run_here, FailingDisk(10))
    syncer.took_up(file)
    syncer.start()
    first = threading.Event()
    file.write(b"entry")
    syncer.wrote(file, b"entry", 1)
    syncer.wait_for(0, lambda _: first.set())
    assert first.wait(5)
    told: list[AuditUnavailable | None] = []
    syncer.wait_for(0, told.append)
    assert isinstance(told[0], AuditUnavailable)
    syncer.stop()
    with pytest.raises(OSError, match="stable storage"):
        syncer.sync_now()


def test_a_closed_loop_does_not_stop_the_syncing(file: WrittenFile) -> None:
    def closed(work: object) -> None:
        raise RuntimeError("Event loop is closed")

    syncer = Syncer(0, closed)
    syncer.took_up(file)
    syncer.start()
    file.write(b"entry")
    syncer.wrote(file, b"entry", 1)
    syncer.wait_for(0, lambda _: None)
    for _ in range(300):
        if syncer.durable:
            break
        threading.Event().wait(0.01)
    assert syncer.durable == 1
    syncer.stop()
