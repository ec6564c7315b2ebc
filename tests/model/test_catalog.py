"""Labels and their classes; what of a catalog is protected."""

from __future__ import annotations

import pytest

from doorward.model.catalog import Column, Label, LabelClass, Regulation, Relation, RelationKind, Snapshot, applies_at_once


@pytest.mark.parametrize("label", Label)
def test_every_label_has_a_class_and_only_none_is_clear(label: Label) -> None:
    """A label without a class would have no rule."""
    assert isinstance(label.label_class, LabelClass)
    assert (label.label_class is LabelClass.CLEAR) == (label is Label.NONE)
    assert label.is_protected == (label is not Label.NONE)


@pytest.mark.parametrize("label_class", LabelClass)
def test_every_class_has_a_label(label_class: LabelClass) -> None:
    """A class that no label has is a rule about nothing."""
    assert any(label.label_class is label_class for label in Label)


def relation(oid: int, name: str, *labels: Label, schema: str = "public", hides_protected: bool = False) -> Relation:
    """A table with one column for each label."""
    columns = tuple(Column(number, f"c{number}", "text", label) for number, label in enumerate(labels, 1))
    return Relation(oid, schema, name, RelationKind.TABLE, columns, hides_protected=hides_protected)


@pytest.mark.parametrize(
    ("labels", "hides", "protected"),
    [
        ((), False, False),
        ((Label.NONE,), False, False),
        ((Label.NONE, Label.EMAIL), False, True),
        ((Label.UNCLASSIFIED,), False, True),
        ((Label.NONE,), True, True),
        ((), True, True),
    ],
)
def test_a_relation_is_protected_by_any_column_or_by_what_it_reads(
    labels: tuple[Label, ...], hides: bool, protected: bool
) -> None:
    """Unclassified columns protect too."""
    made = relation(1, "t", *labels, hides_protected=hides)
    assert made.is_protected is protected
    assert made.labels == {label for label in labels if label is not Label.NONE}


def test_a_snapshot_finds_relations_by_oid_and_by_bare_name() -> None:
    """One name may mean tables of several schemas."""
    people, other, orders = relation(1, "people"), relation(2, "people", schema="hr"), relation(3, "orders")
    snapshot = Snapshot("shop", "e1", (people, other, orders))
    assert snapshot.by_oid == {1: people, 2: other, 3: orders}
    assert snapshot.by_name == {"people": (people, other), "orders": (orders,)}
    assert other.qualified_name == "hr.people"


def test_a_snapshot_tells_labels_by_table_and_number() -> None:
    """What is absent has no entry: whoever asks must take that for protected."""
    snapshot = Snapshot("shop", "e1", (relation(1, "people", Label.NONE, Label.EMAIL), relation(2, "orders", Label.NONE)))
    assert snapshot.labels == {(1, 1): Label.NONE, (1, 2): Label.EMAIL, (2, 1): Label.NONE}


def test_sure_findings_apply_and_grave_ones_sooner() -> None:
    """A secret is taken for one on less evidence than an address."""
    assert applies_at_once(Label.EMAIL, 0.9)
    assert not applies_at_once(Label.EMAIL, 0.8)
    assert applies_at_once(Label.CARD, 0.8)
    assert applies_at_once(Label.SECRET, 0.65)
    assert not applies_at_once(Label.SECRET, 0.3)


@pytest.mark.parametrize("label", Label)
def test_regulations_speak_of_personal_data_and_not_of_clear_columns(label: Label) -> None:
    """Secrets are nobody's data; what is not known has no regulation yet."""
    silent = {Label.NONE, Label.SECRET, Label.PROPOSED, Label.UNCLASSIFIED}
    assert bool(label.regulations) == (label not in silent)
    assert (Regulation.PCI in label.regulations) == (label is Label.CARD)


def test_a_proposed_column_says_what_it_probably_is() -> None:
    """And is protected meanwhile."""
    column = Column(1, "c", "text", Label.PROPOSED, ("why",), Label.PHONE, 0.7)
    assert column.likely_label is Label.PHONE
    assert column.label.is_protected
    assert Column(1, "c", "text", Label.EMAIL).likely_label is Label.EMAIL
