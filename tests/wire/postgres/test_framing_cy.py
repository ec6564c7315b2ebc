"""Streams of messages, cut anywhere, compiled and interpreted."""

from __future__ import annotations

import itertools
import struct
import time
import tracemalloc
from types import ModuleType
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from doorward.errors import ProtocolViolation
from doorward.wire.postgres import framing_cy
from tests.wire.postgres.both_builds import FRAMINGS, interpreted

LIMIT = 60
Event = tuple[Any, ...]


def frame(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def events(module: ModuleType, stream: bytes, cuts: list[int], *, passing: bool) -> list[Event]:
    """What a reader tells of *stream* cut at *cuts*; parts that pass are joined, for where they are cut is no event."""
    reader = module.FrameReader(LIMIT)
    told: list[Event] = []
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in itertools.pairwise(edges):
        reader.feed(stream[start:end])
        while True:
            if reader.is_passing:
                part = reader.take()
                if not part:
                    break
                if told and told[-1][0] == "part":
                    told[-1] = ("part", told[-1][1] + part)
                else:
                    told.append(("part", part))
                continue
            try:
                found = reader.next()
            except ProtocolViolation:
                return [*told, ("violation",)]
            if found:
                assert reader.frame()[5:] == reader.body()
                told.append((reader.kind, reader.body()))
            elif reader.oversize:
                told.append(("oversize", reader.kind, reader.oversize))
                reader.pass_through() if passing else reader.skip()
            else:
                break
    return told


STREAMS = st.one_of(
    st.binary(max_size=120),
    st.lists(st.builds(frame, st.sampled_from([b"D", b"C", b"\xff"]), st.binary(max_size=2 * LIMIT)), max_size=6).map(b"".join),
    st.tuples(st.builds(frame, st.just(b"D"), st.binary(max_size=20)), st.binary(max_size=40)).map(b"".join),
)


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(STREAMS, st.lists(st.integers(0, 1 << 16), max_size=12), st.booleans())
def test_cuts_and_builds_change_nothing(stream: bytes, cuts: list[int], passing: bool) -> None:
    """One chunk, any chunks and single bytes tell the same, compiled and interpreted."""
    whole = events(FRAMINGS[0], stream, [], passing=passing)
    for module in FRAMINGS:
        assert events(module, stream, [], passing=passing) == whole
        assert events(module, stream, cuts, passing=passing) == whole
        assert events(module, stream, list(range(len(stream))), passing=passing) == whole


@pytest.mark.parametrize("module", FRAMINGS)
@pytest.mark.parametrize("length", [0, 1, 2, 3, 0x80000000, 0x80000004, 0xFFFFFFFF])
def test_impossible_lengths_are_violations(module: ModuleType, length: int) -> None:
    """Shorter than itself, or with the sign bit."""
    reader = module.FrameReader(1 << 30)
    reader.feed(b"D" + struct.pack(">I", length) + bytes(8))
    with pytest.raises(ProtocolViolation):
        reader.next()


@pytest.mark.parametrize("module", FRAMINGS)
def test_a_frame_at_the_limit_passes_and_one_above_stops(module: ModuleType) -> None:
    """The limit is on the length that the message gives of itself."""
    reader = module.FrameReader(LIMIT)
    reader.feed(frame(b"D", bytes(LIMIT - 4)) + frame(b"D", bytes(LIMIT - 3)))
    assert reader.next()
    assert not reader.next()
    assert (reader.oversize, chr(reader.kind)) == (LIMIT + 2, "D")


@pytest.mark.parametrize("module", FRAMINGS)
def test_a_run_takes_whole_frames_of_one_kind(module: ModuleType) -> None:
    """It stops before another kind, a cut frame, a frame over the limit, and one with an impossible length."""
    rows = [frame(b"D", bytes([n])) for n in range(3)]
    for behind in (frame(b"C", b""), frame(b"D", b"abc")[:-1], frame(b"D", bytes(LIMIT)), b"D\0\0\0\1", b"D\0", b""):
        reader = module.FrameReader(LIMIT)
        reader.feed(frame(b"T", b"x") + b"".join(rows) + behind)
        assert reader.next()
        assert reader.next()
        assert reader.run() == 3
        assert reader.buffer[reader.start - 5 : reader.end] == b"".join(rows)
        assert reader.waiting == len(behind)


@pytest.mark.parametrize("module", FRAMINGS)
def test_an_unread_frame_comes_again(module: ModuleType) -> None:
    """Also when more has been fed since."""
    reader = module.FrameReader(1 << 20)
    for size in (3, 100_000):
        stream = frame(b"Q", bytes(size))
        reader.feed(stream[:50])
        if not reader.next():
            reader.feed(stream[50:])
            assert reader.next()
        reader.unread()
        reader.feed(frame(b"S", b""))
        assert reader.next()
        assert reader.frame() == stream
        assert reader.next()
        assert chr(reader.kind) == "S"


@pytest.mark.parametrize("module", FRAMINGS)
def test_a_long_frame_in_tiny_pieces_costs_no_square(module: ModuleType) -> None:
    """A megabyte byte by byte; copying what is there for each piece would move half a terabyte."""
    stream = frame(b"Q", bytes(1 << 20))
    reader = module.FrameReader(1 << 21)
    started = time.monotonic()
    for at in range(len(stream)):
        reader.feed(stream[at : at + 1])
        assert reader.next() == (at == len(stream) - 1)
    assert time.monotonic() - started < 20
    assert reader.frame() == stream


def test_what_is_held_of_a_frame_in_pieces_is_in_proportion_to_it() -> None:
    """Pieces of two bytes would cost twenty times their content if each were kept as an object."""
    size = 1 << 20
    reader = framing_cy.FrameReader(1 << 24)
    header = b"Q" + struct.pack(">I", 1 << 23)
    tracemalloc.start()
    try:
        reader.feed(header)
        reader.next()
        for at in range(size // 2):
            reader.feed(at.to_bytes(2, "big", signed=False) if at < 65536 else bytes([at & 255, at >> 8 & 255]))
            reader.next()
        held, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 3 * size


@pytest.mark.parametrize("module", FRAMINGS)
@pytest.mark.parametrize("passing", [True, False])
def test_an_oversize_frame_is_never_held(module: ModuleType, passing: bool) -> None:
    """Skipped or let out in parts, over many chunks; what follows is read as usual."""
    stream = frame(b"d", bytes(range(200))) + frame(b"C", b"end")
    for size in (1, 3, 7, 64, 205, 206, 500):
        told = events(module, stream, list(range(size, len(stream), size)), passing=passing)
        expected: list[Event] = [("oversize", ord("d"), 205)]
        if passing:
            expected.append(("part", stream[:205]))
        assert told == [*expected, (ord("C"), b"end")]


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(
    st.lists(st.tuples(st.sampled_from(["feed", "next", "run", "unread", "skip", "take"]), st.binary(max_size=20)))
)
def test_both_builds_do_the_same_step_by_step(steps: list[tuple[str, bytes]]) -> None:
    """Calls in any order that the contract allows leave both in the same state."""
    readers = [framing_cy.FrameReader(16), interpreted("framing_cy").FrameReader(16)]
    has_frame = False
    for name, data in steps:
        outcomes = []
        for reader in readers:
            try:
                if name == "feed":
                    outcomes.append(reader.feed(data))
                elif name == "next":
                    outcomes.append(reader.next())
                elif name in ("run", "unread") and has_frame:
                    outcomes.append(getattr(reader, name)())
                elif name == "skip" and reader.oversize:
                    outcomes.append(reader.skip())
                elif name == "take" and reader.oversize:
                    reader.pass_through()
                    outcomes.append(reader.take())
                elif name == "take" and reader.is_passing:
                    outcomes.append(reader.take())
            except ProtocolViolation as error:
                outcomes.append(str(error))
            outcomes[-1:] = [
                (outcomes[-1:], reader.kind, reader.position, reader.buffer, reader.oversize, reader.waiting, reader.is_passing)
            ]
        assert outcomes[0] == outcomes[-1]
        result = outcomes[0][0]
        has_frame = name == "next" and bool(result) and result[0] is True
