"""An issuer's keys are read strictly: what is no public key for signatures, or a weak one, is no key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey

from doorward.authentication.issuer_keys import KEY_OF_ALGORITHM, MOST_BYTES, read_jwks
from doorward.errors import ConfigurationInvalid
from tests.authentication.issuing import KINDS
from tests.patience import examples

# The short key among them.
pytestmark = pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")

PUBLIC = {name: make().as_dict(private=False) for name, make in KINDS.items()}
PRIVATE = KINDS["ES256"]().as_dict(private=True)


def document(*entries: Any) -> bytes:
    return json.dumps({"keys": entries}).encode()


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_public_key_is_read(algorithm: str) -> None:
    """And fits its own algorithms alone."""
    (key,) = read_jwks(document({**PUBLIC[algorithm], "kid": "k"})).keys
    assert [name for name in KEY_OF_ALGORITHM if key.fits(name)] == [
        name for name, kind in KEY_OF_ALGORITHM.items() if kind == (key.kind, key.curve)
    ]


def test_a_key_may_be_bound_to_one_algorithm() -> None:
    """By its ``alg``."""
    (key,) = read_jwks(document({**PUBLIC["RS256"], "alg": "RS512"})).keys
    assert [name for name in KEY_OF_ALGORITHM if key.fits(name)] == ["RS512"]


USELESS: dict[str, Any] = {
    "a shared secret": OctKey.generate_key(256).as_dict(private=True),
    "a private key": PRIVATE,
    "for encryption": {**PUBLIC["ES256"], "use": "enc"},
    "to sign alone": {**PUBLIC["ES256"], "key_ops": ["sign"]},
    "operations as text": {**PUBLIC["ES256"], "key_ops": "verify"},
    "an algorithm that does not fit": {**PUBLIC["ES256"], "alg": "RS256"},
    "an algorithm that is none": {**PUBLIC["ES256"], "alg": "none"},
    "another curve": ECKey.generate_key("secp256k1").as_dict(private=False),
    "a short RSA key": {"kty": "RSA", "e": "AQAB", "n": PUBLIC["RS256"]["n"][:171]},
    "a point off the curve": {**PUBLIC["ES256"], "x": PUBLIC["ES256"]["y"]},
    "a number as id": {**PUBLIC["ES256"], "kid": 7},
    "no type": {},
    "no parts": {"kty": "RSA", "n": 7, "e": 3},
    "no object": 7,
}


@pytest.mark.parametrize("what", USELESS)
def test_what_is_no_key_for_signatures_is_left_out(what: str) -> None:
    """Beside a good one, and alone, which leaves nothing."""
    assert len(read_jwks(document(USELESS[what], PUBLIC["Ed25519"])).keys) == 1
    with pytest.raises(ConfigurationInvalid):
        read_jwks(document(USELESS[what]))


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"keys":{}}', b'{"keys":[' + b"{}," * 100 + b"{}]}", b" " * (MOST_BYTES + 1)], ids=range(6)
)
def test_what_is_no_key_set_is_refused(text: bytes) -> None:
    """Nothing is taken over then."""
    with pytest.raises(ConfigurationInvalid):
        read_jwks(text)


@examples(100, 10_000)
@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(text: bytes) -> None:
    """A provider may answer anything."""
    with pytest.raises(ConfigurationInvalid):
        read_jwks(text)
