"""The journal's bytes: frames in segment files, one frame an entry, and how to find one's way in them.

A frame says by itself what it is (mark, checksum, index), so that reading can start anywhere and a hole can't hide. The
mark is not valid UTF-8: no entry's text can contain one. *durable* in each frame is the number of entries that were known
to be on stable storage when it was written: damage below the highest such number is damage, above it a torn tail.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from doorward.audit.canonical import MAX_ENTRY_BYTES

JOURNAL_FOLDER = "journal"
ENTRY_MARK = b"\xd0\nDE"
STATE_MARK = b"\xd0\nDS"
_MARK_START = b"\xd0\nD"
_PREFIX = struct.Struct(">4sI")
_HEAD = struct.Struct(">IQQ")
_FRAME = struct.Struct(">4sIIQQ")
HEADER_BYTES = _FRAME.size
# A state frame holds a line for each statement in flight.
_MAX_PAYLOAD = {ENTRY_MARK: MAX_ENTRY_BYTES, STATE_MARK: 64 << 20}
_CHUNK_BYTES = 1 << 20
_PROBE_BYTES = 256 << 10  # holds any entry's frame twice
_SEGMENT_NAME = re.compile(r"([0-9]{20})\.seg")
_JOURNAL_NAME = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True, slots=True)
class Frame:
    """A valid frame at *offset* of its segment. For a state frame *index* is that of the entry to come."""

    offset: int
    is_entry: bool
    index: int
    durable: int
    payload: bytes

    @property
    def end(self) -> int:
        """The offset just after it."""
        return self.offset + HEADER_BYTES + len(self.payload)


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment file; *first* is the index of its first entry, as its name says."""

    path: Path
    first: int


def journal_name(journal: int) -> str:
    """The folder of the journal with this number, as a path in the log's directory."""
    return f"{JOURNAL_FOLDER}/{journal}" if journal else JOURNAL_FOLDER


def journals(directory: Path) -> list[int]:
    """The numbers of the journals of the log in *directory*; number 0 always counts as there."""
    try:
        names = os.listdir(directory / JOURNAL_FOLDER)
    except FileNotFoundError:
        return [0]
    return [0, *sorted(int(name) for name in names if _JOURNAL_NAME.fullmatch(name))]


def segment_path(directory: Path, first: int, journal: int = 0) -> Path:
    """Where the segment that begins with entry *first* lies."""
    return directory / journal_name(journal) / f"{first:020}.seg"


def segments(directory: Path, journal: int = 0) -> list[Segment]:
    """The segments of a journal of the log in *directory*, in order; none when there is no such journal."""
    folder = directory / journal_name(journal)
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = [match for name in names if (match := _SEGMENT_NAME.fullmatch(name))]
    return sorted((Segment(folder / m[0], int(m[1])) for m in found), key=lambda s: s.first)


def encode_frame(mark: bytes, index: int, durable: int, payload: bytes) -> bytes:
    """One frame's bytes."""
    head = _HEAD.pack(len(payload), index, durable)
    return _PREFIX.pack(mark, crc32(payload, crc32(head))) + head + payload


def encode_entries(payloads: list[bytes], index: int, durable: int) -> bytes:
    """The frames of consecutive entries, the first being number *index*."""
    parts: list[bytes] = []
    for payload in payloads:
        head = _HEAD.pack(len(payload), index, durable)
        parts += (_PREFIX.pack(ENTRY_MARK, crc32(payload, crc32(head))), head, payload)
        index += 1
    return b"".join(parts)


def frame_at(data: bytes, position: int, offset: int = 0) -> Frame | None:
    """The frame at *position* of *data*, which lies at *offset* of its file; None unless whole and valid."""
    if len(data) - position < HEADER_BYTES:
        return None
    mark, checksum, length, index, durable = _FRAME.unpack_from(data, position)
    limit = _MAX_PAYLOAD.get(mark)
    start = position + HEADER_BYTES
    if limit is None or length > limit or start + length > len(data):
        return None
    payload = data[start : start + length]
    if crc32(payload, crc32(data[position + 8 : start])) != checksum:
        return None
    return Frame(offset + position, mark == ENTRY_MARK, index, durable, payload)


def _needed(data: bytes, position: int) -> int:
    """How many bytes the frame at *position* claims to take; just its header's while that is not there or not credible."""
    if len(data) - position < HEADER_BYTES:
        return HEADER_BYTES
    mark, _, length, _, _ = _FRAME.unpack_from(data, position)
    return HEADER_BYTES + (length if length <= _MAX_PAYLOAD.get(mark, -1) else 0)


def later_frames(data: bytes, position: int, offset: int = 0) -> Iterator[Frame]:
    """Valid frames anywhere after *position*: what lies beyond a damaged place."""
    while (position := data.find(_MARK_START, position)) >= 0:
        frame = frame_at(data, position, offset)
        if frame is not None:
            yield frame
        position = position + 1 if frame is None else frame.end - offset


class SegmentReader:
    """Reads one open segment's frames in order. Stops at whatever is not a valid next frame, and can go on later.

    *offset* is where the next frame is expected, *index* the entry expected there. Call :meth:`close` when done.
    """

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.offset = 0
        self.index = segment.first
        self.durable = 0  # the highest watermark seen
        self._descriptor = os.open(segment.path, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Release the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> SegmentReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sync(self) -> None:
        """Put the segment on stable storage. Raises OSError; then nothing read after may be relied on."""
        os.fdatasync(self._descriptor)

    def length(self) -> int:
        """The file's present length in bytes."""
        return os.fstat(self._descriptor).st_size

    def frames(self, end: int | None = None) -> Iterator[Frame]:
        """The valid frames from *offset* on that lie before *end* (the file's present end) and continue the count."""
        end = self.length() if end is None else end
        data, start = b"", self.offset
        while True:
            frame = frame_at(data, self.offset - start, start)
            if frame is None:
                needed = _needed(data, self.offset - start)
                if start + len(data) - self.offset >= needed or self.offset + needed > end:
                    return
                start = self.offset
                data = self.read(start, min(max(needed, _CHUNK_BYTES), end - start))
                if len(data) < needed:
                    return
                continue
            if frame.index != self.index:
                return
            self.offset = frame.end
            self.index += frame.is_entry
            self.durable = max(self.durable, frame.durable)
            yield frame

    def read(self, start: int, length: int) -> bytes:
        """Up to *length* bytes of the file from *start* on."""
        return os.pread(self._descriptor, length, start)

    def rest(self) -> bytes:
        """Everything from *offset* on: empty when the segment was read to its end."""
        return self.read(self.offset, max(0, self.length() - self.offset))

    def seek(self, index: int) -> None:
        """Go to the frame of entry *index*, by halving: each probe reads little, whatever the segment's length."""
        low, high = 0, self.length()
        self.offset, self.index = 0, self.segment.first
        while high - low > _PROBE_BYTES:
            middle = (low + high) // 2
            probe = self.read(middle, _PROBE_BYTES)
            frame = next((f for f in later_frames(probe, 0, middle) if f.is_entry), None)
            if frame is None or frame.index > index:
                high = middle
            else:
                self.offset, self.index, low = frame.offset, frame.index, middle + 1
        for frame in self.frames():
            if frame.is_entry and frame.index >= index:
                self.offset, self.index = frame.offset, frame.index
                return


def end_index(segment: Segment) -> int:
    """The index after the segment's last whole frame, found from its end."""
    with SegmentReader(segment) as reader:
        end = reader.length()
        while end > 0:
            start = max(0, end - _PROBE_BYTES)
            data = reader.read(start, 2 * _PROBE_BYTES)
            found = list(later_frames(data, 0, start))
            if found:
                return found[-1].index + found[-1].is_entry
            end = start
    return segment.first
