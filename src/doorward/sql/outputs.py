"""What the text alone proves of each result column."""

from __future__ import annotations

from doorward.model.statement import Output
from doorward.sql.tree import Fields
from doorward.sql.walk import Found


def outputs_of(kind: str, fields: Fields, found: Found) -> tuple[Output, ...] | None:
    return None
