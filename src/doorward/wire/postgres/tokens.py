"""Tokens in place of values: the same for the same value, of the value's own type, and nobody can tell the value from one.

Made with a key, of the label and the value, so that two columns that hold the same line up in the joins and groups that a
client makes of masked results. Text and binary forms of one value have one token.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from hashlib import blake2b

from doorward.model.catalog import Label
from doorward.model.result import ResultColumn

TEXTS = frozenset({25, 1043})  # text, varchar
UUID = 2950
# Whole numbers by type: how they are packed, and how many bits a token has; the sign stays positive.
WHOLE_NUMBERS = {20: (">q", 63), 23: (">i", 31)}
PREFIX = b"tok_"
# 80 bits: two of a thousand million values share one with a chance of less than one in a million.
TOKEN_CHARACTERS = 16
SHORTEST_TEXT = len(PREFIX) + 8

Replace = Callable[[list[bytes | None]], list[bytes | None]]


def token_function(column: ResultColumn, label: Label, key: bytes, limit: int | None) -> Replace | None:
    """What makes tokens of the values of *column*, which holds *label*; None for a type that has none.

    *limit* is the most characters that the column takes.
    """
    if not key:
        return None
    keyed = blake2b(key=key, person=label.value.encode()[:16], digest_size=16)
    make = _maker(column, limit)
    if make is None:
        return None

    def replace(values: list[bytes | None]) -> list[bytes | None]:
        return [None if value is None else make(keyed, value) for value in values]

    return replace


def _maker(column: ResultColumn, limit: int | None) -> Callable[[blake2b, bytes], bytes] | None:
    is_binary = column.format == 1
    if column.type_oid in TEXTS and (limit is None or limit >= SHORTEST_TEXT):
        return lambda keyed, value: _text(keyed, value, limit)
    if column.type_oid == UUID:
        return _uuid_binary if is_binary else _uuid_text
    if column.type_oid in WHOLE_NUMBERS:
        form, bits = WHOLE_NUMBERS[column.type_oid]
        return lambda keyed, value: _number(keyed, value, form, bits, is_binary)
    return None


def _digest(keyed: blake2b, value: bytes) -> bytes:
    digest = keyed.copy()
    digest.update(value)
    return digest.digest()


def _text(keyed: blake2b, value: bytes, limit: int | None) -> bytes:
    token = base64.b32encode(_digest(keyed, value)).lower()[:TOKEN_CHARACTERS]
    return (PREFIX + token)[:limit]


def _uuid_binary(keyed: blake2b, value: bytes) -> bytes:
    token = bytearray(_digest(keyed, value))
    token[6] = (token[6] & 0x0F) | 0x80  # version 8: made by a scheme of one's own (RFC 9562)
    token[8] = (token[8] & 0x3F) | 0x80
    return bytes(token)


def _uuid_text(keyed: blake2b, value: bytes) -> bytes:
    token = _uuid_binary(keyed, bytes.fromhex(value.decode("ascii").replace("-", ""))).hex()
    return f"{token[:8]}-{token[8:12]}-{token[12:16]}-{token[16:20]}-{token[20:]}".encode()


def _number(keyed: blake2b, value: bytes, form: str, bits: int, is_binary: bool) -> bytes:
    number = struct.unpack(form, value)[0] if is_binary else int(value)
    token = int.from_bytes(_digest(keyed, b"%d" % number)[:8], "big") >> (64 - bits)
    return struct.pack(form, token) if is_binary else b"%d" % token
