"""The ledger of disclosures: who was given which labelled column, in clear or masked, how often and in how many rows."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from doorward.control.projection.finding import Finder

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


_QUERY = """
    SELECT d.chain, d.label, d.treatment, d.purpose, count(*), sum(d.row_count), min(d.at_us), max(d.at_us), max(d.entry)
    FROM disclosures d WHERE d.source = ? AND d.at_us >= ? AND d.at_us < ?
    GROUP BY d.chain, d.label, d.treatment, d.purpose"""
_NO_END = 1 << 62


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
    found = []
    for source, column in connection.execute("SELECT id, name FROM names WHERE class = 'column'").fetchall():
        if not is_column(column, wanted.column):
            continue
        times = (wanted.since_us, wanted.until_us or _NO_END)
        for chain, label, treatment, purpose, *figures in connection.execute(_QUERY, (source, *times)):
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
