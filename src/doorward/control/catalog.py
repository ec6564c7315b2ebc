"""What the protected columns are: the latest reading of each upstream, with people's verdicts on it."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from doorward.control.changes import Changes
from doorward.control.operators import Operator
from doorward.errors import InvalidRequest, NotFound
from doorward.model.catalog import Column, Label, Relation, RelationKind, Snapshot
from doorward.store.records import ColumnChange, LabelVerdict
from doorward.store.repositories import Store

REASON_LIMIT = 500
CHANGES_SHOWN = 10_000
ADDED, CHANGED, REMOVED = "added", "changed", "removed"


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column as people review it. *verdict* is a person's word on it, None while nobody has looked."""

    upstream: str
    relation: Relation
    column: Column
    verdict: LabelVerdict | None

    @property
    def is_reviewed(self) -> bool:
        """Whether a person has said what it holds."""
        return self.verdict is not None

    @property
    def words(self) -> frozenset[str]:
        """What it may be asked for by: its label, what is proposed, and their class."""
        likely = self.column.likely_label
        return frozenset((self.column.label.value, likely.value, self.column.label.label_class.value, likely.label_class.value))


class Catalog:
    """Snapshots with verdicts applied.

    *configure* sends gateways what they decide with, after it changed; *read_again* asks for a new reading of an upstream.
    """

    def __init__(
        self,
        store: Store,
        changes: Changes,
        configure: Callable[[], Awaitable[None]],
        now: Callable[[], int],
        changed: Callable[[], None],
        read_again: Callable[[str], None] = lambda upstream: None,
    ) -> None:
        self._store = store
        self._changes = changes
        self._configure = configure
        self._now = now
        self._changed = changed
        self._read_again = read_again
        self._read: dict[str, Snapshot] = {}
        self._labelled: dict[str, Snapshot] = {}

    async def publish_snapshot(self, snapshot: Snapshot) -> None:
        """Take *snapshot*, labelled by detectors alone, as its upstream's latest reading, and tell the gateways."""
        self._read[snapshot.upstream] = snapshot
        self._label(snapshot.upstream)
        self._note_changes(snapshot.upstream)
        await self._configure()
        self._changed()

    def changes_since(self, at_us: int) -> tuple[ColumnChange, ...]:
        """What became of columns since *at_us* (microseconds of Unix time), the oldest first, at most CHANGES_SHOWN."""
        return self._store.history.since(at_us, CHANGES_SHOWN)

    @property
    def snapshots(self) -> dict[str, Snapshot]:
        """The latest reading of each upstream, verdicts applied: what gateways are to decide with."""
        return dict(self._labelled)

    def rows(self, upstream: str = "", table: str = "", unreviewed: bool = False, label: str = "") -> tuple[ColumnRow, ...]:
        """The columns of everything but system catalogs and sequences, by name. *table* is part of a qualified name.

        *label* is a label's word, that of what is proposed, or of a class; *unreviewed* leaves out what people judged.
        """
        found = []
        for snapshot in self._labelled.values():
            if upstream and snapshot.upstream != upstream:
                continue
            verdicts = self._verdicts(snapshot.upstream)
            for relation in sorted(snapshot.relations, key=lambda relation: relation.qualified_name):
                is_plumbing = relation.is_system or relation.kind is RelationKind.SEQUENCE
                if is_plumbing or table.lower() not in relation.qualified_name.lower():
                    continue
                for column in relation.columns:
                    row = ColumnRow(snapshot.upstream, relation, column, verdicts.get((relation.oid, column.number)))
                    if not (unreviewed and row.is_reviewed) and (not label or label in row.words):
                        found.append(row)
        return tuple(found)

    async def decide(
        self, by: Operator, upstream: str, table_oid: int, attribute_number: int, label: Label, reason: str = ""
    ) -> LabelVerdict:
        """Set what a column holds, or confirm it by giving the label that it has."""
        by.require_administration()
        if label in (Label.UNCLASSIFIED, Label.PROPOSED):
            raise InvalidRequest("A verdict says what the column holds.", "Choose another label.")
        if len(reason) > REASON_LIMIT:
            raise InvalidRequest(f"A reason has at most {REASON_LIMIT} characters.")
        async with self._changes.turn():
            relation, column = self._column(upstream, table_oid, attribute_number)
            verdict = LabelVerdict(upstream, table_oid, attribute_number, column.name, label, by.name, reason, self._now())
            await self._changes.record(
                by,
                "label.confirmed" if column.likely_label is label else "label.changed",
                f"{upstream}: {relation.qualified_name}.{column.name}",
                before=column.label.value,
                label=label.value,
                reason=reason,
            )
            self._store.verdicts.put(verdict)
            self._label(upstream)
            self._note_changes(upstream)
            await self._configure()
        self._changed()
        # What a column holds, views and generated columns over it hold too: only a reading follows that.
        self._read_again(upstream)
        return verdict

    def _note_changes(self, upstream: str) -> None:
        """Keep what is different from what was last noted of *upstream*'s columns."""
        before = {(note.table_oid, note.attribute_number): note for note in self._store.history.latest(upstream)}
        now = self._now()
        changes = []
        for row in self.rows(upstream):
            key = row.relation.oid, row.column.number
            note = _note(row, now, before.pop(key, None))
            if note is not None:
                changes.append(note)
        for note in before.values():
            if note.change != REMOVED:
                changes.append(replace(note, at_us=now, change=REMOVED, label="", proposal="", label_before=note.label))
        self._store.history.add(changes)

    def protective_verdicts(self, upstream: str) -> dict[tuple[int, int], Label]:
        """What people said is protected, by column, for a reading to carry on. What they cleared is cleared here alone."""
        verdicts = self._store.verdicts.of(upstream)
        return {(v.table_oid, v.attribute_number): v.label for v in verdicts if v.label.is_protected}

    def protected_names(self, upstream: str) -> frozenset[str]:
        """The bare names of all protected columns: what to mark in a statement that people read."""
        snapshot = self._labelled.get(upstream)
        relations = snapshot.relations if snapshot else ()
        return frozenset(c.name for r in relations if not r.is_system for c in r.columns if c.label.is_protected)

    def _column(self, upstream: str, table_oid: int, attribute_number: int) -> tuple[Relation, Column]:
        snapshot = self._labelled.get(upstream)
        relation = snapshot.by_oid.get(table_oid) if snapshot else None
        for column in relation.columns if relation else ():
            if column.number == attribute_number:
                assert relation is not None
                return relation, column
        raise NotFound("There is no such column.", "See the catalog.")

    def _verdicts(self, upstream: str) -> dict[tuple[int, int], LabelVerdict]:
        """Verdicts that hold. One that clears a column holds while the column keeps the name it was judged by."""
        snapshot = self._read[upstream]
        names = {(relation.oid, column.number): column.name for relation in snapshot.relations for column in relation.columns}
        return {
            (verdict.table_oid, verdict.attribute_number): verdict
            for verdict in self._store.verdicts.of(upstream)
            if verdict.label.is_protected or names.get((verdict.table_oid, verdict.attribute_number)) == verdict.column_name
        }

    def _label(self, upstream: str) -> None:
        snapshot = self._read[upstream]
        verdicts = self._verdicts(upstream)
        relations = tuple(_relabelled(relation, verdicts) for relation in snapshot.relations)
        words = sorted(f"{oid}.{number}={verdict.label.value}" for (oid, number), verdict in verdicts.items())
        digest = hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]
        self._labelled[upstream] = replace(snapshot, epoch=f"{snapshot.epoch}+{digest}", relations=relations)


def _note(row: ColumnRow, at_us: int, before: ColumnChange | None) -> ColumnChange | None:
    """What to note of a column; None when it is as it was."""
    column = row.column
    is_back = before is None or before.change == REMOVED
    found = ColumnChange(
        upstream=row.upstream,
        table_oid=row.relation.oid,
        attribute_number=column.number,
        at_us=at_us,
        change=ADDED if is_back else CHANGED,
        table_name=row.relation.qualified_name,
        column_name=column.name,
        type_name=column.type_name,
        label=column.label.value,
        proposal=column.proposal.value if column.proposal else "",
        label_before="" if before is None else before.label,
    )
    told = (found.table_name, found.column_name, found.type_name, found.label, found.proposal)
    if before is not None and not is_back:
        return (
            None if told == (before.table_name, before.column_name, before.type_name, before.label, before.proposal) else found
        )
    return found


def _relabelled(relation: Relation, verdicts: dict[tuple[int, int], LabelVerdict]) -> Relation:
    def judged(column: Column) -> Column:
        verdict = verdicts.get((relation.oid, column.number))
        if verdict is None:
            return column
        said = f"{verdict.by} said so" + (f": {verdict.reason}" if verdict.reason else "")
        return replace(column, label=verdict.label, reasons=(said, *column.reasons), proposal=None, confidence=1.0)

    if not any(oid == relation.oid for oid, _ in verdicts):
        return relation
    return replace(relation, columns=tuple(map(judged, relation.columns)))
