"""The ledger of disclosures says what adding up the log's own entries says."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from doorward.audit.reader import LogReader
from doorward.control.projection.disclosing import Wanted, is_column, who_saw
from doorward.control.projection.finding import Finder
from doorward.control.projection.keeping import FILE
from doorward.control.views import decode_entry
from doorward.model.entry import StatementIntent, StatementOutcome
from tests.evidence.quarter import DAY, HOUR, START_US


def added_up(history: Path, since_us: int, until_us: int) -> Counter[tuple[str, ...]]:
    """Rows by chain, column and treatment, by reading the whole log."""
    intents: dict[str, StatementIntent] = {}
    found: Counter[tuple[str, ...]] = Counter()
    for _, raw in LogReader(history / "log").entries():
        entry = decode_entry(raw)
        if isinstance(entry, StatementIntent):
            intents[entry.execution] = entry
        elif isinstance(entry, StatementOutcome):
            intent = intents[entry.execution]
            if since_us <= intent.at_us < until_us:
                for column in entry.columns:
                    found[intent.identity.chain, column.source, column.treatment] += entry.rows
    return found


@pytest.mark.parametrize(
    ("since_us", "until_us"),
    [
        (0, 1 << 60),
        (START_US + 2 * DAY, START_US + 5 * DAY),
        (START_US + 2 * DAY + 9 * HOUR, START_US + 5 * DAY + 11 * HOUR),
        (START_US + 9 * HOUR, START_US + 12 * HOUR),
        (START_US + 30 * HOUR, 1 << 60),
    ],
)
def test_adds_up_to_what_the_log_says(history: Path, since_us: int, until_us: int) -> None:
    """All columns, everybody, any stretch of time."""
    told = who_saw(Finder(history / "index" / FILE), Wanted(since_us=since_us, until_us=until_us))
    assert {(one.chain, one.column, one.treatment): one.rows for one in told} == dict(added_up(history, since_us, until_us))
    assert [one.is_clear for one in told] == sorted((one.is_clear for one in told), reverse=True)


def test_one_column_one_label_one_reader(history: Path) -> None:
    finder = Finder(history / "index" / FILE)
    whole = who_saw(finder, Wanted())
    assert who_saw(finder, Wanted("customers.ssn")) == tuple(o for o in whole if o.column == "public.customers.ssn")
    assert who_saw(finder, Wanted(label="bank_account")) == tuple(o for o in whole if o.label == "bank_account")
    assert who_saw(finder, Wanted(who="BOT")) == tuple(o for o in whole if "bot" in o.chain)
    assert who_saw(finder, Wanted(only_clear=True)) == tuple(o for o in whole if o.is_clear)
    mine = who_saw(finder, Wanted(), party="prn_ada")
    assert mine
    assert {one.chain for one in mine} <= {"ada", "ada-bot for ada"}


@pytest.mark.parametrize(
    ("wanted", "is_it"),
    [("", True), ("ssn", True), ("customers.ssn", True), ("public.customers.ssn", True), ("customers", True),
     ("public.customers", True), ("sn", False), ("omers.ssn", False), ("public", False), ("orders", False)],
)  # fmt: skip
def test_column_is_named_as_people_name_it(wanted: str, is_it: bool) -> None:
    """By whole words, from the right."""
    assert is_column("public.customers.ssn", wanted) is is_it
