"""The search index of a running Doorward: it follows the log, and comes back when it is spoiled."""

from __future__ import annotations

import sqlite3

import pytest

from doorward.control.filters import Filters
from doorward.control.operators import LOCAL
from doorward.control.projection.finding import Finder
from doorward.control.projection.keeping import FILE
from doorward.control.views import EntryView
from tests.live.conftest import Shop

pytestmark = pytest.mark.live


def covered(finder: Finder) -> int:
    try:
        return finder.covered()
    except sqlite3.Error:
        return 0


def test_index_follows_the_log_and_is_made_anew_when_it_is_spoiled(shop: Shop) -> None:
    """What is looked for is found all the while."""
    doorward = shop.doorward
    finder = Finder(doorward.data.index / FILE)

    def found(text: str) -> tuple[EntryView, ...]:
        return doorward.do(doorward.control.office.record.search(LOCAL, Filters(text=text))).rows

    with doorward.connect() as connection:
        connection.execute("SELECT count(*) AS needle_one FROM orders")
        assert doorward.wait_for(lambda: [row for row in found("needle_one") if row.status == "done"])
        doorward.wait_for(lambda: covered(finder) >= len(doorward.entries()), 30)
        assert len(found("needle_one")) == 1
        path = doorward.data.index / FILE
        path.write_bytes(b"\xff" * path.stat().st_size)
        assert len(found("needle_one")) == 1
        connection.execute("SELECT count(*) AS needle_two FROM orders")
        doorward.wait_for(lambda: covered(finder) >= len(doorward.entries()), 30)
    assert [len(found("needle_one")), len(found("needle_two"))] == [1, 1]
