"""The public keys of an issuer of tokens, as it publishes them (JWK Set, RFC 7517). Read strictly; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from doorward.authentication.strict_json import NotStrict, read_object
from doorward.errors import ConfigurationInvalid

# Algorithm -> the type and curve of the keys that it is used with. No other is taken: neither "none", nor one with a shared
# secret, for which somebody could pass off a public key (RFC 8725, sections 2.1 and 3.1).
KEY_OF_ALGORITHM: Mapping[str, tuple[str, str]] = {
    "RS256": ("RSA", ""), "RS384": ("RSA", ""), "RS512": ("RSA", ""),
    "PS256": ("RSA", ""), "PS384": ("RSA", ""), "PS512": ("RSA", ""),
    "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"), "ES512": ("EC", "P-521"),
    "Ed25519": ("OKP", "Ed25519"), "EdDSA": ("OKP", "Ed25519"),
}  # fmt: skip

MOST_BYTES = 256 * 1024
MOST_KEYS = 100
# What RFC 7518 asks for (section 3.3); and above 8,192 verifying takes so long that a key would be a weapon.
LEAST_RSA_BITS, MOST_RSA_BITS = 2_048, 8_192

_TYPES: Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
# What a public key consists of, by its type: nothing else of an entry is handed on.
_PARTS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """One public key. *algorithm* is the only one that it may be used with, empty for any that fits its type."""

    id: str
    kind: str
    curve: str
    algorithm: str
    key: Any

    def fits(self, algorithm: str) -> bool:
        """Whether signatures by *algorithm* may be checked with it."""
        return (self.kind, self.curve) == KEY_OF_ALGORITHM.get(algorithm) and self.algorithm in ("", algorithm)

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether *signature* is this key's, of *signed*."""
        if not self.fits(algorithm):
            return False
        try:
            return bool(jws.JWSRegistry.algorithms[algorithm].verify(signed, signature, self.key))
        except (JoseError, ValueError, OverflowError):
            return False


@dataclass(frozen=True, slots=True)
class IssuerKeys:
    """All keys that an issuer signs with now."""

    keys: tuple[IssuerKey, ...] = ()

    def find(self, key_id: str | None, algorithm: str) -> IssuerKey | None:
        """The one key that a token with this header is signed with; None when none fits, or more than one does.

        A token that names no key is taken from an issuer with a single one that fits.
        """
        fitting = [key for key in self.keys if key.fits(algorithm) and key_id in (None, key.id)]
        return fitting[0] if len(fitting) == 1 else None


def read_jwks(document: bytes) -> IssuerKeys:
    """The keys of a JWK Set that signatures are checked with; what is of no use for that, or unsafe, is left out.

    Raises ConfigurationInvalid for a text that is no JWK Set, or has no such key.
    """
    try:
        entries = read_object(document, MOST_BYTES).get("keys")
    except NotStrict as error:
        raise ConfigurationInvalid(
            f"The issuer's keys can't be read: {error}.", "It must serve a JWK Set (RFC 7517)."
        ) from None
    if not isinstance(entries, list) or len(entries) > MOST_KEYS:
        raise ConfigurationInvalid("The issuer's keys are no JWK Set, or too many.", f"At most {MOST_KEYS} keys are read.")
    keys = tuple(key for entry in entries if isinstance(entry, dict) and (key := _key(entry)) is not None)
    if not keys:
        raise ConfigurationInvalid(
            "The issuer publishes no key that tokens can be verified with.",
            f"Known are public keys for {', '.join(KEY_OF_ALGORITHM)}, RSA of {LEAST_RSA_BITS} bits or more.",
        )
    return IssuerKeys(keys)


def _key(entry: Mapping[str, Any]) -> IssuerKey | None:
    kind, key_id, algorithm = entry.get("kty"), entry.get("kid", ""), entry.get("alg", "")
    if not isinstance(kind, str) or not isinstance(key_id, str) or not isinstance(algorithm, str):
        return None
    if kind not in _TYPES or entry.get("use", "sig") != "sig":
        return None
    # Whoever publishes a private key has lost it.
    if not _PRIVATE.isdisjoint(entry) or not _holds(entry.get("key_ops", ["verify"]), "verify"):
        return None
    parts = {name: entry.get(name) for name in _PARTS[kind]}
    if not all(isinstance(part, str) for part in parts.values()):
        return None
    try:
        key = _TYPES[kind].import_key({"kty": kind, **parts})  # type: ignore[dict-item]
        public: Any = key.get_op_key("verify")
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if kind == "RSA" and not (LEAST_RSA_BITS <= public.key_size <= MOST_RSA_BITS and public.public_numbers().e >= 65_537):
        return None
    found = IssuerKey(key_id, kind, "" if kind == "RSA" else str(parts["crv"]), algorithm, key)
    return found if any(found.fits(known) for known in KEY_OF_ALGORITHM) else None


def _holds(operations: object, wanted: str) -> bool:
    return isinstance(operations, Sequence) and not isinstance(operations, str) and wanted in operations
