"""Hybrid public key encryption (RFC 9180): base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.

Whoever holds the public key can encrypt many messages at the cost of one key agreement, and can't decrypt what others
encrypted. The library at hand has the one-shot form alone, which costs a key agreement a message; a test holds both to the
same bytes.
"""

from __future__ import annotations

import hmac
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ENCAPSULATED_BYTES = 32
_NONCE_BYTES = 12
_KEM = b"KEM\x00\x20"
_SUITE = b"HPKE\x00\x20\x00\x01\x00\x02"


class Context:
    """What sender and recipient share after one key agreement. *encapsulated* travels with every message.

    A sender must never use a *sequence* number twice.
    """

    __slots__ = ("_aead", "_base_nonce", "encapsulated")

    def __init__(self, encapsulated: bytes, shared_secret: bytes, info: bytes) -> None:
        self.encapsulated = encapsulated
        key, nonce = _schedule(shared_secret, info)
        self._aead = AESGCM(key)
        self._base_nonce = int.from_bytes(nonce, "big")

    def seal(self, sequence: int, plain: bytes) -> bytes:
        """The ciphertext of *plain* as message number *sequence* (section 5.2)."""
        return self._aead.encrypt((self._base_nonce ^ sequence).to_bytes(_NONCE_BYTES, "big"), plain, None)

    def open(self, sequence: int, sealed: bytes) -> bytes:
        """The plain text of message number *sequence*; ValueError for anything but what was sealed as that."""
        try:
            return self._aead.decrypt((self._base_nonce ^ sequence).to_bytes(_NONCE_BYTES, "big"), sealed, None)
        except InvalidTag:
            raise ValueError("The sealed text does not open with this key.") from None


def sender(public: bytes, info: bytes) -> Context:
    """A fresh context for messages that the holder of *public*'s private key can open."""
    ephemeral = X25519PrivateKey.generate()
    agreed = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    encapsulated = ephemeral.public_key().public_bytes_raw()
    return Context(encapsulated, _shared_secret(agreed, encapsulated, public), info)


def recipient(private: bytes, encapsulated: bytes, info: bytes) -> Context:
    """The context in which the sender of *encapsulated* sealed; ValueError when that is no public key."""
    mine = X25519PrivateKey.from_private_bytes(private)
    agreed = mine.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    return Context(encapsulated, _shared_secret(agreed, encapsulated, mine.public_key().public_bytes_raw()), info)


def new_key_pair() -> tuple[bytes, bytes]:
    """A fresh private key, and the public key of it."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def public_of(private: bytes) -> bytes:
    """The public key of a private one."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _shared_secret(agreed: bytes, encapsulated: bytes, public: bytes) -> bytes:
    """Section 4.1, ExtractAndExpand."""
    return _expand(_extract(b"", _KEM, b"eae_prk", agreed), _KEM, b"shared_secret", encapsulated + public, 32)


def _schedule(shared_secret: bytes, info: bytes) -> tuple[bytes, bytes]:
    """Section 5.1, KeySchedule in base mode: the key and the base nonce."""
    about = b"\0" + _extract(b"", _SUITE, b"psk_id_hash", b"") + _extract(b"", _SUITE, b"info_hash", info)
    secret = _extract(shared_secret, _SUITE, b"secret", b"")
    return _expand(secret, _SUITE, b"key", about, 32), _expand(secret, _SUITE, b"base_nonce", about, _NONCE_BYTES)


def _extract(salt: bytes, suite: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, sha256)


def _expand(key: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    # One block of RFC 5869's output is enough for all that is asked here.
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, labelled + b"\1", sha256)[:length]
