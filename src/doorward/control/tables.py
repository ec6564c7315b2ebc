"""Lists as CSV (RFC 4180), for spreadsheets and auditors."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

# What a row of the record is told in, as a table.
RECORD_COLUMNS = (
    "index", "at_us", "kind", "chain", "principal", "verdict", "status", "action", "text", "objects", "labels", "rows",
    "masked", "columns", "rules", "reason", "answer", "answered_by", "duration_us", "error_code", "upstream", "session",
    "execution",
)  # fmt: skip
# A cell that begins with one of these is a formula to a spreadsheet; it gets an apostrophe before it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table with a heading. Times in columns named ``..._us`` become UTC, lists words with a semicolon between."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([heading(column) for column in columns])
    for row in rows:
        writer.writerow([cell(column, value) for column, value in zip(columns, row, strict=True)])
    return out.getvalue()


def list_as_csv(rows: Sequence[Any]) -> str:
    """The same for values of one type, by their fields."""
    told: list[Mapping[str, Any]] = [msgspec.to_builtins(row) for row in rows]
    columns = list(dict.fromkeys(name for row in told for name in row))
    return as_csv(columns, ([row.get(name) for name in columns] for row in told))


def heading(column: str) -> str:
    """``at_us`` is ``at`` once it is a time."""
    return column.removesuffix("_us") if column.endswith("_us") and column != "duration_us" else column


def cell(column: str, value: Any) -> str:
    """One cell, as text that no program acts on."""
    if value is None:
        return ""
    if heading(column) != column and isinstance(value, int):
        return utc(value) if value else ""
    if isinstance(value, list | tuple):
        value = "; ".join(_word(part) for part in value)
    text = _word(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def utc(at_us: int) -> str:
    """``2026-07-01T08:00:00.000000Z``: sorts as it reads."""
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _word(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(str(part) for part in value.values() if part not in ("", None))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
