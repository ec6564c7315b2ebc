"""The corpus: entries, what shows that one of them worked, and what may be seen of the fixture's secrets at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.adversarial.client import PLACES, Event

FOLDER = Path(__file__).parent / "corpus"
FIXTURE = FOLDER / "fixture_postgres.sql"
# A decoded secret shorter than this is looked for where the entry says alone: elsewhere it would be found by chance.
DISTINCT = 6

# Every value of the fixture that a masked column holds.
RAW_SECRETS = (
    "123-45-6789", "987-65-4321", "555-12-3456", "4111111111111111", "5500005555555559", "340000000000009",
    "alice@example.com", "bob@example.com", "carol@example.com", "Alice Example", "Bob Sample", "Carol Test",
    "VIP. SSN", "called about card", "nothing special", "202-555-0143", "202-555-0199", "202-555-0111",
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One attack. *principal* is who connects; alice when the file doesn't say."""

    id: str
    cls: str
    kind: str
    role: str
    setup: tuple[str, ...]
    statements: tuple[Any, ...]
    secret: str
    decode: str
    where: str
    check: str
    control: bool
    defence: str
    principal: str = "alice"
    startup: dict[str, str] = field(default_factory=dict)
    versions: tuple[int, ...] = ()
    limit: str = ""  # a known limit of this version, in words: it gets through, and docs/limits.md says so

    @property
    def words(self) -> str:
        """Everything that the client itself sends: seeing it again is no leak."""
        return json.dumps(self.statements) + json.dumps(self.startup)


def load(path: Path) -> list[Entry]:
    """The PostgreSQL entries of a file in the corpus format."""
    found = json.loads(path.read_text("utf-8"))
    listed = found if isinstance(found, list) else found["entries"]
    return [_entry(row) for row in listed if str(row.get("db", "postgresql")).startswith("postgres")]


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(
        id=row["id"],
        cls=row.get("cls", ""),
        kind=row.get("kind", "leak" if row.get("secret_expected") else "guardrail"),
        role=row.get("role", "app"),
        setup=tuple(row.get("setup") or ()),
        statements=tuple(row["statements"]),
        secret=row.get("secret_expected") or "",
        decode=row.get("decode") or "plain",
        where=row.get("where") or "result",
        check=row.get("check") or "",
        control=bool(row.get("control")),
        defence=row.get("defence") or "",
        principal=row.get("principal") or "alice",
        startup=row.get("startup") or {},
        versions=tuple(row.get("versions") or ()),
        limit=row.get("limit") or "",
    )


# What was received ----------------------------------------------------------------------------------------------------


def _texts(contents: Any) -> Iterator[str]:
    if isinstance(contents, bytes):
        yield contents.decode("utf-8", "replace")
        if len(contents) in (2, 4, 8):  # a binary integer
            yield str(int.from_bytes(contents, "big", signed=True))
    elif isinstance(contents, str):
        yield contents
    elif isinstance(contents, dict):
        for value in contents.values():
            yield from _texts(value)
    elif isinstance(contents, list | tuple):
        for value in contents:
            yield from _texts(value)


def blob(events: Iterable[Event], where: str = "") -> str:
    """Everything received in *where* as one text; in any message when *where* is empty. Cells are separated."""
    places = {"colnames": "rowdesc"}
    wanted = places.get(where, where)
    return "\x1f".join(
        text for kind, contents in events if not wanted or PLACES.get(kind) == wanted for text in _texts(contents)
    )


def _rows(events: Iterable[Event]) -> list[list[str | None]]:
    rows = []
    for kind, contents in events:
        if kind == "D":
            rows.append([None if cell is None else cell.decode("utf-8", "replace") for cell in contents])
    return rows


def _column(events: Iterable[Event], number: int) -> list[str]:
    return [row[number] or "" for row in _rows(events) if len(row) > number]


def _characters(numbers: Iterable[int]) -> str:
    return "".join(chr(number) for number in numbers if 0 < number < 0x110000)


def _decoded(entry: Entry, events: list[Event]) -> str:
    """What an attacker reads out of the answers by the entry's own recipe."""
    recipe, *numbers = entry.decode.split(":")
    at = [int(number) for number in numbers]
    if recipe == "join":
        return "".join(_column(events, at[0]))
    if recipe == "chr":
        return _characters(int(cell) for cell in _column(events, at[0]) if re.fullmatch(r"\d{1,6}", cell))
    if recipe == "len":
        return _characters(len(cell) for cell in _column(events, at[0]))
    if recipe == "null":
        return "".join(row[at[1]] or "" for row in _rows(events) if len(row) > max(at) and row[at[0]] is None)
    if recipe == "bits":
        bits = "".join("1" if cell in ("t", "1", "true") else "0" for cell in _column(events, at[0]))
        return "\x1f".join(_characters(int(bits[i : i + n], 2) for i in range(0, len(bits), n)) for n in (7, 8))
    if recipe == "rowcount-chr":
        counts, rows = [], 0
        for kind, _contents in events:
            rows = rows + 1 if kind == "D" else rows
            if kind == "C":
                counts.append(rows)
                rows = 0
        return _characters(counts)
    return blob(events, entry.where)


def leaks(entry: Entry, events: list[Event]) -> str:
    """What came through that must not; empty when nothing did."""
    if entry.secret:
        found = _decoded(entry, events)
        worked = entry.secret in found.split("\x1f") if entry.decode == "probe" else entry.secret in found
        if entry.decode == "probe" and entry.where in ("error", "notice", "tag"):
            worked = entry.secret in found
        if worked:
            return f"{entry.decode} in {entry.where}: {entry.secret}"
        is_distinct = entry.decode == "plain" and len(entry.secret) >= DISTINCT and entry.secret not in entry.words
        if is_distinct and entry.secret in blob(events):
            return f"somewhere: {entry.secret}"
    everything = blob(events)
    for secret in RAW_SECRETS:
        if secret in everything and secret not in entry.words:
            return f"raw: {secret}"
    return ""


def holds(expression: str, events: list[Event]) -> bool:
    """Whether an ``@`` check is true of what was received."""
    names = {"ev": events, "blob": blob, "any": any, "all": all, "str": str, "len": len, "sum": sum, "int": int}
    return bool(eval(expression, {"__builtins__": {}, **names}))
