"""Decides for each column of a result whether it is shown, and which mask it gets otherwise. Fails closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from doorward.model.catalog import Label
from doorward.model.masking import Mask
from doorward.model.result import ColumnTreatment, Provenance, ResultColumn

# The mask of a bare column by label. What is not here is masked in full.
MASK_OF: Mapping[Label, Mask] = {
    Label.EMAIL: Mask.EMAIL,
    Label.PERSON_NAME: Mask.INITIAL,
    Label.PHONE: Mask.FULL,
    Label.CARD: Mask.LAST_FOUR,
    Label.BANK_ACCOUNT: Mask.LAST_FOUR,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done to each column of one result, in order."""

    treatments: tuple[ColumnTreatment, ...]
    masks: tuple[Mask, ...]

    @property
    def is_clear(self) -> bool:
        """Whether every column is passed as it came."""
        return all(mask is Mask.NONE for mask in self.masks)

    @property
    def shows_protected(self) -> bool:
        """Whether a protected column is shown because policy clears this identity for it."""
        return any(treatment.provenance is Provenance.CLEARED for treatment in self.treatments)


def plan_result(
    columns: Sequence[ResultColumn],
    labels: Mapping[tuple[int, int], Label],
    cleared: frozenset[Label],
    *,
    expressions_are_clear: bool = False,
    clear_outputs: frozenset[int] = frozenset(),
    origins_hold: bool = True,
    scanned: frozenset[Label] = frozenset(),
    tokenized: frozenset[Label] = frozenset(),
    observed: bool = False,
) -> Plan:
    """The plan for one result.

    A column is shown when its origin is a base column with a clear or cleared label, or when it is an expression proven to
    derive from nothing protected (*expressions_are_clear* for all of them, *clear_outputs* by position). *origins_hold* is
    False where a bare column's origin proves nothing, as in RETURNING of a written row. Bare columns with a label in *scanned*
    are scanned in place of being masked whole, and those with one in *tokenized* get tokens. *observed* shows every column, for
    an upstream that is only watched; what would have been masked is noted as cleared.
    """
    treatments = []
    masks = []
    for position, column in enumerate(columns):
        treatment = _treat(position, column, labels, cleared, expressions_are_clear, clear_outputs, origins_hold)
        if observed and treatment.is_masked:
            treatment = replace(treatment, provenance=Provenance.CLEARED)
        elif treatment.provenance is Provenance.LABELLED and treatment.label in tokenized:
            treatment = replace(treatment, provenance=Provenance.TOKENIZED)
        elif treatment.provenance is Provenance.LABELLED and treatment.label in scanned:
            treatment = replace(treatment, provenance=Provenance.SCANNED)
        treatments.append(treatment)
        masks.append(_mask(treatment))
    return Plan(tuple(treatments), tuple(masks))


def _treat(
    position: int,
    column: ResultColumn,
    labels: Mapping[tuple[int, int], Label],
    cleared: frozenset[Label],
    expressions_are_clear: bool,
    clear_outputs: frozenset[int],
    origins_hold: bool,
) -> ColumnTreatment:
    if column.table_oid and column.attribute_number:
        label = labels.get((column.table_oid, column.attribute_number), Label.UNCLASSIFIED)
        if label in cleared:
            return ColumnTreatment(position, column.name, Provenance.CLEARED, label)
        if label.is_protected:
            return ColumnTreatment(position, column.name, Provenance.LABELLED, label)
        if origins_hold:
            return ColumnTreatment(position, column.name, Provenance.CLEAR, label)
    if expressions_are_clear or position in clear_outputs:
        return ColumnTreatment(position, column.name, Provenance.CLEAR, Label.NONE)
    return ColumnTreatment(position, column.name, Provenance.UNPROVEN, Label.UNCLASSIFIED)


def _mask(treatment: ColumnTreatment) -> Mask:
    if not treatment.is_masked:
        return Mask.NONE
    if treatment.provenance is Provenance.UNPROVEN:
        return Mask.FULL_HIDING_NULL
    if treatment.provenance is Provenance.SCANNED:
        return Mask.SCAN
    if treatment.provenance is Provenance.TOKENIZED:
        return Mask.TOKEN
    return MASK_OF.get(treatment.label, Mask.FULL)
