"""What one person, service or agent did, what was done for them, and what was done to them; in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from doorward.control.filters import Filters
from doorward.control.operators import Operator
from doorward.control.record import Record
from doorward.control.views import EntryView


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows that say the same one after another: *first* is told, *count* of them ran until *last_us*. *rows* is their sum."""

    first: EntryView
    count: int
    rows: int
    masked: tuple[str, ...]
    last_us: int


async def timeline(record: Record, by: Operator, name: str, filters: Filters) -> tuple[EntryView, ...]:
    """The latest rows of or about *name*, as far as *by* may read them, oldest first; at most *filters* asks for."""
    doing = await record.search(by, replace(filters, party=name))
    done_to = await record.search(by, replace(filters, subject=name))
    rows = {row.index: row for page in (doing, done_to) for row in page.rows}
    return tuple(rows[index] for index in sorted(rows)[-filters.limit :])


def stretches(rows: Iterable[EntryView]) -> Iterator[Stretch]:
    """*rows* with what is the same one after another in a session told once."""
    run: list[EntryView] = []
    for row in rows:
        if run and _same(run[-1], row):
            run.append(row)
            continue
        if run:
            yield _stretch(run)
        run = [row]
    if run:
        yield _stretch(run)


def _same(one: EntryView, other: EntryView) -> bool:
    told = [(row.text, row.session, row.chain, row.verdict, row.status, row.kind) for row in (one, other)]
    return one.is_statement and told[0] == told[1]


def _stretch(run: list[EntryView]) -> Stretch:
    masked = {column.name: None for row in run for column in row.columns if column.treatment in ("labelled", "unproven")}
    return Stretch(run[0], len(run), sum(row.rows for row in run), tuple(masked), run[-1].at_us)
