"""Encryption to a public key, held against another implementation of the same RFC."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st

from doorward.audit import hpke

THEIRS = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
PRIVATE, PUBLIC = hpke.new_key_pair()


@given(st.binary(max_size=100), st.binary(max_size=40))
def test_the_first_message_is_the_one_shot_form_of_the_rfc(plain: bytes, info: bytes) -> None:
    """What we seal they open, and the other way round."""
    context = hpke.sender(PUBLIC, info)
    sealed = context.encapsulated + context.seal(0, plain)
    assert THEIRS.decrypt(sealed, X25519PrivateKey.from_private_bytes(PRIVATE), info) == plain
    theirs = THEIRS.encrypt(plain, X25519PublicKey.from_public_bytes(PUBLIC), info)
    assert hpke.recipient(PRIVATE, theirs[:32], info).open(0, theirs[32:]) == plain


@given(st.binary(max_size=50), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.binary(max_size=4))
def test_a_message_opens_as_itself_alone(plain: bytes, number: int, other: int, info: bytes) -> None:
    """Under another number, purpose or key, or with any bit changed, it does not."""
    context = hpke.sender(PUBLIC, info)
    sealed = context.seal(number, plain)
    opened = hpke.recipient(PRIVATE, context.encapsulated, info)
    assert opened.open(number, sealed) == plain
    if other != number:
        with pytest.raises(ValueError, match="does not open"):
            opened.open(other, sealed)
    with pytest.raises(ValueError, match="does not open"):
        hpke.recipient(PRIVATE, context.encapsulated, info + b"x").open(number, sealed)
    with pytest.raises(ValueError, match="does not open"):
        hpke.recipient(hpke.new_key_pair()[0], context.encapsulated, info).open(number, sealed)
    with pytest.raises(ValueError, match="does not open"):
        opened.open(number, bytes([sealed[0] ^ 1]) + sealed[1:])


def test_what_is_no_public_key_is_refused() -> None:
    """Too short, or one that every private key agrees with on the same secret."""
    for encapsulated in (b"", b"x" * 31, bytes(32)):
        with pytest.raises(ValueError, match=r".*"):
            hpke.recipient(PRIVATE, encapsulated, b"")
