"""The ledger of disclosures: who was given which labelled column, in clear or masked, how often and in how many rows."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from doorward.control.filters import Filters
from doorward.control.projection.finding import Finder, bounds
from doorward.control.projection.schema import DAY_US

# Treatments under which the value itself was given; whatever else there is counts as masked.
IN_CLEAR = ("clear", "cleared")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which disclosures: of *column* (``table.column``, a table, or empty for all), of *label*, to *who*."""

    column: str = ""
    label: str = ""
    who: str = ""
    since_us: int = 0
    until_us: int = 0
    only_clear: bool = False


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What one chain was given of one column in one way. *rows* counts each time anew. *last* is the index of an entry."""

    chain: str
    principal: str
    speaker_kind: str
    column: str
    label: str
    treatment: str
    purpose: str
    times: int
    rows: int
    first_us: int
    last_us: int
    last: int

    @property
    def is_clear(self) -> bool:
        """Whether the values themselves were given."""
        return self.treatment in IN_CLEAR


# Whole days by what was added up, the ends of the stretch row by row.
_QUERY = """
    SELECT chain, label, treatment, purpose, sum(times), sum(row_count), min(first_us), max(last_us), max(last) FROM (
        SELECT chain, label, treatment, purpose, times, row_count, first_us, last_us, last FROM disclosed_days
        WHERE source = :source AND day >= :first_day AND day < :end_day
        UNION ALL SELECT chain, label, treatment, purpose, 1, row_count, at_us, at_us, entry FROM disclosures
        WHERE source = :source AND entry >= :first AND entry < :stop AND (
            at_us >= :since_us AND at_us < min(:until_us, :first_day * :day_us)
            OR at_us >= max(:since_us, :end_day * :day_us) AND at_us < :until_us))
    GROUP BY chain, label, treatment, purpose"""
_NO_END = 1 << 20  # days


def _ends(connection: sqlite3.Connection, wanted: Wanted) -> dict[str, int]:
    """The settings of the query. Both ends at the edge of a day, or open: no row is looked at by itself."""
    since_us, until_us = wanted.since_us, min(wanted.until_us or _NO_END * DAY_US, _NO_END * DAY_US)
    first_day, end_day = -(-since_us // DAY_US), until_us // DAY_US
    ends = {"since_us": since_us, "until_us": until_us, "first_day": first_day, "end_day": max(first_day, end_day)}
    if since_us % DAY_US or until_us % DAY_US:
        first, stop = bounds(connection, Filters(since_us=since_us, until_us=wanted.until_us), 1 << 62)
    else:
        first = stop = 0
    return ends | {"first": first, "stop": stop, "day_us": DAY_US}


def who_saw(finder: Finder, wanted: Wanted, party: str = "") -> tuple[Disclosure, ...]:
    """The disclosures that *wanted* asks for, those in clear first, then the most rows; to *party* alone where one is given.

    Raises sqlite3.Error like the finder.
    """
    connection = finder.connect()
    try:
        found = list(_found(connection, wanted, party))
    finally:
        connection.close()
    return tuple(sorted(found, key=lambda one: (not one.is_clear, -one.rows, one.chain, one.column)))


def _found(connection: sqlite3.Connection, wanted: Wanted, party: str) -> list[Disclosure]:
    names: dict[int, str] = dict(
        connection.execute("SELECT id, name FROM names WHERE class IN ('column', 'label', 'treatment', 'purpose')")
    )
    chains = {
        row[0]: row[1:4]
        for row in connection.execute("SELECT id, chain, principal, speaker_kind, parties FROM chains")
        if wanted.who.casefold() in row[1].casefold() and (not party or f'"{party}"' in row[4])
    }
    ends = _ends(connection, wanted)
    found = []
    for source, column in connection.execute("SELECT id, name FROM names WHERE class = 'column'").fetchall():
        if not is_column(column, wanted.column):
            continue
        for chain, label, treatment, purpose, *figures in connection.execute(_QUERY, ends | {"source": source}):
            if chain not in chains or wanted.label not in ("", names[label]):
                continue
            told, principal, speaker_kind = chains[chain]
            words = (names[label], names[treatment], names[purpose])
            one = Disclosure(told, principal, speaker_kind, column, *words, *figures)
            if one.is_clear or not wanted.only_clear:
                found.append(one)
    return found


def is_column(column: str, wanted: str) -> bool:
    """Whether *column*, qualified, is the one that is *wanted*, or one of the table that is; an empty word wants all."""
    table = column.rpartition(".")[0]
    return not wanted or any(name == wanted or name.endswith(f".{wanted}") for name in (column, table))
