"""From facts to labels: names first, then what keys, inheritance and views carry from column to column. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from doorward.catalog.classify import classify
from doorward.catalog.context import Surroundings, bounds_texts, surroundings, table_references
from doorward.catalog.introspection.postgres import CatalogFacts, ColumnFact, RelationFact
from doorward.catalog.introspection.postgres_system import CLEAR, PROTECTED
from doorward.catalog.shapes import Vote, weighed
from doorward.model.catalog import Column, Finding, Label, LabelClass, Relation, RelationKind, applies_at_once
from doorward.model.result import ResultColumn

VIEWS = frozenset({RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW})
_STRENGTH = {
    LabelClass.CLEAR: 0,
    LabelClass.PROPOSED: 1,
    LabelClass.FREE_TEXT: 2,
    LabelClass.PERSONAL: 3,
    LabelClass.RESTRICTED: 4,
    LabelClass.UNCLASSIFIED: 5,
    LabelClass.SECRET: 6,
}

ColumnKey = tuple[int, int]
"""(relation oid, attribute number)"""


def strength(label: Label) -> int:
    """How protected a label is, for choosing between two: the higher one wins."""
    return _STRENGTH[label.label_class]


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a column: its label, why, what it probably holds if that is only proposed, and how sure that is."""

    label: Label
    reasons: tuple[str, ...]
    proposal: Label | None = None
    confidence: float = 1.0

    @classmethod
    def of(cls, finding: Finding) -> Said:
        """A detector's *finding*: applied at once if it is sure enough, and proposed otherwise."""
        sure = round(finding.confidence, 2)
        if not finding.label.is_protected or applies_at_once(finding.label, finding.confidence):
            return cls(finding.label, finding.reasons, None, sure)
        return cls(Label.PROPOSED, finding.reasons, finding.label, sure)


@dataclass(slots=True)
class Labels:
    """Labels in the making, by column. A *settled* column was decided by an operator and never changes."""

    found: dict[ColumnKey, Said] = field(default_factory=dict)
    settled: set[ColumnKey] = field(default_factory=set)

    def of(self, key: ColumnKey) -> Label:
        """The label of *key*; UNCLASSIFIED when nothing is known of it."""
        return self.found[key].label if key in self.found else Label.UNCLASSIFIED

    def proposal_of(self, key: ColumnKey) -> Label | None:
        """What *key* is thought to hold, where that is only proposed."""
        return self.found[key].proposal if key in self.found else None

    def strengthen(self, key: ColumnKey, said: Said) -> bool:
        """Give *key* this label if it is more protected than what it has; says whether it did."""
        if key in self.settled or strength(said.label) <= strength(self.of(key)):
            return False
        self.found[key] = said
        return True


def label_catalog(
    facts: CatalogFacts,
    described: Mapping[int, list[ResultColumn]],
    verdicts: Mapping[ColumnKey, Label],
    definition_is_clear: Callable[[str], bool],
    sampled: Mapping[ColumnKey, Vote] | None = None,
) -> tuple[Relation, ...]:
    """Every relation of *facts* with labels on its columns; system relations that nobody vouches for are left out.

    *described* has the result columns of each view's definition, for the views that could be described. An operator's
    *verdicts* win over everything. *sampled* is what values of columns look like, for those that were sampled.
    *definition_is_clear* answers whether a view's text calls only what is vouched for.
    """
    labels = Labels()
    for key, label in verdicts.items():
        labels.found[key] = Said(label, ("an operator said so",))
        labels.settled.add(key)
    tables = facts.columns
    users = [found for found in facts.relations if not found.is_system]
    references = table_references(found.name for found in users if found.kind not in VIEWS)
    bounded = bounds_texts(fact.base_type for found in users for fact in tables.get(found.oid, ()))
    relations = [found for found in facts.relations if not found.is_system or found.name in CLEAR.get(found.schema, {})]
    for relation in relations:
        if relation.is_system:
            _label_system(labels, relation, facts)
        elif relation.kind not in VIEWS:
            beside = surroundings(relation.name, (fact.name for fact in tables.get(relation.oid, ())), references, bounded)
            _label_by_name(labels, relation, facts, beside, sampled)
    _carry(labels, facts)
    views = _Views(facts, described, labels, definition_is_clear)
    for relation in relations:
        if not relation.is_system and relation.kind in VIEWS:
            views.label(relation.oid)
    return tuple(_relation(relation, facts, labels, relation.oid in views.hiding) for relation in relations)


_UNKNOWN = Said(Label.UNCLASSIFIED, ())


def _relation(relation: RelationFact, facts: CatalogFacts, labels: Labels, hides_protected: bool) -> Relation:
    def column(fact: ColumnFact) -> Column:
        said = labels.found.get((relation.oid, fact.number), _UNKNOWN)
        return Column(fact.number, fact.name, fact.type_name, said.label, said.reasons, said.proposal, said.confidence)

    columns = tuple(
        column(fact)
        for fact in facts.columns.get(relation.oid, ())
        if not relation.is_system or (relation.oid, fact.number) in labels.found
    )
    return Relation(
        relation.oid,
        relation.schema,
        relation.name,
        relation.kind,
        columns,
        relation.estimated_rows,
        relation.is_system,
        hides_protected,
        _digest(facts.view_definitions.get(relation.oid, "")),
    )


def _digest(definition: str) -> str:
    """Enough to tell two definitions apart."""
    return hashlib.sha256(definition.encode()).hexdigest()[:32] if definition else ""


def _label_system(labels: Labels, relation: RelationFact, facts: CatalogFacts) -> None:
    clear = CLEAR[relation.schema][relation.name]
    for fact in facts.columns.get(relation.oid, ()):
        key = (relation.oid, fact.number)
        if key not in labels.settled and fact.name in clear:
            label = PROTECTED.get((relation.name, fact.name), Label.NONE)
            labels.found[key] = Said(label, ("a system relation, reviewed",))


def _label_by_name(
    labels: Labels, relation: RelationFact, facts: CatalogFacts, beside: Surroundings, sampled: Mapping[ColumnKey, Vote] | None
) -> None:
    primary = facts.primary_keys.get(relation.oid, ())
    foreign = {number for key in facts.foreign_keys if key.relation == relation.oid for number in key.numbers}
    for fact in facts.columns.get(relation.oid, ()):
        key = (relation.oid, fact.number)
        if key in labels.settled:
            continue
        if relation.kind is RelationKind.SEQUENCE:
            labels.found[key] = Said(Label.NONE, ("a sequence",))
            continue
        is_key, is_foreign = primary == (fact.number,), fact.number in foreign
        finding = classify(relation.schema, relation.name, fact.name, fact.base_type, fact.comment, is_key, is_foreign, beside)
        if finding.label is Label.NONE:
            finding = _by_type(relation, fact, finding)
        vote = (sampled or {}).get(key)
        labels.found[key] = Said.of(finding if vote is None or is_foreign else weighed(finding, vote))


def _by_type(relation: RelationFact, fact: ColumnFact, otherwise: Finding) -> Finding:
    """What a column's type tells when its name tells nothing: a row type holds anything, a domain has a name of its own."""
    if fact.base_type == "composite":
        return Finding(Label.UNCLASSIFIED, 1.0, ("a composite type may hold anything",))
    if fact.type_name != fact.base_type and fact.base_type != "enum":
        named = classify(relation.schema, relation.name, fact.type_name.rpartition(".")[2].strip('"'), fact.base_type)
        if named.label.is_protected:
            return Finding(named.label, named.confidence, tuple(f"its domain: {reason}" for reason in named.reasons))
    return otherwise


def _carry(labels: Labels, facts: CatalogFacts) -> None:
    """Let labels flow along foreign keys to the referring side, and both ways between parents and children, until still."""
    names = {oid: {fact.name: fact.number for fact in columns} for oid, columns in facts.columns.items()}
    edges: list[tuple[ColumnKey, ColumnKey, str]] = []
    for key in facts.foreign_keys:
        edges += [
            ((key.target, target), (key.relation, number), "refers to a protected key")
            for number, target in zip(key.numbers, key.target_numbers, strict=False)
        ]
    for child, parents in facts.parents.items():
        for parent in parents:
            for name, number in names.get(parent, {}).items():
                if name in names.get(child, {}):
                    ours, theirs = (child, names[child][name]), (parent, number)
                    _follow_verdict(labels, theirs, ours)
                    edges += [(theirs, ours, "its parent has this label"), (ours, theirs, "a child table has this label")]
    edges = [edge for edge in edges if edge[0] in labels.found and edge[1] in labels.found]
    moving = True
    while moving:
        moving = False
        for source, target, reason in edges:
            said = labels.found[source]
            if said.label.is_protected and labels.strengthen(
                target, Said(said.label, (reason,), said.proposal, said.confidence)
            ):
                moving = True
        for relation, number, source_number in facts.generated:
            label = labels.of((relation, source_number))
            # Computed from it, and so not a value of its kind any more.
            computed = label if label in (Label.SECRET, Label.PROPOSED) else Label.UNCLASSIFIED
            if label.is_protected and labels.strengthen(
                (relation, number),
                Said(computed, ("is computed from a protected column",), labels.proposal_of((relation, source_number))),
            ):
                moving = True


def _follow_verdict(labels: Labels, parent: ColumnKey, child: ColumnKey) -> None:
    """What an operator said of a parent's column holds for its partitions, unless they were told apart."""
    if parent in labels.settled and child not in labels.settled:
        labels.found[child] = Said(labels.of(parent), ("an operator said so of its parent",))
        labels.settled.add(child)


class _Views:
    """Labels view columns from their sources, views of views first."""

    def __init__(
        self,
        facts: CatalogFacts,
        described: Mapping[int, list[ResultColumn]],
        labels: Labels,
        definition_is_clear: Callable[[str], bool],
    ) -> None:
        self._facts = facts
        self._described = described
        self._labels = labels
        self._definition_is_clear = definition_is_clear
        self._views = {relation.oid for relation in facts.relations if not relation.is_system and relation.kind in VIEWS}
        self._done: set[int] = set()
        # Views that read a protected column, be it only to pick rows: their errors and plans tell of it.
        self.hiding: set[int] = set()
        # Relations below oid 12000 leave no trace in pg_depend, so a definition must not even name those that hold more
        # than schema.
        self._guarded = {
            relation.name
            for relation in facts.relations
            if relation.is_system
            and (relation.name not in CLEAR.get(relation.schema, {}) or any(name == relation.name for name, _ in PROTECTED))
        }

    def label(self, view: int) -> None:
        """Label every column of *view*, its sources before it; a view that leads back to itself stays unclassified."""
        if view not in self._views or view in self._done:
            return
        self._done.add(view)
        for source, _ in self._facts.view_dependencies.get(view, frozenset()):
            self.label(source)
        if any(self._hides(*dependency) for dependency in self._facts.view_dependencies.get(view, frozenset())):
            self.hiding.add(view)
        columns = self._facts.columns.get(view, ())
        described = self._described.get(view, [])
        origins: list[ResultColumn | None] = list(described) if len(described) == len(columns) else [None] * len(columns)
        computed = self._computed_label(view)
        for fact, origin in zip(columns, origins, strict=True):
            key = (view, fact.number)
            if key not in self._labels.settled:
                self._labels.found[key] = self._column_label(fact, origin, computed)

    def _hides(self, source: int, number: int) -> bool:
        return source in self.hiding or (number > 0 and self._labels.of((source, number)).is_protected)

    def _column_label(self, fact: ColumnFact, origin: ResultColumn | None, computed: Said) -> Said:
        if origin is None:
            return Said(Label.UNCLASSIFIED, ("the view could not be described",))
        if not origin.table_oid:
            return computed
        source = (origin.table_oid, origin.attribute_number)
        if source not in self._labels.found:
            return Said(Label.UNCLASSIFIED, ("its source is not known",))
        said = self._labels.found[source]
        return Said(said.label, ("follows its source column",), said.proposal, said.confidence)

    def _computed_label(self, view: int) -> Said:
        """The label of this view's expressions: clear only if everything the view reads is, and its text is vouched for."""
        definition = self._facts.view_definitions.get(view, "")
        if not definition or self._guarded & set(re.findall(r"[a-z_][a-z0-9_]*", definition)):
            return Said(Label.UNCLASSIFIED, ("an expression over relations that nobody vouches for",))
        # A whole-row reference (printed as alias.*) names no column in pg_depend: then every column counts as read.
        whole_rows = ".*" in definition
        for relation, number in self._facts.view_dependencies.get(view, frozenset()):
            if number > 0 and self._labels.of((relation, number)).is_protected:
                return Said(Label.UNCLASSIFIED, ("an expression in a view that reads protected columns",))
            columns = self._facts.columns.get(relation)
            if columns is None or (
                whole_rows and any(self._labels.of((relation, fact.number)).is_protected for fact in columns)
            ):
                return Said(Label.UNCLASSIFIED, ("an expression over whole rows of a protected relation",))
        if not self._definition_is_clear(definition):
            return Said(Label.UNCLASSIFIED, ("an expression with functions that nobody vouches for",))
        return Said(Label.NONE, ("an expression over clear columns only",))
