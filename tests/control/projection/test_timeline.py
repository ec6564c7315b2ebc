"""One's own doings, what agents did for one, and what was done to one; nothing of anybody else."""

from __future__ import annotations

from pathlib import Path

import pytest

from doorward.audit.reader import LogReader
from doorward.control.filters import Filters
from doorward.control.operators import LOCAL, Operator
from doorward.control.projection.finding import Finder
from doorward.control.projection.keeping import FILE
from doorward.control.record import Record
from doorward.control.timeline import stretches, timeline
from doorward.model.identity import Principal, PrincipalKind
from tests.control.projection.test_finding import anyio_backend

__all__ = ["anyio_backend"]
pytestmark = pytest.mark.anyio


@pytest.fixture
def record(history: Path) -> Record:
    return Record(LogReader(history / "log"), Finder(history / "index" / FILE))


async def test_tells_of_one_and_of_nobody_else(record: Record) -> None:
    """The whole name counts: ada is in nobody's name by chance."""
    rows = await timeline(record, LOCAL, "ada", Filters(limit=10_000))
    assert {row.chain for row in rows if row.subject != "ada"} == {"ada", "ada-bot for ada"}
    assert [row.text.split(":")[0] for row in rows if row.subject == "ada"] == ["principal.added", "secret.minted"]
    assert [row.index for row in rows] == sorted({row.index for row in rows})
    assert not await timeline(record, LOCAL, "ad", Filters())


async def test_latest_come_first_where_there_are_too_many(record: Record) -> None:
    whole = await timeline(record, LOCAL, "ada", Filters(limit=10_000))
    assert await timeline(record, LOCAL, "ada", Filters(limit=5)) == whole[-5:]


async def test_others_see_of_it_what_they_may(record: Record) -> None:
    ben = Operator(Principal("prn_ben", PrincipalKind.HUMAN, "ben", ("developers",)))
    assert await timeline(record, ben, "ada", Filters()) == ()
    assert await timeline(record, ben, "ben", Filters())


async def test_stretches_leave_nothing_out(record: Record) -> None:
    rows = await timeline(record, LOCAL, "nightly-etl", Filters(limit=10_000))
    told = list(stretches(rows))
    assert sum(stretch.count for stretch in told) == len(rows)
    assert sum(stretch.rows for stretch in told) == sum(row.rows for row in rows)
    assert [stretch.first.index for stretch in told] == sorted(stretch.first.index for stretch in told)
