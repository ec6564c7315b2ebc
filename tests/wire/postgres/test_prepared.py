"""The columns of portals: as Bind asked for them, one object for each way of asking."""

from __future__ import annotations

import pytest

from doorward.model.result import ResultColumn
from doorward.model.statement import Analysis
from doorward.proxy.execution import Family, Text
from doorward.wire.postgres.messages import Bind, read_bind
from doorward.wire.postgres.prepared import MOST_FORMATS, Portal, Statement

COLUMNS = tuple(ResultColumn(name, 7, number, 25, -1, -1, 0) for number, name in enumerate("abc", 1))


def a_bind(*result_formats: int) -> Bind:
    """A Bind that asks for these formats, as it is read from the wire."""
    formats = len(result_formats).to_bytes(2, "big") + b"".join(code.to_bytes(2, "big") for code in result_formats)
    return read_bind(b"\0\0\0\0\0\0" + formats)


def a_statement(columns: tuple[ResultColumn, ...] | None = COLUMNS) -> Statement:
    """A described statement, or one that was not."""
    return Statement("s", Text("SELECT a, b, c FROM t", Family(Analysis(()))), 1, columns=columns)


@pytest.mark.parametrize(
    ("asked", "formats"),
    [
        ((), (0, 0, 0)),
        ((0,), (0, 0, 0)),
        ((1,), (1, 1, 1)),
        ((0, 0, 0), (0, 0, 0)),
        ((0, 1, 0), (0, 1, 0)),
        ((1, 1, 1), (1, 1, 1)),
    ],
)
def test_columns_arrive_in_the_formats_asked_for(asked: tuple[int, ...], formats: tuple[int, ...]) -> None:
    """None is text, one is for all, else one for each (manual, "Message Formats", Bind)."""
    columns = Portal("", a_statement(), a_bind(*asked), 1).result_columns()
    assert columns is not None
    assert tuple(column.format for column in columns) == formats
    assert [column.name for column in columns] == ["a", "b", "c"]
    assert [column.attribute_number for column in columns] == [1, 2, 3]


@pytest.mark.parametrize("asked", [(), (1,)])
def test_what_was_never_described_has_no_columns(asked: tuple[int, ...]) -> None:
    """Unknown is not the same as none: whoever masks must not take it for an empty result."""
    assert Portal("", a_statement(None), a_bind(*asked), 1).result_columns() is None
    assert Portal("", a_statement(()), a_bind(*asked), 1).result_columns() == ()


def test_asking_the_same_way_again_gives_the_same_object() -> None:
    """Whoever planned the masks of one knows it again."""
    statement = a_statement()
    first = Portal("", statement, a_bind(1), 1).result_columns()
    assert Portal("", statement, a_bind(1), 2).result_columns() is first
    assert Portal("", statement, a_bind(1, 1, 1), 2).result_columns() == first


def test_a_statement_described_anew_forgets_its_old_columns() -> None:
    """A changed table must not be masked by what it was."""
    statement = a_statement()
    assert Portal("", statement, a_bind(1), 1).result_columns() is not None
    statement.columns = (ResultColumn("secret", 8, 1, 25, -1, -1, 0),)
    columns = Portal("", statement, a_bind(1), 2).result_columns()
    assert columns is not None
    assert [(column.name, column.table_oid, column.format) for column in columns] == [("secret", 8, 1)]


def test_a_portal_with_a_description_of_its_own_uses_it() -> None:
    """Where the statement's would not do: EXECUTE, FETCH. The next portal of the statement is not affected."""
    own = (ResultColumn("own", 9, 1, 25, -1, -1, 1),)  # a portal is described in the formats that were asked for
    statement = a_statement()
    portal = Portal("", statement, a_bind(1), 1, columns=own)
    columns = portal.result_columns()
    assert columns is not None
    assert [(column.name, column.format) for column in columns] == [("own", 1)]
    other = Portal("", statement, a_bind(1), 2).result_columns()
    assert other is not None
    assert [column.name for column in other] == ["a", "b", "c"]


def test_only_so_many_ways_of_asking_are_remembered() -> None:
    """A client that asks differently each time is served, and fills no memory."""
    columns = tuple(ResultColumn(f"c{number}", 7, number, 25, -1, -1, 0) for number in range(6))
    statement = a_statement(columns)
    for number in range(1, 64):
        asked = tuple((number >> bit) & 1 for bit in range(6))
        found = Portal("", statement, a_bind(*asked), 1).result_columns()
        assert found is not None
        assert tuple(column.format for column in found) == asked
        assert len(statement.formatted) <= MOST_FORMATS
