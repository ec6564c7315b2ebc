"""Which column references may flow from what is read into what is stored."""

from __future__ import annotations

from doorward.sql.tree import Fields
from doorward.sql.walk import Found


def copied_columns(kind: str, fields: Fields, found: Found) -> tuple[str, ...] | None:
    return ("*",) if found.copiers else None
