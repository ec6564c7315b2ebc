"""Personal values in entries: sealed with a public key of the day by who writes, read with the private one by who may.

A gateway has the public half alone: who takes it over can't read what was sealed before its present context. Entries stay as
they are when a day's key is destroyed, and prove what they proved before; what was sealed can't be read by anybody then.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from doorward.audit import hpke
from doorward.audit.canonical import kind_of
from doorward.model.entry import Sealed, StatementIntent, StatementOutcome
from doorward.model.sealing import DayKey, SealingKey

# How far back a gateway's memory reaches: what was sealed in an earlier context can't be opened with what is in it now.
RENEW_US = 600_000_000
_SEQUENCE_BYTES = 8
_HEAD_BYTES = hpke.ENCAPSULATED_BYTES + _SEQUENCE_BYTES
_DIGEST_BYTES = 16
_MOST_CONTEXTS = 1_000
# Quotes inside values are escaped: these bytes are nowhere but at the keys themselves.
_MARK = b'"sealed'

_b64 = binascii.b2a_base64
_decode_parameters = msgspec.json.Decoder(tuple[str, ...]).decode
_READERS: dict[str, Callable[[bytes], Any]] = {
    "statement.intent": msgspec.json.Decoder(StatementIntent).decode,
    "statement.outcome": msgspec.json.Decoder(StatementOutcome).decode,
}
_encode = msgspec.json.Encoder(order="sorted").encode


def _purpose(key_id: str) -> bytes:
    return b"doorward log " + key_id.encode()


class Sealer:
    """Seals texts for the holder of one day's private key. *epoch* is another object after each renewal."""

    __slots__ = ("_context", "_digest", "_key", "_sequence", "epoch", "until_us")

    def __init__(self, key: SealingKey, now_us: int) -> None:
        self._key = key
        self._digest = blake2b(key=key.salt, digest_size=_DIGEST_BYTES)
        self.renew(now_us)

    @property
    def key_id(self) -> str:
        """Whose private half opens what is sealed."""
        return self._key.id

    def renew(self, now_us: int) -> None:
        """Go on with another context, and forget the one before."""
        self._context = hpke.sender(self._key.public, _purpose(self._key.id))
        self._sequence = 0
        self.epoch = object()
        self.until_us = now_us + RENEW_US

    def box(self, plain: bytes) -> bytes:
        """*plain*, sealed: the encapsulated key, a sequence number in eight bytes, the ciphertext."""
        sequence = self._sequence
        self._sequence = sequence + 1
        context = self._context
        return context.encapsulated + sequence.to_bytes(_SEQUENCE_BYTES, "big") + context.seal(sequence, plain)

    def digest(self, plain: bytes) -> str:
        """What equal texts of one day have in common."""
        keyed = self._digest.copy()
        keyed.update(plain)
        return keyed.hexdigest()

    def seal(self, plain: bytes) -> Sealed:
        """*plain* as an entry keeps it."""
        return Sealed(_b64(self.box(plain), newline=False).decode(), self.digest(plain), self._key.id)

    def json(self, plain: bytes) -> bytes:
        """The same, as canonical JSON: neither base64 nor hexadecimal digits nor a key's id need escapes."""
        box = _b64(self.box(plain), newline=False)
        return b'{"box":"%b","digest":"%b","key":"%b"}' % (box, self.digest(plain).encode(), self._key.id.encode())


class Opener:
    """Opens what was sealed. *day_key* finds a day's key by its id, None when it was destroyed or is not at hand."""

    def __init__(self, day_key: Callable[[str], DayKey | None]) -> None:
        self._day_key = day_key
        self._contexts: dict[tuple[str, bytes], hpke.Context] = {}

    def readable(self, entry: bytes) -> bytes:
        """*entry* with the texts as they were sent in place of what is sealed. What can't be opened is left as it is.

        The result is for reading: it is not what was hashed and signed.
        """
        if _MARK not in entry:
            return entry
        reader = _READERS.get(kind_of(entry))
        return _encode(self.opened(reader(entry))) if reader else entry

    def opened(self, entry: Any) -> Any:
        """The same for an entry that was decoded."""
        if isinstance(entry, StatementIntent):
            statement = self._text(entry.sealed)
            if statement is not None:
                entry = msgspec.structs.replace(entry, statement=statement, sealed=UNSET)
            parameters = self._text(entry.sealed_parameters)
            if parameters is not None:
                entry = msgspec.structs.replace(
                    entry, parameters=_decode_parameters(parameters.encode()), sealed_parameters=UNSET
                )
        elif isinstance(entry, StatementOutcome):
            error = self._text(entry.sealed_error)
            if error is not None:
                entry = msgspec.structs.replace(entry, error=error, sealed_error=UNSET)
        return entry

    def open_box(self, box: bytes, key_id: str) -> bytes | None:
        """What a box holds; None without its key. Raises ValueError when it is no box of that key."""
        context = self._context(key_id, box[: hpke.ENCAPSULATED_BYTES])
        if context is None:
            return None
        return context.open(int.from_bytes(box[hpke.ENCAPSULATED_BYTES : _HEAD_BYTES], "big"), box[_HEAD_BYTES:])

    def _text(self, sealed: Sealed | UnsetType) -> str | None:
        if isinstance(sealed, UnsetType):
            return None
        try:
            plain = self.open_box(b64decode(sealed.box, validate=True), sealed.key)
            return None if plain is None else plain.decode()
        except ValueError:
            return None  # altered: whether it was is for verification to say

    def _context(self, key_id: str, encapsulated: bytes) -> hpke.Context | None:
        key = self._day_key(key_id)
        if key is None:
            return None  # also of one that was destroyed a moment ago
        known = self._contexts.get((key_id, encapsulated))
        if known is None:
            if len(self._contexts) >= _MOST_CONTEXTS:
                self._contexts.clear()
            known = self._contexts[key_id, encapsulated] = hpke.recipient(key.private, encapsulated, _purpose(key_id))
        return known


def as_it_is(entry: bytes) -> bytes:
    """In place of ``Opener.readable`` for whoever has no keys."""
    return entry
