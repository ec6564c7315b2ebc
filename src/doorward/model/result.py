"""What happens to each column of a result."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from doorward.model.catalog import Label


class Provenance(Enum):
    """Why a result column is shown or masked."""

    CLEAR = "clear"  # a base column whose label is none, or an expression over clear relations only
    CLEARED = "cleared"  # a protected column that policy lets this identity see
    SCANNED = "scanned"  # shown with what was found in it replaced
    TOKENIZED = "tokenized"  # a token in place of each value
    LABELLED = "labelled"  # a bare column with a protected label
    UNPROVEN = "unproven"  # an expression, or a column of unknown origin, that can't be proven clean


_MASKED = frozenset({Provenance.SCANNED, Provenance.TOKENIZED, Provenance.LABELLED, Provenance.UNPROVEN})


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """One column of a RowDescription (PostgreSQL manual, "Message Formats"). *format* is 0 text, 1 binary."""

    name: str
    table_oid: int
    attribute_number: int
    type_oid: int
    type_size: int
    type_modifier: int
    format: int


@dataclass(frozen=True, slots=True)
class ColumnTreatment:
    """What is done to one result column, and why. *label* is UNCLASSIFIED for UNPROVEN columns."""

    position: int
    name: str
    provenance: Provenance
    label: Label

    @property
    def is_masked(self) -> bool:
        """Whether the client gets a mask instead of the value."""
        return self.provenance in _MASKED
