"""Tokens that say who acts for whom: what is signed comes back, and nothing else gets through."""

from __future__ import annotations

import base64
import hmac
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey

from doorward.authentication.delegation import MOST_SECONDS, TYPE, Delegation, DelegationKey, actors_of, check_chain
from doorward.authentication.issuer_keys import read_jwks
from doorward.authentication.tokens import TokenRefused
from doorward.errors import AuthenticationFailed

ISSUER = "http://127.0.0.1:8765"
NOW = int(time.time())
KEY = DelegationKey()
GOOD = Delegation("alice", ("report-bot",), frozenset({"read"}), "shop", "dlg_1", NOW + 600)
AUDIENCES = frozenset({"shop"})


def read(token: str, now_s: float = NOW) -> Delegation:
    return KEY.read(token, ISSUER, AUDIENCES, now_s)


def claims(**changes: Any) -> dict[str, Any]:
    given_claims: dict[str, Any] = {
        "iss": ISSUER, "sub": "alice", "aud": "shop", "iat": NOW, "exp": NOW + 600, "jti": "dlg_1", "scope": "read",
        "act": {"sub": "report-bot"},
    }  # fmt: skip
    given_claims |= changes
    return {name: value for name, value in given_claims.items() if value is not None}


def signed(changed: dict[str, Any], **header: Any) -> str:
    """A token of our own key that says something else."""
    return jwt.encode({"alg": "ES256", "typ": TYPE, **header}, changed, KEY._key, algorithms=["ES256"])


def test_what_is_signed_comes_back() -> None:
    assert read(KEY.sign(ISSUER, GOOD, NOW)) == GOOD
    assert read(signed(claims())) == GOOD
    assert len(read_jwks(json.dumps(KEY.jwks()).encode()).keys) == 1
    assert "d" not in KEY.jwks()["keys"][0]


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "http://elsewhere"},
        {"aud": "other"},
        {"exp": NOW - 1},
        {"exp": NOW + MOST_SECONDS + 1},
        {"iat": NOW + 60},
        {"act": None},
        {"act": {"sub": "alice"}},  # nobody acts for themselves
        {"act": {"sub": "report-bot", "act": {"sub": "other-bot"}}},  # an agent of an agent
        {"act": {"sub": "report-bot", "act": {"sub": "report-bot"}}},
        {"act": "report-bot"},
        {"act": {"sub": 5}},
        {"act": {}},
        {"scope": "read unmask"},
        {"scope": None},
        {"scope": 7},
        {"jti": None},
        {"sub": None},
    ],
    ids="-".join,  # not by their values: processes side by side must agree on names, and the time is none
)
def test_a_token_of_ours_that_says_something_else_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationFailed):
        read(signed(claims(**changed)))


def test_a_token_of_another_kind_is_refused() -> None:
    with pytest.raises(TokenRefused):
        read(signed(claims(), typ="JWT"))


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(TokenRefused):
        read(DelegationKey().sign(ISSUER, GOOD, NOW))
    other = ECKey.generate_key("P-256")
    with pytest.raises(TokenRefused):
        read(jwt.encode({"alg": "ES256", "typ": TYPE, "kid": KEY._id}, claims(), other, algorithms=["ES256"]))


def test_a_token_without_signature_or_with_a_shared_secret_is_refused() -> None:
    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()

    for signature in ("", "AA"):
        with pytest.raises(TokenRefused):
            read(f"{part({'alg': 'none', 'typ': TYPE})}.{part(claims())}.{signature}")
    # The public key, which everybody knows, as the secret of a digest (RFC 8725, section 2.1).
    body = f"{part({'alg': 'HS256', 'typ': TYPE, 'kid': KEY._id})}.{part(claims())}"
    digest = hmac.digest(KEY._key.as_pem(private=False), body.encode(), "sha256")
    with pytest.raises(TokenRefused):
        read(f"{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}")


@given(st.integers(0, 2_000), st.binary(min_size=1, max_size=1))
def test_no_byte_of_a_token_can_be_changed(position: int, byte: bytes) -> None:
    token = KEY.sign(ISSUER, GOOD, NOW)
    at = position % len(token)
    changed = token[:at] + byte.decode("latin-1") + token[at + 1 :]
    if changed != token:
        with pytest.raises(AuthenticationFailed):
            read(changed)


def test_a_chain_is_of_people_and_one_agent() -> None:
    check_chain("alice", ("report-bot",))
    for actors in (("alice",), ("report-bot", "report-bot"), ("report-bot", "other-bot")):
        with pytest.raises(AuthenticationFailed):
            check_chain("alice", actors)
    assert actors_of({"act": {"sub": "outer", "act": {"sub": "inner"}}}) == ("inner", "outer")
    deep: dict[str, Any] = {"sub": "x"}
    for _ in range(50):
        deep = {"sub": "x", "act": deep}
    with pytest.raises(TokenRefused):
        actors_of({"act": deep})


def test_a_token_lives_for_minutes() -> None:
    token = KEY.sign(ISSUER, replace(GOOD, expires_s=NOW + 300), NOW)
    assert read(token, NOW + 299.9)
    with pytest.raises(TokenRefused):
        read(token, NOW + 300)
