"""The audit log as a gateway writes it: append to memory, flush with one write, durable by one fdatasync for many.

Loop thread: append, flush, attach, rotation. One thread of the log's own: fdatasync, and repair after one that failed.
"""

from __future__ import annotations

import errno
import fcntl
import os
from hashlib import sha256
from pathlib import Path

from doorward.audit.canonical import decode, encode
from doorward.audit.files import make_directory, put_aside, sync_directory
from doorward.audit.journal import STATE_MARK, encode_entries, encode_frame, journal_name, segment_path
from doorward.audit.recovery import Recovery, Resumed, encode_state, hold_key, resume
from doorward.audit.syncing import Callback, Syncer, Wake, WrittenFile, run_here
from doorward.errors import AuditUnavailable, Conflict
from doorward.model.entry import Entry, HoldAnswered, HoldRequested, StatementIntent, StatementOutcome

ATTACHMENTS_FOLDER = "attachments"
LOCK_FILE = "lock"
SEGMENT_BYTES = 64 << 20
_ALLOW = "allow"
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def unavailable(doing: str, error: OSError) -> AuditUnavailable:
    """The error for a log that the operating system refuses to write."""
    if error.errno in _NO_SPACE:
        remedy = "Free space or raise the limit on the log's disk; the log goes on by itself then."
    else:
        remedy = "Check the log's disk and the directory's owner and permissions."
    return AuditUnavailable(f"The audit log could not {doing}: {os.strerror(error.errno or errno.EIO)}.", remedy)


def attachment_path(directory: Path, digest: str) -> Path:
    """Where the text with this SHA-256 (in hex) lies."""
    return directory / ATTACHMENTS_FOLDER / digest[:2] / digest


class AuditLog:
    """The one writer of a journal. *size* is the index of the next entry in it; *recovery* is what opening found.

    While :attr:`broken` every append and flush raises AuditUnavailable; each first tries to write what is left over, so the
    log goes on by itself once it can. Entries that were appended but not yet flushed then are kept and written, in order.
    """

    size: int
    recovery: Recovery

    def __init__(
        self,
        directory: Path,
        journal: int,
        lock: int,
        resumed: Resumed,
        open_executions: dict[str, str],
        segment_bytes: int,
        wake: Wake,
    ) -> None:
        self.directory = directory
        self.journal = journal
        self.recovery = resumed.recovery
        self.size = resumed.recovery.entries
        self._lock = lock
        self._segment_bytes = segment_bytes
        self._open_executions = open_executions
        self._buffer: list[bytes] = []  # appended, not yet framed
        self._framed = self.size  # entries that have their frame
        self._leftover = b""  # framed bytes that a failed write did not take
        self._write_failure: AuditUnavailable | None = None
        self._is_closed = False
        self._syncer = Syncer(self.size, wake)
        self._file = self._take_up(resumed)

    @classmethod
    def open(cls, directory: Path, *, journal: int = 0, wake: Wake = run_here, segment_bytes: int = SEGMENT_BYTES) -> AuditLog:
        """Take up a journal of the log in *directory*, making it when new. *wake* brings callbacks to the thread for them.

        Raises Conflict when another process writes it, LogDamaged when it lost entries that were on stable storage, and
        AuditUnavailable when it can't be written. A write that a crash left unfinished is cut off and reported in *recovery*.
        """
        lock = -1
        try:
            for folder in (directory, directory / journal_name(journal), directory / ATTACHMENTS_FOLDER):
                make_directory(folder)
            lock = _take_lock(directory / journal_name(journal) if journal else directory)
            resumed = resume(directory, journal)
            in_flight = {found.execution: found.session for found in resumed.recovery.in_flight}
            in_flight |= {hold_key(found.request): found.execution for found in resumed.recovery.unanswered}
            return cls(directory, journal, lock, resumed, in_flight, segment_bytes, wake)
        except OSError as error:
            if lock >= 0:
                os.close(lock)
            raise unavailable("be opened", error) from error
        except Exception:
            if lock >= 0:
                os.close(lock)
            raise

    def start(self, wake: Wake) -> None:
        """Deliver callbacks through *wake* from now on, for instance a loop's ``call_soon_threadsafe``."""
        self._syncer.wake = wake

    @property
    def broken(self) -> bool:
        """Whether the log can't be written at present."""
        return self._write_failure is not None or self._syncer.failure is not None

    @property
    def durable(self) -> int:
        """How many entries are known to be on stable storage."""
        return self._syncer.durable

    def append(self, entry: Entry) -> int:
        """Add *entry* and return its index; it is safe from a crash of this process after the next flush.

        Raises ValueError for an entry that has no canonical form or is too long; then nothing was added.
        """
        if self._write_failure is not None or self._syncer.failure is not None:
            self._repair()
        payload = encode(entry)
        if isinstance(entry, StatementIntent):
            if entry.verdict == _ALLOW:
                self._open_executions[entry.execution] = entry.session
        elif isinstance(entry, StatementOutcome):
            self._open_executions.pop(entry.execution, None)
        elif isinstance(entry, HoldRequested):
            self._open_executions[hold_key(entry.request)] = entry.execution
        elif isinstance(entry, HoldAnswered):
            self._open_executions.pop(hold_key(entry.request), None)
        self._buffer.append(payload)
        index = self.size
        self.size = index + 1
        return index

    def append_intent(self, canonical: bytes, execution: str, session: str) -> int:
        """Add an allowed statement.intent that its caller made canonical: the hot path, where encoding anew is too slow."""
        if self._write_failure is not None or self._syncer.failure is not None:
            self._repair()
        self._open_executions[execution] = session
        self._buffer.append(canonical)
        self.size += 1
        return self.size - 1

    def append_outcome(self, canonical: bytes, execution: str) -> int:
        """The same for a statement.outcome."""
        if self._write_failure is not None or self._syncer.failure is not None:
            self._repair()
        self._open_executions.pop(execution, None)
        self._buffer.append(canonical)
        self.size += 1
        return self.size - 1

    def append_bytes(self, canonical: bytes) -> int:
        """The same for an entry that arrives encoded; ValueError unless it is canonical and of a known kind."""
        return self.append(decode(canonical))

    def flush(self) -> None:
        """Hand everything appended to the operating system in one write."""
        if self._write_failure is not None or self._syncer.failure is not None:
            self._repair()
        if self._buffer:
            self._leftover = encode_entries(self._buffer, self._framed, self._syncer.durable)
            self._framed += len(self._buffer)
            self._buffer.clear()
            self._write_leftover()
            if self._file.length >= self._segment_bytes:
                self._rotate()

    def when_durable(self, index: int, callback: Callback) -> None:
        """Call *callback* once entry *index* is on stable storage, with None; with the error when that failed.

        At once when it already is or the log is broken. The entry must be flushed for this to come about.
        """
        if index < self._syncer.durable:
            callback(None)
        elif self._write_failure is not None:
            callback(self._write_failure)
        else:
            self._syncer.wait_for(index, callback)

    def sync_within(self, seconds: float = 0.010) -> None:
        """See to it that what is flushed by now reaches stable storage within *seconds*, though nobody waits."""
        self._syncer.sync_within(seconds)

    def attach(self, text: bytes) -> str:
        """Keep *text* beside the log and return its name, ``sha256:<hex>``, for an entry appended after.

        It is written at once, and on stable storage before any entry flushed later counts as durable.
        """
        digest = sha256(text).hexdigest()
        path = attachment_path(self.directory, digest)
        try:
            make_directory(path.parent)
            # A power cut can leave the name with other bytes: what is there counts only if it is the text.
            if not (path.exists() and path.read_bytes() == text):
                os.replace(put_aside(path, text, sync=False), path)
        except OSError as error:
            raise unavailable("keep an attachment", error) from error
        self._syncer.attached(path, text)
        return f"sha256:{digest}"

    def close(self) -> None:
        """Flush, put all on stable storage, seal the segment, and let go of the directory. Safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self.flush()
            self._syncer.stop()
            self._syncer.sync_now()
            # The seal's watermark covers every entry: from here on any loss is damage and not a torn tail.
            self._write_state()
            self._syncer.sync_now()
        except OSError as error:
            raise unavailable("be closed in order", error) from error
        finally:
            self._syncer.stop()
            self._file.close()
            os.close(self._lock)
            self._write_failure = AuditUnavailable("The audit log is closed.")

    def _take_up(self, resumed: Resumed) -> WrittenFile:
        first = resumed.segment.first if resumed.segment else 0
        file = WrittenFile.open(segment_path(self.directory, first, self.journal), resumed.end)
        try:
            self._file = file
            self._syncer.took_up(file)
            if resumed.end == 0:
                self._write_state()
            self._syncer.sync_now()
            sync_directory(self.directory / journal_name(self.journal))
            self._syncer.start()
        except OSError:
            file.close()
            raise
        return file

    def _write_state(self) -> None:
        """Write the executions in flight: at a segment's start, so that recovery reads one segment, and as a seal."""
        frame = encode_frame(STATE_MARK, self._framed, self._syncer.durable, encode_state(self._open_executions))
        if self._file.write(frame) < len(frame):
            raise OSError(errno.ENOSPC, "short write")
        self._syncer.wrote(self._file, frame, self._framed)

    def _repair(self) -> None:
        """Try to write what is left over; raises AuditUnavailable as long as the log is broken."""
        if self._is_closed and self._write_failure is not None:
            raise self._write_failure
        if self._syncer.failure is not None:
            raise self._syncer.failure  # its own thread repairs that
        self._write_leftover()

    def _write_leftover(self) -> None:
        try:
            while self._leftover:
                written = self._file.write(self._leftover)
                taken, self._leftover = self._leftover[:written], self._leftover[written:]
                self._syncer.wrote(self._file, taken, self._framed if not self._leftover else None)
        except OSError as error:
            self._write_failure = unavailable("be written", error)
            self._syncer.give_up(self._write_failure)
            raise self._write_failure from error
        self._write_failure = None

    def _rotate(self) -> None:
        """Go on in a new segment. When that fails the old one serves on, and the next flush tries again."""
        old, path = self._file, segment_path(self.directory, self._framed, self.journal)
        try:
            self._file = WrittenFile.open(path, 0)
        except OSError:
            return
        try:
            self._write_state()
        except OSError:
            self._file.close()
            path.unlink()
            self._file = old
        else:
            self._syncer.retire(old, self._file)


def _take_lock(directory: Path) -> int:
    """Hold the directory for this process alone; the descriptor returned is the hold."""
    lock = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        raise Conflict(
            f"The audit log in {directory} is in use by process {holder}.",
            "Stop that gateway first, or give this one a data directory of its own.",
        ) from None
    except OSError as error:
        # The pid is for people; a full disk must not hide that the log was taken up, the journal will say it.
        if error.errno not in _NO_SPACE:
            os.close(lock)
            raise
    return lock
