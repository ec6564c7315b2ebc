"""Cells of a result as they stream by: each column's part of a chunk in, the same cells out with what was found replaced.

This is what the path plugs in where policy asks that a column be scanned rather than masked whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

from doorward.detectors import spans
from doorward.detectors.known import Known
from doorward.detectors.scanner import Scanner, replaced
from doorward.model.catalog import Label

# What a labelled column's values are called where they are looked for in the same row's texts (``known_rows``).
TYPE_OF_LABEL: Mapping[Label, str] = {
    Label.EMAIL: spans.EMAIL,
    Label.PERSON_NAME: spans.PERSON,
    Label.ONLINE_ID: "ONLINE_ID",
    Label.PHONE: spans.PHONE,
    Label.ADDRESS: spans.ADDRESS,
    Label.NATIONAL_ID: spans.NATIONAL_ID,
    Label.DOB: spans.DOB,
    Label.CARD: spans.CARD,
    Label.BANK_ACCOUNT: spans.IBAN,
    Label.IP: spans.IP,
    Label.DEVICE_ID: spans.MAC,
    Label.SECRET: spans.SECRET,
}

# What a cell becomes that can't be read within its bound, or does not hold what its type promises.
MASKED_TEXT = b"***"
MASKED_JSON = b"{}"
JSONB_VERSION = b"\x01"  # PostgreSQL's jsonb_send puts a version number before the text


class CellKind(Enum):
    """What the bytes of a cell are."""

    TEXT = "text"  # text, varchar, char, citext, xml, enums: the same in both formats
    JSON = "json"  # json in both formats, jsonb in the text format
    JSONB_BINARY = "jsonb"  # jsonb in the binary format


def clean_cells(
    scanner: Scanner,
    cells: Sequence[bytes | None],
    kind: CellKind,
    *,
    column: str = "",
    known_rows: Sequence[Sequence[Known]] | None = None,
    limit_characters: int | None = None,
) -> list[bytes | None]:
    """The cells of one column with personal values and secrets replaced; NULL stays None, a clean cell is the very object.

    *scanner* is one whose names only add (``default_scanner``), for a client can call a column what it likes. *column*: its
    name, as context. *known_rows*: for each cell what the same row's labelled columns hold, as ``(type, value)``; see
    TYPE_OF_LABEL. *limit_characters*: the n of varchar(n), which no result exceeds.

    JSON stays JSON: texts are replaced inside their quotes, numbers by 0. A cell that is not valid UTF-8, not the JSON that
    *kind* promises, too long, too deep or too full of findings is masked whole.
    """
    places = [place for place, cell in enumerate(cells) if cell]
    values: list[bytes] = []
    cleaned = list(cells)
    readable: list[int] = []
    for place in places:
        content = _content_of(cells[place] or b"", kind)
        if content is None:
            cleaned[place] = _masked(kind, limit_characters)
        else:
            values.append(content)
            readable.append(place)
    known = None if known_rows is None else [known_rows[place] for place in readable]
    found_in = scanner.find_all(values, column=column, known=known, are_json=kind is not CellKind.TEXT)
    for place, value, found in zip(readable, values, found_in, strict=True):
        if not found:
            continue
        if found[0].type == spans.UNSCANNED:
            cleaned[place] = _masked(kind, limit_characters)
            continue
        result = replaced(value, found)
        assert isinstance(result, bytes)
        if kind is CellKind.JSONB_BINARY:
            result = JSONB_VERSION + result
        cleaned[place] = result if limit_characters is None else _clipped(result, limit_characters)
    return cleaned


def _content_of(cell: bytes, kind: CellKind) -> bytes | None:
    """The text in a cell, or None where it is not what *kind* says."""
    if kind is CellKind.JSONB_BINARY:
        if cell[:1] != JSONB_VERSION:
            return None
        cell = cell[1:]
    if not cell.isascii():
        try:
            cell.decode()
        except UnicodeDecodeError:
            return None
    return cell


def _masked(kind: CellKind, limit_characters: int | None) -> bytes:
    if kind is CellKind.TEXT:
        return MASKED_TEXT[:limit_characters]
    return JSONB_VERSION + MASKED_JSON if kind is CellKind.JSONB_BINARY else MASKED_JSON


def _clipped(value: bytes, limit_characters: int) -> bytes:
    return value if len(value) <= limit_characters else value.decode()[:limit_characters].encode()
