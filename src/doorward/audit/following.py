"""Following one journal from where the tree ends: what is new in it, put on stable storage before it is read."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from doorward.audit.files import sync_directory
from doorward.audit.journal import Segment, SegmentReader, journal_name, later_frames, segments
from doorward.audit.merkle import leaf_hash
from doorward.audit.order import Place
from doorward.errors import LogDamaged

REMEDY = "Nothing more is signed until this is settled: run `doorward audit verify` and restore what it names from a backup."

# Whether the entry with this index is the one that was signed.
IsSigned = Callable[[int, bytes], bool]


class Follower:
    """Reads a journal on from *place*. *is_signed* is asked of entries before it where their index is known.

    Raises LogDamaged when the journal does not go on where the tree ends, or breaks off in a place that is not its end.
    """

    def __init__(self, directory: Path, journal: int, place: Place, is_signed: IsSigned | None = None) -> None:
        self._directory = directory
        self._journal = journal
        self._place = place
        self._is_signed = is_signed
        self._reader: SegmentReader | None = None

    def close(self) -> None:
        """Let go of the journal's files."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def take(self, limit_bytes: int, most: int | None = None) -> list[bytes]:
        """The next entries, *most* of them at most, ending with the one that reaches *limit_bytes*."""
        taken: list[bytes] = []
        size_bytes = 0
        if most == 0:
            return taken
        if self._reader is None:
            self._reader = self._find_place()
        while self._reader is not None:
            reader = self._reader
            # Asked first: a segment that has a successor is complete.
            later = [segment for segment in segments(self._directory, self._journal) if segment.first > reader.segment.first]
            end = reader.length()
            if end > reader.offset:
                reader.sync()
            for frame in reader.frames(end):
                if not frame.is_entry:
                    continue
                taken.append(frame.payload)
                size_bytes += len(frame.payload)
                if size_bytes >= limit_bytes or len(taken) == most:
                    return taken
            self._require_whole(reader, end, later)
            if not later:
                break
            self._reader = SegmentReader(later[0])
            reader.close()
        return taken

    def delete_before(self, index: int) -> None:
        """Delete segments with nothing but entries before *index*, the last two excepted (recovery reads them)."""
        found = segments(self._directory, self._journal)
        done = [segment for segment, after in pairwise(found[:-1]) if after.first <= index]
        if done:
            # The oldest one kept must be known to be durable, name and bytes, before what precedes it goes.
            with SegmentReader(found[len(done)]) as reader:
                reader.sync()
            sync_directory(self._directory / journal_name(self._journal))
            for segment in done:
                segment.path.unlink()

    def _find_place(self) -> SegmentReader | None:
        """The journal at the first entry that is not in the tree; None when nothing was ever written."""
        count = self._place.count
        found = segments(self._directory, self._journal)
        before = [segment for segment in found if segment.first <= count]
        if not before:
            if found or count:
                raise LogDamaged(f"{self._named} does not hold entry {count}, the next one to sign.", REMEDY, count)
            return None
        reader = SegmentReader(before[-1])
        try:
            if self._is_signed is None and count > reader.segment.first:
                reader.seek(count - 1)
            for frame in reader.frames():
                if not frame.is_entry:
                    continue
                if frame.index == count:
                    reader.offset, reader.index = frame.offset, frame.index
                    break
                if not self._was_signed(frame.index, frame.payload):
                    raise LogDamaged(
                        f"Entry {frame.index} in {reader.segment.path.name} is not the one signed.", REMEDY, frame.index
                    )
            if reader.index != count:
                raise LogDamaged(
                    f"{self._named} can be read up to entry {reader.index} only; {count} are signed.", REMEDY, reader.index
                )
        except BaseException:
            reader.close()
            raise
        return reader

    def _was_signed(self, index: int, payload: bytes) -> bool:
        if self._is_signed is not None:
            return self._is_signed(index, payload)
        last = self._place.last
        return not last or index != self._place.count - 1 or leaf_hash(payload).hex() == last

    @property
    def _named(self) -> str:
        return f"The journal {self._journal}" if self._journal else "The journal"

    def _require_whole(self, reader: SegmentReader, end: int, later: list[Segment]) -> None:
        """Raise LogDamaged when reading stopped at a place that is not simply the end of what was written so far."""
        name = reader.segment.path.name
        if reader.offset < end and next(later_frames(reader.read(reader.offset, end - reader.offset), 0), None):
            raise LogDamaged(
                f"{name} is damaged at byte {reader.offset}: entry {reader.index} can't be read.", REMEDY, reader.index
            )
        if later and later[0].first != reader.index:
            raise LogDamaged(
                f"{self._named} has a hole: {name} ends before entry {reader.index}, the next begins with {later[0].first}.",
                REMEDY,
                reader.index,
            )
