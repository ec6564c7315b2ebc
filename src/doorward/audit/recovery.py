"""Taking up a journal where a process left it: cut what a crash tore, refuse what was damaged, find what was in flight.

Only the last segment is read: each begins with a state frame that lists the executions open at that point.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec

from doorward.audit.checkpoint import read_checkpoint
from doorward.audit.journal import Frame, Segment, SegmentReader, journal_name, later_frames, segments
from doorward.audit.order import read_order
from doorward.errors import LogDamaged

_REMEDY = "Keep a copy of the directory, run `doorward audit verify`, and restore the journal from a backup or start a new log."


@dataclass(frozen=True, slots=True)
class InFlight:
    """An execution that was allowed and of which no outcome was written."""

    execution: str
    session: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request that was put for a held execution, and of which no end was written."""

    request: str
    execution: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """What opening the log found.

    *entries* are intact, *torn_bytes* of an unfinished write were cut off; *in_flight* and *unanswered* were left open.
    """

    entries: int
    torn_bytes: int
    in_flight: tuple[InFlight, ...]
    unanswered: tuple[Unanswered, ...] = ()


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where writing goes on. *segment* is None for a new log, *end* 0 when the segment's state frame must be written."""

    segment: Segment | None
    end: int
    recovery: Recovery


class _Mark(msgspec.Struct):
    kind: str
    execution: str = ""
    request: str = ""
    session: str = ""
    verdict: str = ""


# Marks a request among the open executions: it is open until its answer.
_HOLD = "hold "

_decode_mark = msgspec.json.Decoder(_Mark).decode
_decode_state = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode


def hold_key(request: str) -> str:
    """What an open request is called among open executions; its value is the held execution."""
    return _HOLD + request


def encode_state(open_executions: dict[str, str]) -> bytes:
    """The payload of a state frame: pairs of execution and session."""
    return msgspec.json.encode(sorted(open_executions.items()))


def follow(payload: bytes, open_executions: dict[str, str]) -> None:
    """Bring *open_executions* (execution to session) past one entry."""
    # Quotes inside values are escaped, so these bytes are in every such entry; decoding tells the few others apart.
    if b'"kind":"statement.' not in payload and b'"kind":"hold.' not in payload:
        return
    mark = _decode_mark(payload)
    if mark.kind == "statement.intent" and mark.verdict == "allow":
        open_executions[mark.execution] = mark.session
    elif mark.kind == "statement.outcome":
        open_executions.pop(mark.execution, None)
    elif mark.kind == "hold.requested":
        open_executions[hold_key(mark.request)] = mark.execution
    elif mark.kind == "hold.answered":
        open_executions.pop(hold_key(mark.request), None)


def resume(directory: Path, journal: int = 0) -> Resumed:
    """Bring a journal of *directory* to its last whole entry and say what was found.

    Raises LogDamaged when an entry that was on stable storage is missing or unreadable; then nothing is changed.
    """
    signed = _signed(directory, journal)
    found = segments(directory, journal)
    if not found:
        if signed:
            raise LogDamaged(
                f"{directory / journal_name(journal)} is empty, though {signed} entries were signed.", _REMEDY, signed
            )
        return Resumed(None, 0, Recovery(0, 0, ()))
    scan = _scan(found[-1], signed)
    kept = _without_gap(found, scan.durable)
    dropped = found[len(kept) :]
    torn = sum(segment.path.stat().st_size for segment in dropped)
    last = kept[-1]
    if dropped:
        scan = _scan(last, scan.durable)
    if scan.end < scan.durable:
        raise LogDamaged(
            f"The journal ends at entry {scan.end} in {last.path.name}, but {scan.durable} entries were on stable storage.",
            _REMEDY,
            scan.end,
        )
    open_executions = scan.open_executions
    if scan.offset == 0 and last.first > 0:
        if len(kept) == 1:
            raise LogDamaged(f"{last.path.name} lost its first frame, and the segment before it is gone.", _REMEDY, last.first)
        open_executions = _scan(kept[-2], scan.durable).open_executions
    for segment in reversed(dropped):
        segment.path.unlink()
    if scan.length > scan.offset:
        _cut(last, scan.offset)
    in_flight = tuple(InFlight(*pair) for pair in open_executions.items() if not pair[0].startswith(_HOLD))
    unanswered = tuple(
        Unanswered(key.removeprefix(_HOLD), execution) for key, execution in open_executions.items() if key.startswith(_HOLD)
    )
    return Resumed(last, scan.offset, Recovery(scan.end, torn + scan.length - scan.offset, in_flight, unanswered))


def _signed(directory: Path, journal: int) -> int:
    """How many entries of a journal are under the checkpoint, at least. It may be signed on meanwhile: hence this order."""
    checkpoint = read_checkpoint(directory)
    order = read_order(directory)
    if order is not None:
        places = order.after if checkpoint and checkpoint.size == order.end else order.before
        return places[journal].count if journal in places else 0
    return checkpoint.size if checkpoint and not journal else 0


@dataclass(frozen=True, slots=True)
class _Scan:
    end: int  # the index after the last valid entry
    offset: int  # where its frame ends
    length: int  # of the file
    durable: int
    open_executions: dict[str, str]


def _scan(segment: Segment, durable: int) -> _Scan:
    """Read a segment whole; LogDamaged when an unreadable place lies below what was known to be durable."""
    open_executions: dict[str, str] = {}
    with SegmentReader(segment) as reader:
        for frame in reader.frames():
            _take(frame, open_executions)
        rest = reader.rest()
        later = list(later_frames(rest, 0, reader.offset)) if rest else []
        durable = max([durable, reader.durable, *(frame.durable for frame in later)])
        if later and reader.index < durable:
            raise LogDamaged(
                f"{segment.path.parent.name}/{segment.path.name} is damaged between byte {reader.offset} "
                f"and byte {later[0].offset}: entry {reader.index} was on stable storage and can't be read.",
                _REMEDY,
                reader.index,
            )
        return _Scan(reader.index, reader.offset, reader.offset + len(rest), durable, open_executions)


def _take(frame: Frame, open_executions: dict[str, str]) -> None:
    if frame.is_entry:
        follow(frame.payload, open_executions)
    else:
        open_executions.clear()
        open_executions.update(_decode_state(frame.payload))


def _without_gap(found: list[Segment], durable: int) -> list[Segment]:
    """*found* up to the first place past *durable* where entries are missing between two segments.

    A power cut can keep a new segment's bytes and lose the end of the one before; nothing after the gap was ever durable.
    """
    doubtful = next((position for position, segment in enumerate(found) if segment.first > durable), len(found))
    if doubtful == 0:
        raise LogDamaged(f"The journal begins at entry {found[0].first}; what came before is gone.", _REMEDY, 0)
    for position in range(doubtful, len(found)):
        before = found[position - 1]
        with SegmentReader(before) as reader:
            reader.seek(max(durable, before.first))
            for _ in reader.frames():
                pass
            if reader.index != found[position].first:
                return found[:position]
    return found


def _cut(segment: Segment, offset: int) -> None:
    descriptor = os.open(segment.path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, offset)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
