"""The plug board: every row is complete, and nothing else is spoken."""

from __future__ import annotations

import pytest

from doorward.databases import DATABASES, POSTGRESQL, database_for
from doorward.errors import ConfigurationInvalid
from doorward.model.masking import Mask
from doorward.model.result import ResultColumn
from doorward.model.statement import Action

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


def test_masks_become_one_operation_for_each_column() -> None:
    """In the columns' order, a fixed value where the mask has one."""
    columns = [ResultColumn("a", 0, 0, TEXT, -1, -1, 0), ResultColumn("b", 0, 0, INT4, 4, -1, 1)]
    passed, hidden = POSTGRESQL.operations([Mask.NONE, Mask.FULL], columns)[0]
    assert passed != hidden
    codes, constants = POSTGRESQL.operations([Mask.FULL, Mask.NONE], columns)
    assert codes[1] == passed
    assert constants[0]
    assert not constants[1]


def test_a_mask_without_a_column_is_an_error() -> None:
    """Too few masks must never mean that the last columns pass."""
    with pytest.raises(ValueError, match="zip"):
        POSTGRESQL.operations([Mask.FULL], [ResultColumn("a", 0, 0, TEXT, -1, -1, 0)] * 2)
