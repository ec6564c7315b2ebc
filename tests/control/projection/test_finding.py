"""The projection finds what reading the log finds: same rows, same order, whatever is looked for."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from doorward.audit.reader import LogReader
from doorward.control.filters import Filters
from doorward.control.operators import LOCAL, Operator
from doorward.control.projection.finding import Finder
from doorward.control.projection.keeping import FILE
from doorward.control.record import Record
from doorward.control.views import EntryView
from doorward.model.identity import Principal, PrincipalKind
from tests.evidence.quarter import DAY, START_US

pytestmark = pytest.mark.anyio

WORDS: dict[str, tuple[object, ...]] = {
    "who": ("", "-bot", "ADA", "nobody-of-that-name", "dana"),
    "for_whom": ("", "ada", "wes"),
    "table": ("", "customers", "ORDER", "no_such_table"),
    "label": ("", "email", "national_id"),
    "verdict": ("", "deny", "hold", "allow"),
    "action": ("", "write", "define"),
    "status": ("", "refused", "approved"),
    "text": ("", "WHERE id = ?", "id", "grant select", "%_'\"*", "nothing like that"),
    "kind": ("", "statement.intent", "administered", "session.opened", "values.shown"),
    "subject": ("", "ada"),
    "party": ("", "ada", "ada-bot"),
    "since_us": (0, START_US + 3 * DAY),
    "until_us": (0, START_US + 5 * DAY),
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def records(history: Path) -> tuple[Record, Record]:
    """With an index, and without."""
    reader = LogReader(history / "log")
    return Record(reader, Finder(history / "index" / FILE)), Record(reader)


def questions() -> Iterator[Filters]:
    """Each word alone, and many mixtures."""
    for word, values in WORDS.items():
        for value in values:
            yield Filters(**{word: value})  # type: ignore[arg-type]
    dice = random.Random(11)
    for _ in range(60):
        picked = dice.sample(sorted(WORDS), 3)
        yield Filters(**{word: dice.choice(WORDS[word]) for word in picked})  # type: ignore[arg-type]


async def test_finds_what_reading_the_log_finds(records: tuple[Record, Record]) -> None:
    """For hundreds of mixtures of filters; the second is the one that is known to be right."""
    indexed, read = records
    for filters in questions():
        wanted = await read.search(LOCAL, replace(filters, limit=500))
        assert (await indexed.search(LOCAL, replace(filters, limit=500))).rows == wanted.rows, filters


@pytest.mark.parametrize("filters", [Filters(who="bot"), Filters(label="email", verdict="allow"), Filters()])
async def test_pages_join_without_gap_or_overlap(records: tuple[Record, Record], filters: Filters) -> None:
    whole = (await records[0].search(LOCAL, replace(filters, limit=500))).rows
    joined: list[EntryView] = []
    before: int | None = None
    for _ in itertools.count():
        page = await records[0].search(LOCAL, replace(filters, limit=37, before=before))
        joined += page.rows
        before = page.older
        if before is None or len(joined) >= len(whole):
            break
    assert tuple(joined[: len(whole)]) == whole


async def test_people_find_what_was_done_by_or_for_them(records: tuple[Record, Record]) -> None:
    ada = Operator(Principal("prn_ada", PrincipalKind.HUMAN, "ada", ("developers",)))
    rows = (await records[0].search(ada, Filters(limit=500))).rows
    assert rows == (await records[1].search(ada, Filters(limit=500))).rows
    assert rows
    assert all("prn_ada" in row.parties for row in rows)


async def test_one_entry_is_shown_with_what_came_of_it(records: tuple[Record, Record]) -> None:
    (row, *_) = (await records[0].search(LOCAL, Filters(verdict="hold", status="approved"))).rows
    shown, read = (await records[0].detail(LOCAL, row.index)), (await records[1].detail(LOCAL, row.index))
    assert shown == read
    assert shown.outcome is not None


@pytest.mark.parametrize("harm", [b"not a database", b""])
async def test_an_index_that_is_lost_or_spoiled_costs_time_alone(history: Path, tmp_path: Path, harm: bytes) -> None:
    """What is asked is answered from the log."""
    (tmp_path / FILE).write_bytes(harm)
    reader = LogReader(history / "log")
    spoiled = Record(reader, Finder(tmp_path / FILE))
    assert await spoiled.search(LOCAL, Filters(who="ada")) == await Record(reader).search(LOCAL, Filters(who="ada"))
