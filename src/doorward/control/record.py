"""Reading the audit log: search it, newest first, and look at one entry. Nothing here writes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from doorward.control.operators import Operator
from doorward.control.views import EntryView, Sequel, decode_entry, view
from doorward.errors import NotFound
from doorward.model.entry import Entry, HoldAnswered, StatementIntent, StatementOutcome

CHUNK = 1000
LIMIT = 500
# A search reads back this far and says so; a bounded answer beats a console that hangs on a year of log.
SCAN_LIMIT = 100_000
# How far after an intent its sequel is looked for, on the page of one entry.
SEQUEL_SCAN = 20_000


class LogReading(Protocol):
    """The audit log as it is read: entries by position, as their canonical bytes."""

    def size(self) -> int:
        """The number of entries."""

    def entries(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """The entries from *start* to before *stop*."""


@dataclass(frozen=True, slots=True)
class Filters:
    """What to look for; an empty field looks for nothing. Text is compared without regard to case.

    *who* is in the chain or did the administering; *for_whom* is the principal.
    *before* is an index to page back from, *after* one to stop at; *reach* is how far back
    to read.
    """

    who: str = ""
    for_whom: str = ""
    table: str = ""
    label: str = ""
    verdict: str = ""
    text: str = ""
    kind: str = ""
    session: str = ""
    since_us: int = 0
    before: int | None = None
    after: int = -1
    limit: int = 50
    reach: int = SCAN_LIMIT

    def match(self, row: EntryView) -> bool:
        """Whether *row* is looked for."""
        return (
            _within(self.who, row.chain)
            and _within(self.for_whom, row.principal)
            and (not self.table or any(_within(self.table, name) for name in row.objects))
            and (not self.label or self.label in row.labels or any(self.label == c.label for c in row.columns))
            and self.verdict in ("", row.verdict)
            and self.kind in ("", row.kind)
            and self.session in ("", row.session)
            and _within(self.text, row.text)
        )


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
    """The audit log, for reading. Work is done on a thread: a search must not hold up a lookup."""

    def __init__(self, log: LogReading) -> None:
        self._log = log

    def size(self) -> int:
        """The number of entries."""
        return self._log.size()

    async def search(self, by: Operator, filters: Filters) -> Page:
        """What matches and *by* may read, newest first."""
        return await asyncio.to_thread(self._search, by, filters)

    async def detail(self, by: Operator, index: int) -> Detail:
        """The entry at *index*. Raises NotFound, also if *by* may not read it."""
        return await asyncio.to_thread(self._detail, by, index)

    def _search(self, by: Operator, filters: Filters) -> Page:
        limit = max(1, min(filters.limit, LIMIT))
        stop = self._log.size()
        bound = stop if filters.before is None else min(filters.before, stop)
        # Sequels come after their intents: reading starts a stretch after the page's bound to have met them.
        tale = _Tale()
        rows: list[EntryView] = []
        last = bound
        for index, entry in self._backwards(min(stop, bound + CHUNK)):
            row = tale.told(index, entry)
            if index >= bound:
                continue
            last = index
            if entry.at_us < filters.since_us or index <= filters.after:
                return Page(tuple(rows), None)
            if row is not None and _may_read(by, row) and filters.match(row):
                rows.append(row)
                if len(rows) == limit:
                    break
            if bound - index >= filters.reach:
                break
        return Page(tuple(rows), last if last > 0 else None)

    def _backwards(self, stop: int) -> Iterator[tuple[int, Entry]]:
        while stop > 0:
            start = max(0, stop - CHUNK)
            for index, raw in reversed(list(self._log.entries(start, stop))):
                yield index, decode_entry(raw)
            stop = start

    def _detail(self, by: Operator, index: int) -> Detail:
        found = list(self._log.entries(index, index + 1)) if 0 <= index < self._log.size() else []
        if not found:
            raise NotFound("There is no such entry.")
        raw = found[0][1]
        entry = decode_entry(raw)
        sequel = self._sequel(index, entry.execution) if isinstance(entry, StatementIntent) else Sequel()
        row = view(index, entry, sequel) or EntryView(index=index, kind=entry.kind, at_us=entry.at_us, text=entry.kind)
        if not _may_read(by, row):
            raise NotFound("There is no such entry.")
        return Detail(row, raw.decode(), entry, sequel.outcome)

    def _sequel(self, index: int, execution: str) -> Sequel:
        answer = None
        for _, raw in self._log.entries(index + 1, min(self._log.size(), index + 1 + SEQUEL_SCAN)):
            # The execution's id is in the bytes of everything about it: most entries need no decoding.
            if execution.encode() not in raw:
                continue
            entry = decode_entry(raw)
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


def _within(part: str, whole: str) -> bool:
    return part.casefold() in whole.casefold()


def _may_read(by: Operator, row: EntryView) -> bool:
    return by.may_read_all or (by.principal is not None and by.principal.id in row.parties)
