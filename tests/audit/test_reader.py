"""Reading while others write, sign and delete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from doorward.audit.checkpoint import create_key
from doorward.audit.journal import SegmentReader, end_index, segments
from doorward.audit.log import AuditLog
from doorward.audit.reader import LogReader
from doorward.audit.sequencer import Sequencer
from doorward.errors import LogDamaged
from doorward.model.entry import ServiceStarted

OpenLog = Callable[..., AuditLog]


def fill(log: AuditLog, count: int, padding: int = 0) -> None:
    for _ in range(count):
        log.append(ServiceStarted(at_us=log.size, resumed_at=0, version="v" * padding))
    log.flush()


def indexes(reader: LogReader, *span: int) -> list[int]:
    return [index for index, _ in reader.entries(*span)]


def test_signed_and_pending_entries_are_one_sequence(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log(segment_bytes=2_000)
    reader = LogReader(tmp_path / "log")
    assert (reader.size(), reader.checkpoint(), indexes(reader)) == (0, None, [])
    sequencer = Sequencer(tmp_path / "log", create_key(tmp_path / "log", "log.test"))
    for _ in range(30):
        fill(log, 10)
    sequencer.step()
    fill(log, 40)
    assert reader.size() == 340
    assert indexes(reader) == list(range(340))
    for start, stop in ((0, 3), (250, 260), (255, 257), (295, 305), (310, 340), (339, 900)):
        assert indexes(reader, start, stop) == list(range(start, min(stop, 340)))
    assert [index for index, _ in reader.tail(3)] == [337, 338, 339]
    assert indexes(reader, 340) == []
    sequencer.close()


def test_reading_goes_on_while_the_journal_is_signed_away(open_log: OpenLog, tmp_path: Path) -> None:
    """Segments are deleted under a reader that has begun; it finds their entries in the bundles."""
    log = open_log(segment_bytes=1_000)
    sequencer = Sequencer(tmp_path / "log", create_key(tmp_path / "log", "log.test"))
    for _ in range(30):
        fill(log, 10)
    found = []
    for index, _ in LogReader(tmp_path / "log").entries():
        if index == 5:
            sequencer.step()
            fill(log, 10)
        found.append(index)
    assert found == list(range(310))
    sequencer.close()


def test_seeking_in_a_long_segment_finds_every_entry(open_log: OpenLog, tmp_path: Path) -> None:
    fill(open_log(), 400, padding=5_000)
    (segment,) = segments(tmp_path / "log")
    assert end_index(segment) == 400
    with SegmentReader(segment) as reader:
        for index in (0, 1, 57, 199, 200, 398, 399):
            reader.seek(index)
            assert next(reader.frames()).index == index
        reader.seek(400)
        assert reader.index == 400


def test_damage_is_not_passed_over(open_log: OpenLog, tmp_path: Path) -> None:
    log = open_log()
    fill(log, 5)
    path = segments(tmp_path / "log")[0].path
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(LogDamaged, match="can't be read"):
        indexes(LogReader(tmp_path / "log"))
