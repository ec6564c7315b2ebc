"""Canonical bytes of every kind, against an independent implementation of RFC 8785."""

from __future__ import annotations

import json
from types import UnionType
from typing import Any, get_args, get_origin

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.audit.canonical import MAX_ENTRY_BYTES, MAX_NUMBER, decode, encode, kind_of
from doorward.model.claim import NAME
from doorward.model.entry import (
    ENTRY_KINDS,
    Administered,
    ServiceStarted,
    ServiceStopped,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-MAX_NUMBER, MAX_NUMBER)
SAID = st.dictionaries(st.from_regex(NAME, fullmatch=True), TEXTS, max_size=3)


def of_type(declared: Any) -> st.SearchStrategy[Any]:
    """Every value that *declared* allows, for each type that an entry's field may have."""
    kind, parts = get_origin(declared), get_args(declared)
    if kind is UnionType:
        return st.one_of([of_type(each) for each in parts])
    if kind is tuple:
        return st.lists(of_type(parts[0]), max_size=3).map(tuple)
    if kind is dict:
        return st.dictionaries(TEXTS, TEXTS, max_size=4)
    if issubclass(declared, msgspec.Struct):
        return entries_of(declared)
    return {int: NUMBERS, str: TEXTS, msgspec.UnsetType: st.just(msgspec.UNSET)}[declared]


def entries_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    fields = {}
    for field in msgspec.structs.fields(kind):
        if field.name == "kind" and kind in ENTRY_KINDS:
            continue
        # What is claimed or proven has names of few letters: no two ways to sort them.
        said = dict[str, str] in get_args(field.type)
        fields[field.name] = st.just(msgspec.UNSET) | SAID if said else of_type(field.type)
    return st.builds(kind, **fields)


@pytest.mark.parametrize("kind", ENTRY_KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_encoded_as_rfc_8785_says(kind: type[msgspec.Struct]) -> None:
    @given(entries_of(kind))
    @settings(max_examples=60, deadline=None)
    def check(entry: msgspec.Struct) -> None:
        payload = encode(entry)
        assert payload == rfc8785.dumps(json.loads(payload))
        assert decode(payload) == entry
        assert kind_of(payload) == entry.kind

    check()


@pytest.mark.parametrize(
    "text", ["\u2028\u2029", "\x00\x1f\x7f\x80", '\\"/\b\f\n\r\t', "😀", "é\u0301", "\ufeff", "\ufffe\uffff"]
)
def test_awkward_text_is_canonical(text: str) -> None:
    payload = encode(Administered(act="a", at_us=1, by=text, details={text: text}, subject=""))
    assert payload == rfc8785.dumps(json.loads(payload))


def test_keys_are_sorted_by_utf_16_units() -> None:
    """A key past U+FFFF sorts before U+FB33: by code points it would not."""
    payload = encode(Administered(act="a", at_us=1, by="", details={"\ufb33": "", "😀": "", "a": ""}, subject=""))
    assert payload == rfc8785.dumps(json.loads(payload))
    assert decode(payload).details == {"a": "", "😀": "", "\ufb33": ""}


@pytest.mark.parametrize("number", [MAX_NUMBER, -MAX_NUMBER])
def test_numbers_at_the_limit_are_kept(number: int) -> None:
    assert json.loads(encode(ServiceStopped(at_us=number)))["at_us"] == number


@pytest.mark.parametrize("number", [MAX_NUMBER + 1, -MAX_NUMBER - 1, 2**63])
def test_numbers_past_the_limit_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="2\\*\\*53"):
        encode(ServiceStopped(at_us=number))


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        encode(ServiceStarted(at_us=1, resumed_at=0, version="\ud800"))


def test_an_entry_over_the_limit_is_refused() -> None:
    room = MAX_ENTRY_BYTES - len(encode(ServiceStarted(at_us=1, resumed_at=0, version="")))
    assert len(encode(ServiceStarted(at_us=1, resumed_at=0, version="v" * room))) == MAX_ENTRY_BYTES
    with pytest.raises(ValueError, match="over the limit"):
        encode(ServiceStarted(at_us=1, resumed_at=0, version="v" * (room + 1)))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"at_us":1}',
        b'{"at_us":1,"kind":"unheard.of"}',
        b'{"kind":"service.stopped","at_us":1}',
        b'{"at_us": 1,"kind":"service.stopped"}',
        b'{"at_us":1,"kind":"service.stopped"} ',
        b'{"at_us":1,"kind":"service.stopped","more":1}',
        b'{"at_us":1,"at_us":1,"kind":"service.stopped"}',
        b'{"at_us":1.0,"kind":"service.stopped"}',
        b'{"at_us":"1","kind":"service.stopped"}',
        b'{"at_us":1,"kind":"service\\u002estopped"}',
    ],
)
def test_bytes_that_are_not_canonical_are_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(payload)


def test_kind_of_rubbish_is_unreadable() -> None:
    assert kind_of(b"\xff{") == "unreadable"
