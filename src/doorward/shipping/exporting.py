"""One destination's share of the log: read on from its cursor, handed over, and only then is the cursor moved.

At least once: what was taken before a crash could move the cursor is sent again, with the same ``metadata.uid``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from doorward.audit.files import make_directory, sync_directory, write_durably
from doorward.audit.merkle import leaf_hash
from doorward.audit.reader import LogReader
from doorward.errors import DoorwardError
from doorward.shipping.destinations import Destination
from doorward.shipping.ocsf import Events
from doorward.shipping.posting import FIRST_PAUSE_SECONDS, DeliveryFailed, longer
from doorward.shipping.receivers import ConnectionEnded, Receiver

# What is held in memory at a time, however far behind a receiver is.
BATCH_ENTRIES = 500
BATCH_BYTES = 1 << 20
# How far before the cursor sessions are looked for that were open there.
LOOK_BACK_ENTRIES = 20_000


class Cursor(msgspec.Struct, frozen=True):
    """How far a destination is: *entries* were handed over. *failure* says what hinders it, empty when nothing does.

    *last* is the leaf hash of the last entry: by it a cursor knows its log.
    """

    entries: int = 0
    last: str = ""
    at_us: int = 0
    failure: str = ""
    failing_since_us: int = 0


def cursor_path(folder: Path, name: str) -> Path:
    """Where the cursor of a destination lies."""
    return folder / f"{name}.cursor"


def read_cursor(folder: Path, name: str) -> Cursor:
    """How far a destination is; at the start when there is none, or when it can't be read: then all is sent again."""
    try:
        return msgspec.json.decode(cursor_path(folder, name).read_bytes(), type=Cursor)
    except (OSError, msgspec.DecodeError):
        return Cursor()


class Export:
    """Brings one destination up with the log. Not for several threads."""

    def __init__(
        self,
        destination: Destination,
        folder: Path,
        reader: LogReader,
        receiver: Callable[[], Receiver],
        readable: Callable[[bytes], bytes],
        now_us: Callable[[], int],
    ) -> None:
        self.destination = destination
        self._folder = folder
        self._reader = reader
        self._make_receiver = receiver
        self._receiver: Receiver | None = None
        self._readable = readable
        self._now_us = now_us
        self._events: Events | None = None
        self._pause = 0.0
        self._before: Cursor | None = None  # where the batch that was handed over last began
        make_directory(folder)
        self.cursor = read_cursor(folder, destination.name)

    def step(self) -> float | None:
        """Hand over one batch. None when there may be more; else how long to wait before the next step, in seconds."""
        try:
            return self._step()
        except DoorwardError as error:
            self._pause = longer(self._pause)
            since = self.cursor.failing_since_us or self._now_us()
            cursor = self.cursor
            if isinstance(error, ConnectionEnded) and self._before is not None:
                cursor, self._before = self._before, None
            with contextlib.suppress(DeliveryFailed):  # what is in memory holds until there is room for it
                self._keep(msgspec.structs.replace(cursor, failure=error.message, failing_since_us=since))
            return self._pause

    def close(self) -> None:
        """Let go of the receiver."""
        if self._receiver is not None:
            self._receiver.close()
            self._receiver = None

    def _step(self) -> float | None:
        checkpoint = self._reader.checkpoint()
        # What is not signed yet may be cut off by a crash, and something else take its place.
        size = checkpoint.size if checkpoint else 0
        events = self._events
        if events is None:
            events = self._events = self._begin(checkpoint.origin if checkpoint else "", size)
        if self.cursor.entries >= size:
            return FIRST_PAUSE_SECONDS
        batch, length, raw = [], 0, b""
        stop = self.cursor.entries
        for index, raw in self._reader.entries(stop, min(size, stop + BATCH_ENTRIES)):
            event = events.of(index, self._readable(raw))
            stop = index + 1
            if event is not None:
                batch.append(event)
            length += len(raw)
            if length >= BATCH_BYTES:
                break
        if batch:
            if self._receiver is None:
                self._receiver = self._make_receiver()
            self._receiver.take(batch)
        self._pause = 0.0
        self._before = self.cursor
        self._keep(Cursor(stop, leaf_hash(raw).hex(), self._now_us()))
        return None if stop < size else FIRST_PAUSE_SECONDS

    def _begin(self, origin: str, size: int) -> Events:
        """Know the sessions from before the cursor; one of another log begins anew."""
        events = Events(origin)
        start = self.cursor.entries
        if start and not self._is_of_this_log(start, size):
            start = 0
            self._keep(Cursor())
        for _index, raw in self._reader.entries(max(0, start - LOOK_BACK_ENTRIES), start):
            events.remember(raw)
        return events

    def _is_of_this_log(self, start: int, size: int) -> bool:
        if start > size:
            return False
        return any(leaf_hash(raw).hex() == self.cursor.last for _index, raw in self._reader.entries(start - 1, start))

    def _keep(self, cursor: Cursor) -> None:
        self.cursor = cursor
        try:
            write_durably(cursor_path(self._folder, self.destination.name), msgspec.json.encode(cursor))
            sync_directory(self._folder)
        except OSError as error:
            raise DeliveryFailed(
                f"The cursor of {self.destination.name} can't be written: {error.strerror}.", "Make room."
            ) from None
