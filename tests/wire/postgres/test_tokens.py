"""Tokens: one for each value, of its type, alike in text and binary, and nothing without a key."""

from __future__ import annotations

import struct
import uuid

import pytest

from doorward.model.catalog import Label
from doorward.model.result import ResultColumn
from doorward.wire.postgres.tokens import Replace, token_function

KEY = b"k" * 32


def column(type_oid: int, format: int = 0) -> ResultColumn:
    return ResultColumn("c", 1, 1, type_oid, -1, -1, format)


def tokens(type_oid: int, format: int = 0, label: Label = Label.EMAIL, limit: int | None = None, key: bytes = KEY) -> Replace:
    found = token_function(column(type_oid, format), label, key, limit)
    assert found is not None
    return found


def test_the_same_value_has_the_same_token_and_null_stays() -> None:
    """And a token tells nothing of the value's length."""
    made = tokens(25)([b"a@x.org", b"a@x.org", None, b"", b"b" * 5_000])
    assert made[0] == made[1]
    assert made[2] is None
    assert len(set(made)) == 4
    assert {len(token) for token in made if token} == {20}
    assert all(token.startswith(b"tok_") for token in made if token)


def test_labels_and_keys_have_tokens_of_their_own() -> None:
    """Two columns of one label line up; nobody compares them across labels, or across installations."""
    one = tokens(25)([b"x"])
    assert tokens(1043)([b"x"]) == one
    assert tokens(25, label=Label.PHONE)([b"x"]) != one
    assert tokens(25, key=b"other")([b"x"]) != one


def test_tokens_stay_within_the_declared_length() -> None:
    """Where too little is left to tell tokens apart, there are none."""
    assert [len(token or b"") for token in tokens(1043, limit=14)([b"x"])] == [14]
    assert token_function(column(1043), Label.EMAIL, KEY, 11) is None


@pytest.mark.parametrize(("type_oid", "form"), [(20, ">q"), (23, ">i")])
@pytest.mark.parametrize("number", [0, 1, -1, -(1 << 31), (1 << 31) - 1])
def test_whole_numbers_stay_numbers_alike_in_both_formats(type_oid: int, form: str, number: int) -> None:
    (text,) = tokens(type_oid)([b"%d" % number])
    (binary,) = tokens(type_oid, 1)([struct.pack(form, number)])
    assert text is not None
    assert binary is not None
    assert int(text) == struct.unpack(form, binary)[0] >= 0


def test_uuids_stay_uuids_alike_in_both_formats() -> None:
    value = uuid.UUID("0f6e2c1a-9b7d-4c55-8c1e-2a3b4c5d6e7f")
    (text,) = tokens(2950)([str(value).encode()])
    (binary,) = tokens(2950, 1)([value.bytes])
    assert text is not None
    assert uuid.UUID(text.decode()).bytes == binary
    assert uuid.UUID(text.decode()).version == 8


@pytest.mark.parametrize("type_oid", [16, 1082, 1700, 3802, 1042])
def test_other_types_have_no_tokens_and_nothing_has_without_a_key(type_oid: int) -> None:
    """They are masked whole instead."""
    assert token_function(column(type_oid), Label.EMAIL, KEY, None) is None
    assert token_function(column(25), Label.EMAIL, b"", None) is None
