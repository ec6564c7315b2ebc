"""The log as it grows, row by row: a row is given again when its outcome arrives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from doorward.control.feed import Topic
from doorward.control.filters import Filters
from doorward.control.office import Office
from doorward.control.operators import Operator
from doorward.control.views import EntryView

# How many rows back an outcome still changes a row that was given.
MEMORY = 200


async def log_rows(office: Office, by: Operator, filters: Filters) -> AsyncIterator[EntryView | None]:
    """Rows that match *filters*, oldest first, from the log's present end on; None now and then, as a sign of life.

    Raises AuthenticationFailed when *by* has lost the right to be there.
    """
    given: dict[int, EntryView] = {}
    start = office.record.size() - 1
    async for topics in office.feed.follow():
        yield None
        if Topic.LOG not in topics:
            continue
        after = max(start, max(given, default=start) - MEMORY)
        by = office.proven_still(by)
        page = await office.record.search(by, replace(filters, since_us=0, before=None, after=after, limit=MEMORY))
        for row in reversed(page.rows):
            if given.get(row.index) != row:
                given[row.index] = row
                yield row
        given = {index: row for index, row in given.items() if index > after}
