"""The plug board: every row is complete, and nothing else is spoken."""

from __future__ import annotations

from typing import Any

import pytest

from doorward.databases import DATABASES, POSTGRESQL, database_for
from doorward.detectors.scanner import default_scanner
from doorward.errors import ConfigurationInvalid
from doorward.model.catalog import Label
from doorward.model.masking import Mask
from doorward.model.result import ResultColumn
from doorward.model.statement import Action
from doorward.wire.postgres import messages, rows_cy
from doorward.wire.postgres.framing_cy import FrameReader

TEXT, INT4 = 25, 23


@pytest.mark.parametrize("engine", DATABASES)
def test_each_row_is_found_by_its_own_name(engine: str) -> None:
    """And its pieces are there to be used."""
    row = database_for(engine)
    assert row.engine == engine
    assert row.scheme
    assert 0 < row.default_port < 1 << 16
    assert row.analyze("SELECT 1").action is Action.READ
    assert row.analyze("this is no statement").error
    assert row.cancel_packet(1, b"key!") != row.cancel_packet(1, b"keys")


def test_no_two_rows_share_a_scheme() -> None:
    """A URL means one database."""
    schemes = [scheme for row in DATABASES.values() for scheme in row.scheme]
    assert len(schemes) == len(set(schemes))


@pytest.mark.parametrize("engine", ["", "mysql", "PostgreSQL", "postgres"])
def test_an_engine_that_is_not_spoken_is_refused(engine: str) -> None:
    """With those that are."""
    with pytest.raises(ConfigurationInvalid, match="not spoken") as raised:
        database_for(engine)
    assert "postgresql" in raised.value.remedy


def _operations(masks: list[Mask], columns: list[ResultColumn]) -> tuple[list[int], list[Any]]:
    return POSTGRESQL.operations(masks, columns, [Label.PERSON_NAME] * len(columns), None)


def test_a_scanned_text_is_read_beside_what_its_row_says_of_a_person() -> None:
    """The name in a labelled column is found again in the note, however the labelled column itself is shown."""
    columns = [ResultColumn("who", 1, 1, TEXT, -1, -1, 0), ResultColumn("note", 1, 2, TEXT, -1, -1, 0)]
    labels = [Label.PERSON_NAME, Label.FREE_TEXT]
    codes, constants = POSTGRESQL.operations([Mask.FULL, Mask.SCAN], columns, labels, default_scanner())
    run = b"".join(map(messages.data_row, [[b"Ines Okafor", b"Okafor rang about the lamp"], [None, b"nobody rang"]]))
    masked, count = rows_cy.mask_rows(run, 0, len(run), codes, constants)
    rows = [messages.read_data_row(part) for part in _bodies(masked)]
    assert count == 2
    assert rows[0][0] == b"***"
    assert rows[0][1] is not None
    assert b"Okafor" not in rows[0][1]
    assert rows[0][1].endswith(b" rang about the lamp")
    assert rows[1] == (None, b"nobody rang")


def test_what_can_not_be_scanned_yet_is_masked_whole() -> None:
    """The scanner takes its time to be made."""
    columns = [ResultColumn("note", 1, 2, TEXT, -1, -1, 0)]
    assert POSTGRESQL.operations([Mask.SCAN], columns, [Label.FREE_TEXT], None) == POSTGRESQL.operations(
        [Mask.FULL], columns, [Label.FREE_TEXT], None
    )


def _bodies(run: bytes) -> list[bytes]:
    reader = FrameReader(1 << 20)
    reader.feed(run)
    found = []
    while reader.next():
        found.append(reader.body())
    return found


def test_masks_become_one_operation_for_each_column() -> None:
    """In the columns' order, a fixed value where the mask has one."""
    columns = [ResultColumn("a", 0, 0, TEXT, -1, -1, 0), ResultColumn("b", 0, 0, INT4, 4, -1, 1)]
    passed, hidden = _operations([Mask.NONE, Mask.FULL], columns)[0]
    assert passed != hidden
    codes, constants = _operations([Mask.FULL, Mask.NONE], columns)
    assert codes[1] == passed
    assert constants[0]
    assert not constants[1]


def test_a_mask_without_a_column_is_an_error() -> None:
    """Too few masks must never mean that the last columns pass."""
    with pytest.raises(ValueError, match="zip"):
        _operations([Mask.FULL], [ResultColumn("a", 0, 0, TEXT, -1, -1, 0)] * 2)
