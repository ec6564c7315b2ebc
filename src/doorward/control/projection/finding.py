"""Answers from the projection: which entries are looked for, newest first. It says where they are, the log what they are."""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from doorward.control.filters import Filters
from doorward.control.projection.schema import VERSION, open_reading

# Fewer letters than the search for texts goes by: the texts themselves are looked through.
SHORTEST = 3
# More texts than this are not gone through one by one.
MANY = 2_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row's entry is, and those that came after it: -1 where there is none."""

    entry: int
    outcome: int
    answer: int


@dataclass(frozen=True, slots=True)
class _Driver:
    """Lists of entries, one for each of several numbers that *column* may have. *uses* is how long they are together."""

    column: str
    numbers: tuple[int, ...]
    uses: int


class Finder:
    """Reads the projection at *path*. Every method opens it anew: it may be replaced at any time.

    Each raises sqlite3.Error when there is none, when it is damaged, or when it is not complete yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def connect(self) -> sqlite3.Connection:
        """A connection to a projection that is complete. The caller closes it."""
        connection = open_reading(self._path)
        try:
            version, is_indexed = connection.execute("SELECT version, is_indexed FROM state").fetchone()
            if version != VERSION or not is_indexed:
                raise sqlite3.OperationalError("the projection is being built")
        except BaseException:
            connection.close()
            raise
        return connection

    def covered(self) -> int:
        """How many entries of the log it covers."""
        connection = self.connect()
        try:
            return int(connection.execute("SELECT cursor FROM state").fetchone()[0])
        finally:
            connection.close()

    def knows(self, text: str) -> bool:
        """Whether any statement or happening has *text* in its words."""
        connection = self.connect()
        try:
            return bool(_texts(connection, text).numbers)
        finally:
            connection.close()

    def place_of(self, entry: int) -> Place | None:
        """Where what came after *entry* is; None if no row is told of it."""
        connection = self.connect()
        try:
            found = connection.execute("SELECT entry, outcome, answer FROM happenings WHERE entry = ?", (entry,)).fetchone()
            return _place(found) if found else None
        finally:
            connection.close()

    def last_opened(self, process_id: int) -> int:
        """When the last session that the upstream's process *process_id* served was opened; 0 for none."""
        connection = self.connect()
        try:
            query = "SELECT max(opened_us) FROM sessions WHERE upstream_pid = ?"
            return int(connection.execute(query, (process_id,)).fetchone()[0] or 0)
        finally:
            connection.close()

    def find(self, filters: Filters, party: str, before: int, limit: int) -> tuple[Place, ...]:
        """The newest *limit* entries before *before* that match, newest first; of those alone that *party* is a party to."""
        connection = self.connect()
        try:
            return tuple(_find(connection, filters, party, before, limit))
        finally:
            connection.close()


def _find(connection: sqlite3.Connection, filters: Filters, party: str, before: int, limit: int) -> Iterator[Place]:
    first, stop = bounds(connection, filters, before)
    drivers: list[_Driver] = []
    if filters.who or filters.for_whom or filters.party or party:
        drivers.append(_chains(connection, filters, party))
    words = {"kind": filters.kind, "verdict": filters.verdict, "action": filters.action, "status": filters.status}
    drivers += [_named(connection, column, word) for column, word in words.items() if word]
    if filters.table or filters.label:
        drivers.append(_reaches(connection, filters))
    if filters.subject:
        found = connection.execute("SELECT entry FROM changes WHERE subject = ?", (filters.subject,)).fetchall()
        drivers.append(_Driver("entry", tuple(row[0] for row in found), len(found)))
    if filters.session:
        found = connection.execute("SELECT id FROM sessions WHERE session = ?", (filters.session,)).fetchall()
        drivers.append(_Driver("session", tuple(row[0] for row in found), 0))
    if filters.text:
        drivers.append(_texts(connection, filters.text))
    if any(not driver.numbers for driver in drivers):
        return
    usable = [driver for driver in drivers if len(driver.numbers) <= MANY and driver.column != "status"]
    lead = min(usable, key=lambda driver: driver.uses, default=None)
    conditions, values = ["h.entry >= ?", "h.entry < ?"], [first, stop]
    if filters.since_us:
        conditions.append("h.at_us >= ?")
        values.append(filters.since_us)
    if filters.until_us:
        conditions.append("h.at_us < ?")
        values.append(filters.until_us)
    for position, driver in enumerate(drivers):
        if driver is not lead:
            conditions.append(_condition(connection, driver, position))
    where = " AND ".join(conditions)
    yield from map(_place, islice(_merged(connection, lead, where, values, limit), limit))


def _place(row: tuple[int, int | None, int | None]) -> Place:
    entry, outcome, answer = row
    return Place(entry, -1 if outcome is None else outcome, -1 if answer is None else answer)


def _merged(
    connection: sqlite3.Connection, lead: _Driver | None, where: str, values: list[int], limit: int
) -> Iterable[tuple[int, int | None, int | None]]:
    """Entries newest first. Each list of the lead is in order, so that each is read no further than needed."""
    # Conditions of our own; values apart.
    among = f"h.{lead.column} = ?" if lead else "1"
    end = f"WHERE {among} AND {where} ORDER BY h.entry DESC LIMIT {int(limit)}"
    query = f"SELECT h.entry, h.outcome, h.answer FROM happenings h {end}"  # noqa: S608
    if lead is None:
        return connection.execute(query, values)
    found = [connection.execute(query, (number, *values)).fetchall() for number in lead.numbers]
    return heapq.merge(*found, key=lambda row: -row[0])


def _condition(connection: sqlite3.Connection, driver: _Driver, position: int) -> str:
    """What must hold of a row that another driver found. The numbers are whole ones, from the projection itself."""
    if len(driver.numbers) <= 50:
        among = ", ".join(map(str, driver.numbers))
    else:
        connection.execute(f"CREATE TEMP TABLE among_{position} (number INTEGER PRIMARY KEY)")
        rows = [(number,) for number in driver.numbers]
        connection.executemany(f"INSERT INTO temp.among_{position} VALUES (?)", rows)  # noqa: S608
        among = f"SELECT number FROM temp.among_{position}"  # noqa: S608
    return f"+h.{driver.column} IN ({among})"  # the plus: not by this column's index


def _chains(connection: sqlite3.Connection, filters: Filters, party: str) -> _Driver:
    numbers, uses = [], 0
    for number, chain, principal, parties, count in connection.execute(
        "SELECT id, chain, principal, parties, uses FROM chains"
    ):
        if filters.matches_chain(chain, principal) and (not party or f'"{party}"' in parties):
            numbers.append(number)
            uses += count
    return _Driver("chain", tuple(numbers), uses)


def _named(connection: sqlite3.Connection, column: str, word: str) -> _Driver:
    found = connection.execute("SELECT id, uses FROM names WHERE class = ? AND name = ?", (column, word)).fetchall()
    return _Driver(column, tuple(row[0] for row in found), sum(row[1] for row in found))


def _reaches(connection: sqlite3.Connection, filters: Filters) -> _Driver:
    numbers, uses = [], 0
    for number, objects, labels, count in connection.execute("SELECT id, objects, labels, uses FROM reaches"):
        if filters.matches_reach(json.loads(objects), json.loads(labels)):
            numbers.append(number)
            uses += count
    return _Driver("reach", tuple(numbers), uses)


def _texts(connection: sqlite3.Connection, text: str) -> _Driver:
    found = []
    if len(text) >= SHORTEST:
        phrase = '"' + text.replace('"', '""') + '"'
        found = connection.execute(
            "SELECT t.id, t.uses, t.text FROM texts_found f JOIN texts t ON t.id = f.rowid WHERE f.text MATCH ?", (phrase,)
        ).fetchall()
    else:
        found = connection.execute("SELECT id, uses, text FROM texts").fetchall()
    wanted = text.casefold()
    matching = [row for row in found if wanted in row[2].casefold()]
    return _Driver("text", tuple(row[0] for row in matching), sum(row[1] for row in matching))


def bounds(connection: sqlite3.Connection, filters: Filters, before: int) -> tuple[int, int]:
    """The stretch of the log in which an entry of the wanted time can be."""
    first, stop = max(0, filters.after + 1), before
    if filters.since_us:
        found = connection.execute("SELECT min(first) FROM stretches WHERE latest_us >= ?", (filters.since_us,)).fetchone()
        first = max(first, found[0]) if found[0] is not None else stop
    if filters.until_us:
        found = connection.execute("SELECT max(first) FROM stretches WHERE earliest_us < ?", (filters.until_us,)).fetchone()
        stop = min(stop, found[0] + 1_000) if found[0] is not None else first
    return first, stop
