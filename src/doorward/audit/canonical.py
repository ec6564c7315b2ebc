"""Canonical bytes of entries (RFC 8785): made, and checked when they come from elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any, get_args

import msgspec
import rfc8785

from doorward.model.entry import ENTRY_KINDS, Administered, Entry, encode_entry

# A bundle's length prefix is 16 bits wide; the rest is room for what a later field may need.
MAX_ENTRY_BYTES = 60_000
# RFC 8785 section 3.2.2.3: whole numbers beyond this lose digits in other people's JSON readers.
MAX_NUMBER = 2**53 - 1


class _Kind(msgspec.Struct):
    kind: str


_NAMES: dict[str, type[msgspec.Struct]] = {
    str(field.default): kind for kind in ENTRY_KINDS for field in msgspec.structs.fields(kind) if field.name == "kind"
}
_decode_kind = msgspec.json.Decoder(_Kind).decode
_DECODERS: dict[str, Callable[[bytes], Any]] = {name: msgspec.json.Decoder(kind).decode for name, kind in _NAMES.items()}


def _numbers_of(kind: type[msgspec.Struct]) -> Callable[[Any], tuple[int, ...]]:
    fields = [field for field in msgspec.structs.fields(kind) if field.type is int or int in get_args(field.type)]
    names = [field.name for field in fields]
    names += names[:1]  # attrgetter gives a tuple only for two names or more
    pick: Callable[[Any], tuple[int, ...]] = attrgetter(*names)
    if all(field.type is int for field in fields):
        return pick
    return lambda entry: tuple(number for number in pick(entry) if isinstance(number, int))


_NUMBERS = {kind: _numbers_of(kind) for kind in ENTRY_KINDS}


def encode(entry: Entry) -> bytes:
    """The canonical bytes of *entry*.

    Raises ValueError for what can't be canonical: lone surrogates, numbers past 2**53 - 1, or over MAX_ENTRY_BYTES.
    """
    numbers = _NUMBERS[type(entry)](entry)
    if max(numbers) > MAX_NUMBER or min(numbers) < -MAX_NUMBER:
        raise ValueError("An entry's numbers must lie within 2**53 - 1 of zero.")
    if type(entry) is Administered and any(ord(letter) > 0xFFFF for key in entry.details for letter in key):
        # RFC 8785 sorts keys by UTF-16 code units, the fast encoder by code points: they differ beyond U+FFFF.
        payload = rfc8785.dumps(msgspec.to_builtins(entry))
    else:
        payload = encode_entry(entry)
    if len(payload) > MAX_ENTRY_BYTES:
        raise ValueError(
            f"An entry of {len(payload)} bytes is over the limit of {MAX_ENTRY_BYTES}; cut its text and attach the whole."
        )
    return payload


def decode(payload: bytes) -> Entry:
    """The entry in *payload*, which must be exactly the canonical bytes of a known kind; else ValueError."""
    try:
        name = _decode_kind(payload).kind
        decoder = _DECODERS.get(name)
        if decoder is None:
            raise ValueError("The entry is of no known kind.")
        entry: Entry = decoder(payload)
    except msgspec.DecodeError as error:
        raise ValueError(f"The entry is not JSON of a known kind: {error}.") from error
    # Encoding again is the whole check: order, spacing, escapes, number forms, unknown and doubled fields.
    if encode(entry) != payload:
        raise ValueError(f"The {name} entry is not in canonical form.")
    return entry


def kind_of(payload: bytes) -> str:
    """The kind an entry's bytes claim, for people; ``unreadable`` when there is none."""
    try:
        return _decode_kind(payload).kind
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "unreadable"
