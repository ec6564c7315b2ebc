"""Reading a log, also while it is being written and signed: signed entries from bundles, the rest from the journals."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from doorward.audit.checkpoint import Checkpoint, read_checkpoint
from doorward.audit.journal import Segment, SegmentReader, end_index, frame_at, journals, later_frames, segments
from doorward.audit.merkle import TILE_WIDTH
from doorward.audit.order import Place, in_order, is_shared, places_of, read_order, time_of
from doorward.audit.sequencer import LOCK_FILE
from doorward.audit.tiles import TileFiles
from doorward.errors import LogDamaged


class LogReader:
    """Reads the log in *directory*; keeps nothing open between calls. Does not verify: that is ``verify``.

    Where several gateways write, an entry has its place once it is signed, and is not read before; unless nobody signs at
    present: then what waits is read in the order in which it will be signed.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def checkpoint(self) -> Checkpoint | None:
        """The last checkpoint, its signature not checked; None when nothing was signed yet."""
        return read_checkpoint(self.directory)

    def size(self) -> int:
        """How many entries there are by now, signed or not."""
        if is_shared(self.directory):
            return self._shared_size()
        while True:
            found = segments(self.directory)
            if not found:
                checkpoint = self.checkpoint()
                return checkpoint.size if checkpoint else 0
            try:
                return end_index(found[-1])
            except FileNotFoundError:
                continue  # the journal moved on between listing and opening

    def tail(self, count: int) -> list[tuple[int, bytes]]:
        """The last *count* entries with their indexes, oldest first."""
        return list(self.entries(max(0, self.size() - count)))

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
        """(index, canonical bytes) from *start* on, up to *stop* or the end as it is when reached.

        Raises LogDamaged at an entry that can't be read.
        """
        index = start
        while stop is None or index < stop:
            before = index
            for source in (self._signed, self._waiting if is_shared(self.directory) else self._journaled):
                for place, payload in source(index, stop):
                    yield place, payload
                    index = place + 1
            if index == before:
                return

    def _signed(self, start: int, stop: int | None) -> Iterator[tuple[int, bytes]]:
        checkpoint = self.checkpoint()
        end = checkpoint.size if checkpoint else 0
        files = TileFiles(self.directory, end)
        end = end if stop is None else min(end, stop)
        while start < end:
            bundle, skip = divmod(start, TILE_WIDTH)
            for payload in files.entries(bundle)[skip : end - bundle * TILE_WIDTH]:
                yield start, payload
                start += 1

    # --- several journals -----------------------------------------------------------------------------------------

    def _shared_size(self) -> int:
        checkpoint = self.checkpoint()
        size = checkpoint.size if checkpoint else 0
        if is_being_signed(self.directory):
            return size
        places = places_of(read_order(self.directory), size)
        for journal in journals(self.directory):
            found = segments(self.directory, journal)
            if found:
                size += end_index(found[-1]) - places.get(journal, Place()).count
        return size

    def _waiting(self, start: int, stop: int | None) -> Iterator[tuple[int, bytes]]:
        """Entries that are not signed yet, while nobody signs."""
        checkpoint = self.checkpoint()
        size = checkpoint.size if checkpoint else 0
        if start < size or is_being_signed(self.directory):
            return
        order = read_order(self.directory)
        places = places_of(order, size)
        sources = {
            journal: self._from_journal(journal, places.get(journal, Place()).count) for journal in journals(self.directory)
        }
        merged = in_order(sources, order.waiting(size) if order else (), time_of)
        for index, (_journal, payload) in islice(
            enumerate(merged, size), start - size, None if stop is None else max(stop, start) - size
        ):
            yield index, payload

    def _from_journal(self, journal: int, index: int) -> Iterator[bytes]:
        for segment in segments(self.directory, journal):
            with SegmentReader(segment) as reader:
                if segment.first < index:
                    reader.seek(index)
                for frame in reader.frames():
                    if frame.is_entry and frame.index >= index:
                        yield frame.payload

    # --- one journal ----------------------------------------------------------------------------------------------

    def _journaled(self, start: int, stop: int | None) -> Iterator[tuple[int, bytes]]:
        """Entries from the journal. Ends early when a segment was deleted: by then it is signed."""
        index = start
        while True:
            found = segments(self.directory)
            before = [segment for segment in found if segment.first <= index]
            if not before:
                return
            try:
                reader = SegmentReader(before[-1])
            except FileNotFoundError:
                return
            with reader:
                reader.seek(index)
                if reader.index != index:
                    return
                for frame in reader.frames():
                    if stop is not None and frame.index >= stop:
                        return
                    if frame.is_entry:
                        yield frame.index, frame.payload
                _require_end(reader, [segment for segment in found if segment.first > index])
            if reader.index == index:
                return
            index = reader.index


def is_being_signed(directory: Path) -> bool:
    """Whether a sequencer has the log in *directory*."""
    try:
        lock = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # never signed, or a copy that can't be written
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _require_end(reader: SegmentReader, later: list[Segment]) -> None:
    """LogDamaged when reading stopped at damage; *later* was listed before reading, so the segment before it was complete."""
    rest = reader.rest()
    is_damaged = rest and frame_at(rest, 0) is None and next(later_frames(rest, 0), None)
    if is_damaged or (later and later[0].first != reader.index):
        raise LogDamaged(
            f"{reader.segment.path.name} is damaged at byte {reader.offset}: entry {reader.index} can't be read.",
            "Run `doorward audit verify` to see everything that is wrong.",
            reader.index,
        )
