"""Stable storage for what the log wrote: one thread, one fdatasync for all who wait, honest after one that failed."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Lock, Thread, current_thread

from doorward.audit.files import sync_directory, write_all, write_durably
from doorward.errors import AuditUnavailable

Callback = Callable[[AuditUnavailable | None], None]
Wake = Callable[[Callable[[], None]], object]

RETRY_SECONDS = 1.0


def run_here(work: Callable[[], None]) -> None:
    """The wake of those who have no loop: call back in the syncing thread."""
    work()


class WrittenFile:
    """A file that only grows, written at explicit offsets so that a failed write can be taken up exactly where it ended."""

    def __init__(self, path: Path, descriptor: int, length: int) -> None:
        self.path = path
        self.descriptor = descriptor
        self.length = length

    @classmethod
    def open(cls, path: Path, length: int) -> WrittenFile:
        """Open *path*, making it when missing, to go on at *length*."""
        return cls(path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600), length)

    def write(self, content: bytes) -> int:
        """One write at the end; returns how many bytes were taken."""
        written = os.pwrite(self.descriptor, content, self.length)
        self.length += written
        return written

    def close(self) -> None:
        """Release the descriptor; safe to call twice."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


@dataclass(slots=True, eq=False)  # not frozen: one is made for every write, and freezing costs more than the rest
class _Chunk:
    """Bytes written and not yet known to be durable, kept to be written again should a sync fail."""

    file: WrittenFile
    offset: int
    content: bytes


class Syncer:
    """Keeps count of what is durable. All methods but :meth:`stop` are for the log's own thread.

    After a failed fdatasync the kernel may have dropped the pages and call the next one a success. Therefore nothing is
    claimed until every byte since the last good sync was written again and synced.
    """

    def __init__(self, durable: int, wake: Wake, fdatasync: Callable[[int], None] = os.fdatasync) -> None:
        self.durable = durable
        self.failure: AuditUnavailable | None = None
        self.syncs = 0
        self.wake = wake
        self._fdatasync = fdatasync
        self._lock = Lock()  # taken by itself where every write passes: a Condition adds two calls
        self._changed = Condition(self._lock)
        self._written = durable
        self._chunks: list[_Chunk] = []
        self._attachments: dict[Path, bytes] = {}
        self._file: WrittenFile | None = None
        self._retired: list[WrittenFile] = []
        self._waiting: list[tuple[int, Callback]] = []
        self._due: float | None = None  # when a sync that nobody waits for is due, monotonic
        self._is_stopping = False
        self._thread = Thread(target=self._run, name="audit-sync", daemon=True)

    def start(self) -> None:
        """Begin syncing in the background."""
        self._thread.start()

    def stop(self) -> None:
        """End the background thread; who still waits is told by :meth:`sync_now` or never."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        if self._thread.is_alive() and self._thread is not current_thread():
            self._thread.join()

    def took_up(self, file: WrittenFile) -> None:
        """*file* is the one written now."""
        self._file = file

    def retire(self, old: WrittenFile, file: WrittenFile) -> None:
        """*file* takes over from *old*, which is synced once more and closed."""
        with self._changed:
            self._retired.append(old)
            self._file = file

    def wrote(self, file: WrittenFile, content: bytes, entries: int | None) -> None:
        """*content* was just written to *file*; with it all of *entries* are (None: not yet whole)."""
        with self._lock:
            self._chunks.append(_Chunk(file, file.length - len(content), content))
            if entries is not None:
                self._written = entries
            if self._waiting:
                self._changed.notify()

    def attached(self, path: Path, text: bytes) -> None:
        """*path* was written with *text*: the next sync covers it."""
        with self._changed:
            self._attachments[path] = text

    def wait_for(self, index: int, callback: Callback) -> None:
        """Call back when *index* is durable, or with the failure."""
        with self._changed:
            failure = self.failure
            if failure is None and index >= self.durable:
                self._waiting.append((index, callback))
                if index < self._written:
                    self._changed.notify()
                return
        callback(failure)

    def sync_within(self, seconds: float) -> None:
        """A sync is due within *seconds*."""
        due = time.monotonic() + seconds
        if self._due is None or due < self._due:
            with self._changed:
                self._due = due
                self._changed.notify()

    def give_up(self, failure: AuditUnavailable) -> None:
        """Writing failed: tell those who wait for entries that are not written."""
        with self._changed:
            lost = [callback for index, callback in self._waiting if index >= self._written]
            self._waiting = [(index, callback) for index, callback in self._waiting if index < self._written]
        for callback in lost:
            callback(failure)

    def sync_now(self) -> None:
        """Sync in the calling thread, for opening and closing. Raises OSError."""
        if self.failure is not None:
            raise OSError(errno.EIO, str(self.failure))
        self._sync()

    def _run(self) -> None:
        while self._wait_for_work():
            try:
                self._sync()
            except OSError as error:
                self._fail(error)

    def _wait_for_work(self) -> bool:
        """Sleep until a sync is wanted; False when the log is closing."""
        with self._changed:
            if self.failure is not None and not self._is_stopping:
                self._changed.wait(RETRY_SECONDS)
                return not self._is_stopping
            while not self._is_stopping:
                now = time.monotonic()
                if any(index < self._written for index, _ in self._waiting) or (self._due is not None and self._due <= now):
                    return True
                self._changed.wait(None if self._due is None else self._due - now)
            return False

    def _sync(self) -> None:
        with self._changed:
            target, chunks, retired = self._written, list(self._chunks), list(self._retired)
            attachments, file, failed_before = dict(self._attachments), self._file, self.failure is not None
            self._due = None
        assert file is not None
        for path, text in attachments.items():
            self._sync_attachment(path, text, rewrite=failed_before)
        if failed_before:
            for chunk in chunks:
                write_all(chunk.file.descriptor, chunk.content, chunk.offset)
        for written in (*retired, file):
            self._fdatasync(written.descriptor)
        if retired:
            sync_directory(file.path.parent)
        self.syncs += 1
        with self._changed:
            del self._chunks[: len(chunks)]
            del self._retired[: len(retired)]
            for path in attachments:
                self._attachments.pop(path, None)
            self.durable, self.failure = target, None
            ready = [callback for index, callback in self._waiting if index < target]
            if ready:
                self._waiting = [(index, callback) for index, callback in self._waiting if index >= target]
        for written in retired:
            written.close()
        self._tell(ready, None)

    def _sync_attachment(self, path: Path, text: bytes, *, rewrite: bool) -> None:
        if rewrite:
            write_durably(path, text)
        else:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        sync_directory(path.parent)

    def _fail(self, error: OSError) -> None:
        failure = AuditUnavailable(
            f"The audit log could not be put on stable storage: {os.strerror(error.errno or errno.EIO)}.",
            "Check the log's disk; what was not yet durable is written again every second until that succeeds.",
        )
        with self._changed:
            self.failure = failure
            lost = [callback for _, callback in self._waiting]
            self._waiting = []
        self._tell(lost, failure)

    def _tell(self, callbacks: list[Callback], failure: AuditUnavailable | None) -> None:
        if not callbacks:
            return

        def deliver() -> None:
            for callback in callbacks:
                callback(failure)

        # A loop that was closed in the meantime has nobody left to tell.
        with suppress(RuntimeError):
            self.wake(deliver)
