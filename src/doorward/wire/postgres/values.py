"""Masks as PostgreSQL values: for each type, what a driver still parses, in text and in binary.

Binary forms are those of the types' send functions (manual, "Binary Data Transmission", and the type's own section).
A type that is not in the table becomes NULL, which every type admits.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from doorward.model.masking import Mask
from doorward.model.result import ResultColumn
from doorward.wire.postgres import rows_cy

TEXT_FORMAT = 0
BINARY_FORMAT = 1

MASK_TEXT = b"***"

# Types whose text and binary forms are both the text itself (pg_type.oid, fixed by pg_type.dat).
TEXT_LIKE = frozenset({25, 1043, 1042, 705})  # text, varchar, bpchar, unknown
NAME = 19
JSON, JSONB = 114, 3802
# What can be read as a text or a document, and replaced in part.
SCANNED = TEXT_LIKE | {JSON, JSONB}
BPCHAR, VARCHAR = 1042, 1043
TYPMOD_HEADER_BYTES = 4  # varchar(n) and char(n) carry n + 4 in their modifier


@dataclass(frozen=True, slots=True)
class _Zero:
    """A type's harmless value, in both formats."""

    text: bytes
    binary: bytes


_UNIX_EPOCH_DAYS = -10957  # dates count from 2000-01-01
_UNIX_EPOCH_MICROSECONDS = _UNIX_EPOCH_DAYS * 86_400 * 1_000_000

_ZEROES: dict[int, _Zero] = {
    16: _Zero(b"f", b"\0"),  # bool
    17: _Zero(b"\\x", b""),  # bytea
    18: _Zero(b"*", b"*"),  # "char"
    19: _Zero(MASK_TEXT, MASK_TEXT),  # name
    20: _Zero(b"0", struct.pack(">q", 0)),  # int8
    21: _Zero(b"0", struct.pack(">h", 0)),  # int2
    23: _Zero(b"0", struct.pack(">i", 0)),  # int4
    26: _Zero(b"0", struct.pack(">I", 0)),  # oid
    114: _Zero(b"{}", b"{}"),  # json
    142: _Zero(b"<masked/>", b"<masked/>"),  # xml
    600: _Zero(b"(0,0)", struct.pack(">dd", 0, 0)),  # point
    650: _Zero(b"0.0.0.0/32", b"\x02\x20\x01\x04\0\0\0\0"),  # cidr
    700: _Zero(b"0", struct.pack(">f", 0)),  # float4
    701: _Zero(b"0", struct.pack(">d", 0)),  # float8
    774: _Zero(b"00:00:00:00:00:00:00:00", bytes(8)),  # macaddr8
    790: _Zero(b"$0.00", struct.pack(">q", 0)),  # money
    829: _Zero(b"00:00:00:00:00:00", bytes(6)),  # macaddr
    869: _Zero(b"0.0.0.0", b"\x02\x20\0\x04\0\0\0\0"),  # inet
    1082: _Zero(b"1970-01-01", struct.pack(">i", _UNIX_EPOCH_DAYS)),  # date
    1083: _Zero(b"00:00:00", struct.pack(">q", 0)),  # time
    1114: _Zero(b"1970-01-01 00:00:00", struct.pack(">q", _UNIX_EPOCH_MICROSECONDS)),  # timestamp
    1184: _Zero(b"1970-01-01 00:00:00+00", struct.pack(">q", _UNIX_EPOCH_MICROSECONDS)),  # timestamptz
    1186: _Zero(b"00:00:00", struct.pack(">qii", 0, 0, 0)),  # interval
    1266: _Zero(b"00:00:00+00", struct.pack(">qi", 0, 0)),  # timetz
    1700: _Zero(b"0", struct.pack(">hhHh", 0, 0, 0, 0)),  # numeric
    2950: _Zero(b"00000000-0000-0000-0000-000000000000", bytes(16)),  # uuid
    3802: _Zero(b"{}", b"\x01{}"),  # jsonb: a version byte first
    3614: _Zero(b"", struct.pack(">i", 0)),  # tsvector
}
_ZEROES |= {oid: _Zero(b"empty", b"\x01") for oid in (3904, 3906, 3908, 3910, 3912, 3926)}  # the six range types
_ZEROES |= {  # arrays: no dimension, no NULL, the element's type
    array: _Zero(b"{}", struct.pack(">iiI", 0, 0, element))
    for array, element in {
        1000: 16, 1001: 17, 1002: 18, 1003: 19, 1005: 21, 1007: 23, 1009: 25, 1014: 1042, 1015: 1043, 1016: 20, 1021: 700,
        1022: 701, 1028: 26, 1040: 829, 1041: 869, 1115: 1114, 1182: 1082, 1183: 1083, 1185: 1184, 1187: 1186, 1231: 1700,
        199: 114, 651: 650, 791: 790, 2951: 2950, 3807: 3802,
    }.items()
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    """One column's operation for ``rows_cy.mask_rows``."""

    code: int
    constant: bytes = b""


KEEP = Operation(rows_cy.KEEP)
_NULL = Operation(rows_cy.NULL)


def _counted(value: bytes, *, hide_null: bool) -> Operation:
    code = rows_cy.CONSTANT_HIDING_NULL if hide_null else rows_cy.CONSTANT
    return Operation(code, struct.pack(">i", len(value)) + value)


def declared_characters(column: ResultColumn) -> int | None:
    """The n of varchar(n) or char(n), None when the column has no such limit."""
    if column.type_oid in (BPCHAR, VARCHAR) and column.type_modifier >= TYPMOD_HEADER_BYTES:
        return column.type_modifier - TYPMOD_HEADER_BYTES
    return None


def operation_for(mask: Mask, column: ResultColumn) -> Operation:
    """How *mask* is done on *column*: a value of its type, in its format, within its declared length."""
    if mask is Mask.NONE:
        return KEEP
    if mask is Mask.SCAN and column.type_oid in SCANNED:
        return Operation(rows_cy.SCAN)
    hide_null = mask is Mask.FULL_HIDING_NULL
    if column.type_oid not in TEXT_LIKE:
        zero = _ZEROES.get(column.type_oid)
        if zero is None:
            return _NULL
        return _counted(zero.binary if column.format == BINARY_FORMAT else zero.text, hide_null=hide_null)
    limit = declared_characters(column)
    partial = _PARTIAL.get(mask)
    # A partial mask may be longer than the value was; where that could pass the declared length, hide it all.
    if partial is not None and (limit is None or limit >= len(partial.constant) + 1):
        return partial
    text = MASK_TEXT if limit is None else MASK_TEXT[:limit]
    return _counted(text, hide_null=hide_null)


_PARTIAL = {
    Mask.INITIAL: Operation(rows_cy.INITIAL, MASK_TEXT),
    Mask.EMAIL: Operation(rows_cy.EMAIL, b"***@***"),
    Mask.LAST_FOUR: Operation(rows_cy.LAST_FOUR),
}
