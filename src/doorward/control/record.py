"""Reading the audit log: search it, newest first, and look at one entry. Nothing here writes."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from doorward.audit.sealing import as_it_is
from doorward.control.filters import Filters
from doorward.control.operators import Operator
from doorward.control.projection.disclosing import Disclosure, Wanted, who_saw
from doorward.control.projection.finding import Finder, Place
from doorward.control.views import EntryView, Sequel, decode_entry, view
from doorward.errors import IndexUnavailable, NotFound
from doorward.model.entry import Entry, HoldAnswered, StatementIntent, StatementOutcome

CHUNK = 1000
LIMIT = 500
# For lists that are taken away whole, as a file.
EXPORT_LIMIT = 20_000
NO_INDEX = ("The search index is not complete yet.", "It is made from the log; ask again in a while.")
# Entries of one bundle of the log are read at once.
BUNDLE = 256
# How far after an intent its sequel is looked for, on the page of one entry.
SEQUEL_SCAN = 20_000


class LogReading(Protocol):
    """The audit log as it is read: entries by position, as their canonical bytes."""

    def size(self) -> int:
        """The number of entries."""

    def entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """The entries from *start* to before *stop*."""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first. *older* is what to give as *before* for the next page, None at the log's start."""

    rows: tuple[EntryView, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class Detail:
    """One entry: its row, its canonical text, and the typed entry itself."""

    row: EntryView
    canonical: str
    entry: Entry
    outcome: StatementOutcome | None


class Record:
    """The audit log, for reading. Work is done on a thread: a search must not hold up a lookup.

    *index* finds what is in the part of the log that it covers; without one, or when it can't be used, the log itself is
    read back, as what is newer than it always is. What is shown comes from the log, and is checked against the filters.
    The index has statements without literals: words that are in none of them may be values, and are looked for in the log.
    *readable* gives an entry's statement as it was sent, where its key is at hand; else it is without its literals.
    """

    def __init__(self, log: LogReading, index: Finder | None = None, readable: Callable[[bytes], bytes] = as_it_is) -> None:
        self._log = log
        self._index = index
        self._readable = readable

    def size(self) -> int:
        """The number of entries."""
        return self._log.size()

    async def search(self, by: Operator, filters: Filters) -> Page:
        """What matches and *by* may read, newest first."""
        return await asyncio.to_thread(self._search, by, filters)

    async def who_saw(self, by: Operator, wanted: Wanted) -> tuple[Disclosure, ...]:
        """The ledger of disclosures, as far as *by* may read it: to themselves, unless they may read everything.

        What was written within the last second or so is not in it yet. Raises IndexUnavailable while there is no index.
        """
        if self._index is None:
            raise IndexUnavailable(*NO_INDEX)
        try:
            return await asyncio.to_thread(who_saw, self._index, wanted, _party_of(by))
        except sqlite3.Error:
            raise IndexUnavailable(*NO_INDEX) from None

    async def detail(self, by: Operator, index: int) -> Detail:
        """The entry at *index*. Raises NotFound, also if *by* may not read it."""
        return await asyncio.to_thread(self._detail, by, index)

    def _search(self, by: Operator, filters: Filters) -> Page:
        limit = max(1, min(filters.limit, EXPORT_LIMIT))
        stop = self._log.size()
        bound = stop if filters.before is None else min(filters.before, stop)
        # What candidate rules would have said is in no index: it is looked for in the log itself.
        covered = 0 if filters.shadow else self._covered(filters.text)
        tale = _Tale()
        rows: list[EntryView] = []
        older = None
        if bound > covered:
            is_over = False
            rows, older, is_over = self._scanned(by, filters, tale, limit, (covered, bound, stop))
            if is_over or len(rows) == limit or not covered:
                return Page(tuple(rows), older)
        try:
            found = self._found(by, filters, tale, min(bound, covered), limit - len(rows)) if covered else []
        except sqlite3.Error:  # it was damaged, or is being replaced: it is made anew meanwhile
            rows, older, _ = self._scanned(by, filters, _Tale(), limit, (0, bound, stop))
            return Page(tuple(rows), older)
        rows += found
        return Page(tuple(rows), rows[-1].index if len(rows) == limit else None)

    def _covered(self, text: str = "") -> int:
        """How much of the log the index finds *text* in."""
        try:
            return self._index.covered() if self._index and (not text or self._index.knows(text)) else 0
        except sqlite3.Error:
            return 0

    def _scanned(
        self, by: Operator, filters: Filters, tale: _Tale, limit: int, stretch: tuple[int, int, int]
    ) -> tuple[list[EntryView], int | None, bool]:
        """Matching rows by reading back from before the second of *stretch* to its first; where to go on; whether to end there.

        The third of *stretch* is the log's size.
        """
        covered, bound, stop = stretch
        # Sequels come after their intents: reading starts a stretch after the page's bound to have met them.
        rows: list[EntryView] = []
        last = bound
        for index, entry in self._backwards(min(stop, bound + CHUNK), covered):
            row = tale.told(index, entry)
            if index >= bound:
                continue
            last = index
            if entry.at_us < filters.since_us or index <= filters.after:
                return rows, None, True
            if row is not None and _may_read(by, row) and filters.match(row):
                rows.append(row)
                if len(rows) == limit:
                    break
            if bound - index >= filters.reach:
                return rows, last if last > 0 else None, True
        return rows, last if last > 0 else None, False

    def _found(self, by: Operator, filters: Filters, tale: _Tale, before: int, limit: int) -> list[EntryView]:
        assert self._index is not None
        rows: list[EntryView] = []
        while len(rows) < limit:
            asked = limit - len(rows)
            places = self._index.find(filters, _party_of(by), before, asked)
            # The index is trusted with finding alone: what it finds is held against the entry itself.
            rows += [row for row in self._told(places, tale) if _may_read(by, row) and filters.match(row)]
            if len(places) < asked:
                break
            before = places[-1].entry
        return rows

    def _told(self, places: Iterable[Place], tale: _Tale) -> list[EntryView]:
        wanted = {index for place in places for index in (place.entry, place.outcome, place.answer) if index >= 0}
        entries = self._read(wanted)
        rows = []
        for place in places:
            entry = entries.get(place.entry)
            if entry is None:
                continue
            outcome, answer = entries.get(place.outcome), entries.get(place.answer)
            sequel = Sequel(
                outcome if isinstance(outcome, StatementOutcome) else None, answer if isinstance(answer, HoldAnswered) else None
            )
            if isinstance(entry, StatementIntent):
                sequel = tale.sequel_of(entry.execution, sequel)
            row = view(place.entry, entry, sequel)
            if row is not None:
                rows.append(row)
        return rows

    def _read(self, wanted: set[int]) -> dict[int, Entry]:
        entries: dict[int, Entry] = {}
        left = sorted(wanted, reverse=True)
        while left:
            start = left[-1]
            end = start - start % BUNDLE + BUNDLE
            picked = []
            while left and left[-1] < end:
                picked.append(left.pop())
            here = dict(self._log.entries(start, picked[-1] + 1))
            entries |= {index: decode_entry(self._readable(here[index])) for index in picked if index in here}
        return entries

    def _backwards(self, stop: int, down_to: int) -> Iterator[tuple[int, Entry]]:
        while stop > down_to:
            start = max(down_to, stop - CHUNK)
            for index, raw in reversed(list(self._log.entries(start, stop))):
                yield index, decode_entry(self._readable(raw))
            stop = start

    def _detail(self, by: Operator, index: int) -> Detail:
        found = list(self._log.entries(index, index + 1)) if 0 <= index < self._log.size() else []
        if not found:
            raise NotFound("There is no such entry.")
        raw = found[0][1]
        entry = decode_entry(self._readable(raw))
        sequel = self._sequel(index, entry.execution) if isinstance(entry, StatementIntent) else Sequel()
        row = view(index, entry, sequel) or EntryView(index=index, kind=entry.kind, at_us=entry.at_us, text=entry.kind)
        if not _may_read(by, row):
            raise NotFound("There is no such entry.")
        return Detail(row, raw.decode(), entry, sequel.outcome)

    def _sequel(self, index: int, execution: str) -> Sequel:
        if index < self._covered() and self._index is not None:
            with contextlib.suppress(sqlite3.Error):
                place = self._index.place_of(index)
                if place is not None and place.outcome >= 0:
                    entries = self._read({at for at in (place.outcome, place.answer) if at >= 0})
                    outcome, answered = entries.get(place.outcome), entries.get(place.answer)
                    if isinstance(outcome, StatementOutcome) and outcome.execution == execution:
                        return Sequel(outcome, answered if isinstance(answered, HoldAnswered) else None)
        answer = None
        for _, raw in self._log.entries(index + 1, min(self._log.size(), index + 1 + SEQUEL_SCAN)):
            # The execution's id is in the bytes of everything about it: most entries need no decoding.
            if execution.encode() not in raw:
                continue
            entry = decode_entry(self._readable(raw))
            if isinstance(entry, StatementOutcome):
                return Sequel(entry, answer)
            if isinstance(entry, HoldAnswered):
                answer = entry
        return Sequel(None, answer)


class _Tale:
    """Remembers sequels while the log is read backwards, and hands each to the intent it belongs to."""

    def __init__(self) -> None:
        self._outcomes: dict[str, StatementOutcome] = {}
        self._answers: dict[str, HoldAnswered] = {}

    def sequel_of(self, execution: str, known: Sequel) -> Sequel:
        """What was read of an execution, where an index does not know it yet."""
        return Sequel(known.outcome or self._outcomes.pop(execution, None), known.answer or self._answers.get(execution))

    def told(self, index: int, entry: Entry) -> EntryView | None:
        if isinstance(entry, StatementOutcome):
            self._outcomes[entry.execution] = entry
            return None
        if isinstance(entry, HoldAnswered):
            self._answers[entry.execution] = entry
        if isinstance(entry, StatementIntent):
            # The intent nearest before an outcome had it; an earlier one of the same execution was held.
            sequel = Sequel(self._outcomes.pop(entry.execution, None), self._answers.get(entry.execution))
            return view(index, entry, sequel)
        return view(index, entry, Sequel())


def _party_of(by: Operator) -> str:
    """Whose rows alone *by* may read; empty for all."""
    if by.may_read_all:
        return ""
    return by.principal.id if by.principal else "nobody"


def _may_read(by: Operator, row: EntryView) -> bool:
    return by.may_read_all or (by.principal is not None and by.principal.id in row.parties)
