"""Canonical bytes of every kind, against an independent implementation of RFC 8785."""

from __future__ import annotations

import json
from typing import get_args

import msgspec
import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.audit.canonical import MAX_ENTRY_BYTES, MAX_NUMBER, decode, encode, kind_of
from doorward.model.claim import NAME
from doorward.model.entry import (
    ENTRY_KINDS,
    ActorStamp,
    Administered,
    ColumnStamp,
    IdentityStamp,
    ServiceStarted,
    ServiceStopped,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-MAX_NUMBER, MAX_NUMBER)
ACTORS = st.builds(ActorStamp, id=TEXTS, kind=TEXTS, name=TEXTS)
# What is claimed or proven has names of few letters: no two ways to sort them.
SAID = st.dictionaries(st.from_regex(NAME, fullmatch=True), TEXTS, max_size=3)
BY_TYPE = {
    int: NUMBERS,
    str: TEXTS,
    tuple[str, ...]: st.lists(TEXTS, max_size=3).map(tuple),
    dict[str, str]: st.dictionaries(TEXTS, TEXTS, max_size=4),
    IdentityStamp: st.builds(
        IdentityStamp,
        actors=st.lists(ACTORS, max_size=2).map(tuple),
        chain=TEXTS,
        credential=TEXTS,
        principal=ACTORS,
        proven_by=TEXTS,
        proof=st.just(msgspec.UNSET) | SAID,
    ),
    tuple[ColumnStamp, ...]: st.lists(
        st.builds(ColumnStamp, label=TEXTS, name=TEXTS, source=TEXTS, treatment=TEXTS), max_size=2
    ).map(tuple),
}


def entries_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[msgspec.Struct]:
    fields = {}
    for field in msgspec.structs.fields(kind):
        if field.name == "kind":
            continue
        types = get_args(field.type)
        optional = NUMBERS if int in types else SAID if dict[str, str] in types else TEXTS
        fields[field.name] = BY_TYPE[field.type] if field.required else st.just(msgspec.UNSET) | optional
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
