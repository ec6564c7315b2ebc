"""Cells of a column: what goes in as a type comes out as that type, in both formats."""

from __future__ import annotations

import json

import pytest

from doorward.detectors.cells import MASKED_JSON, MASKED_TEXT, CellKind, clean_cells
from doorward.detectors.scanner import MAX_VALUE_BYTES, Scanner, default_scanner

DOCUMENT = b'{"email": "bob@example.com", "n": 4111111111111111, "k": [true, null, 1.5]}'
CLEANED = b'{"email": "[EMAIL]", "n": 0, "k": [true, null, 1.5]}'


def test_text_cells_are_cleaned_in_place(scanner: Scanner) -> None:
    """NULL stays NULL, empty stays empty, a clean cell is the very object, order and number stay."""
    clean = b"nothing here"
    cells = [b"mail bob@example.com", None, b"", clean, "für Zoë: +49 30 901820".encode()]
    cleaned = clean_cells(scanner, cells, CellKind.TEXT)
    assert cleaned == [b"mail [EMAIL]", None, b"", clean, "für Zoë: [PHONE]".encode()]
    assert cleaned[3] is clean


@pytest.mark.parametrize(("kind", "prefix"), [(CellKind.JSON, b""), (CellKind.TEXT, b""), (CellKind.JSONB_BINARY, b"\x01")])
def test_json_cells_stay_json(scanner: Scanner, kind: CellKind, prefix: bytes) -> None:
    """json and jsonb in both formats, and a text column that holds JSON."""
    assert clean_cells(scanner, [prefix + DOCUMENT, None], kind) == [prefix + CLEANED, None]


def test_scalars_of_json_stay_scalars(scanner: Scanner) -> None:
    """A document may be a string or a number."""
    cells = [b'"bob@example.com"', b"4111111111111111", b"true", b"null", rb'"\u0062ob@example.com"']
    assert clean_cells(scanner, cells, CellKind.JSON) == [b'"[EMAIL]"', b"0", b"true", b"null", b'"[EMAIL]"']


@pytest.mark.parametrize(
    ("cell", "kind", "masked"),
    [
        (b"\xff\xfe\x00bob", CellKind.TEXT, MASKED_TEXT),
        (b"{broken", CellKind.JSON, MASKED_JSON),
        (b"\xff", CellKind.JSON, MASKED_JSON),
        (b"[" * 5000 + b"]" * 5000, CellKind.JSON, MASKED_JSON),
        (b"{}", CellKind.JSONB_BINARY, b"\x01" + MASKED_JSON),
        (b"\x02{}", CellKind.JSONB_BINARY, b"\x01" + MASKED_JSON),
        (b"x" * (MAX_VALUE_BYTES + 1), CellKind.TEXT, MASKED_TEXT),
        (b"[" * 5000 + b"]" * 5000, CellKind.TEXT, MASKED_TEXT),
    ],
)
def test_what_cannot_be_read_is_masked_whole(scanner: Scanner, cell: bytes, kind: CellKind, masked: bytes) -> None:
    """Never passed, and still of its type."""
    assert clean_cells(scanner, [cell, b"", None], kind) == [masked, b"", None]
    if kind is not CellKind.TEXT:
        json.loads(masked.removeprefix(b"\x01"))


def test_values_of_the_row_are_masked_in_its_text(scanner: Scanner) -> None:
    """Each row knows its own."""
    cells = [b"wren called", None, b"wren called", b"\xff"]
    known = [[("PERSON", "Wren")], [], [("PERSON", "Ada")], [("PERSON", "Wren")]]
    assert clean_cells(scanner, cells, CellKind.TEXT, known_rows=known) == [b"[PERSON] called", None, b"wren called", b"***"]


def test_no_result_is_longer_than_the_column(scanner: Scanner) -> None:
    """A word in brackets may be longer than what it replaces."""
    assert clean_cells(scanner, ["é a@b.io".encode(), b"\xff"], CellKind.TEXT, limit_characters=6) == [
        "é [EMA".encode(),
        b"***",
    ]
    assert clean_cells(scanner, [b"\xff"], CellKind.TEXT, limit_characters=2) == [b"**"]


def test_name_of_the_column_is_context(scanner: Scanner) -> None:
    """As for single values."""
    assert clean_cells(scanner, [b"5551234", None], CellKind.TEXT, column="phone") == [b"[PHONE]", None]


def test_no_name_that_a_client_can_choose_uncovers_a_value() -> None:
    """``SELECT phone AS order_number`` is read like any text; so is a key that a query made up."""
    cells = [
        b"4111111111111111",
        b"(201) 555-0123",
        b"323010052",
        b'{"order_number": "4111111111111111", "version": "10.20.30.40"}',
    ]
    scanner = default_scanner()
    for column in ("order_number", "version", "iban", "name", "phone_type", ""):
        card, phone, _, document = clean_cells(scanner, cells, CellKind.TEXT, column=column)
        assert card in (b"[CARD]", b"[IBAN]")
        assert phone in (b"[PHONE]", b"[IBAN]")
        assert document == b'{"order_number": "[CARD]", "version": "[IP]"}'
    assert clean_cells(scanner, cells, CellKind.TEXT, column="order_number")[2] == b"[NATIONAL_ID]"
