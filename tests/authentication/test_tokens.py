"""No token is believed but a good one: of the right issuer, by its key, for us, now."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.authentication.issuer_keys import read_jwks
from doorward.authentication.tokens import (
    MOST_TOKEN_BYTES,
    Expected,
    Flaw,
    TokenRefused,
    VerifiedToken,
    issuer_of,
    key_id_of,
    looks_like_token,
    verify,
)
from tests.authentication.issuing import KINDS, Issuer, encoded
from tests.patience import examples

NOW = 1_800_000_000.0
ISSUERS = {algorithm: Issuer(algorithm=algorithm) for algorithm in KINDS}
ISSUER = ISSUERS["ES256"]
KEYS = read_jwks(ISSUER.jwks())
EXPECTED = Expected(ISSUER.address, frozenset({"doorward"}))


def good(**changed: Any) -> dict[str, Any]:
    return ISSUER.claims(NOW, **changed)


def flaw_of(token: str, expected: Expected = EXPECTED, now: float = NOW) -> Flaw | None:
    """Why *token* is refused; None when it is not."""
    try:
        verify(token, KEYS, expected, now)
    except TokenRefused as refused:
        return refused.flaw
    return None


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_good_token_tells_who_it_is(algorithm: str) -> None:
    """With each kind of key that issuers use."""
    issuer = ISSUERS[algorithm]
    token = issuer.token(issuer.claims(NOW, jti="t1"))
    verified = verify(token, read_jwks(issuer.jwks()), EXPECTED, NOW)
    assert isinstance(verified, VerifiedToken)
    assert (verified.subject, verified.token_id, verified.expires_s) == ("repo:acme/shop", "t1", int(NOW) + 300)
    assert verified.digest == hashlib.sha256(token.encode()).hexdigest()[:24]
    assert looks_like_token(token)
    assert (issuer_of(token), key_id_of(token)) == (issuer.address, "first")


@pytest.mark.parametrize(
    ("changed", "flaw"),
    [
        ({"exp": NOW - 61}, Flaw.EXPIRED),
        ({"exp": None}, Flaw.INCOMPLETE),
        ({"sub": None}, Flaw.INCOMPLETE),
        ({"sub": ""}, Flaw.INCOMPLETE),
        ({"nbf": NOW + 61}, Flaw.NOT_YET),
        ({"iat": NOW + 61}, Flaw.NOT_YET),
        ({"exp": NOW + 90_000}, Flaw.TOO_LONG),
        ({"iat": None, "exp": NOW + 90_000}, Flaw.TOO_LONG),
        ({"aud": "somebody-else"}, Flaw.AUDIENCE),
        ({"aud": ["a", "b"]}, Flaw.AUDIENCE),
        ({"aud": None}, Flaw.AUDIENCE),
        ({"aud": "doorward "}, Flaw.AUDIENCE),
        ({"iss": "https://other.example"}, Flaw.ISSUER),
        ({"iss": ISSUER.address + "/"}, Flaw.ISSUER),
        ({"iss": None}, Flaw.ISSUER),
        ({"iss": 7}, Flaw.UNREADABLE),
        ({"aud": {"doorward": 1}}, Flaw.UNREADABLE),
        ({"aud": ["doorward", 7]}, Flaw.UNREADABLE),
        ({"aud": ["doorward"] * 33}, Flaw.UNREADABLE),
        ({"exp": "9999999999"}, Flaw.UNREADABLE),
        ({"exp": True}, Flaw.UNREADABLE),
        ({"exp": 1e300}, Flaw.UNREADABLE),
        ({"exp": -1}, Flaw.UNREADABLE),
        ({"iat": []}, Flaw.UNREADABLE),
        ({"sub": "x" * 1_025}, Flaw.UNREADABLE),
    ],
    ids=str,
)
def test_a_token_that_says_the_wrong_thing_is_refused(changed: dict[str, Any], flaw: Flaw) -> None:
    """Its signature holds: what it says is judged all the same."""
    assert flaw_of(ISSUER.token(good(**changed))) is flaw


@pytest.mark.parametrize(
    ("changed", "now"),
    [({"exp": NOW - 59}, NOW), ({"nbf": NOW + 59}, NOW), ({"iat": NOW + 59}, NOW), ({"aud": ["x", "doorward"]}, NOW)],
    ids=str,
)
def test_clocks_may_differ_by_a_minute(changed: dict[str, Any], now: float) -> None:
    """And an audience may be one of several."""
    assert flaw_of(ISSUER.token(good(**changed)), now=now) is None


def test_no_setting_makes_the_skew_unbounded() -> None:
    """An operator's typing error must not revive last year's tokens."""
    generous = Expected(ISSUER.address, frozenset({"doorward"}), leeway_seconds=10**9)
    assert flaw_of(ISSUER.token(good(exp=NOW - 301)), generous) is Flaw.EXPIRED


def test_alg_none_is_refused() -> None:
    """With and without a signature, in any spelling (RFC 8725, section 3.1)."""
    for word in ("none", "None", "NONE", "nOnE", ""):
        header = encoded({"alg": word, "typ": "JWT"})
        assert flaw_of(f"{header}.{encoded(good())}.{encoded(b'x')}") is Flaw.ALGORITHM
        assert flaw_of(f"{header}.{encoded(good())}.") is Flaw.UNREADABLE
        assert flaw_of(ISSUER.token(good(), alg=word)) is Flaw.ALGORITHM


@pytest.mark.parametrize("word", ["HS256", "HS512", "RS1", "dir", "A128KW", None, 7, ["ES256"], {"x": 1}], ids=str)
def test_other_algorithms_are_refused(word: object) -> None:
    """What is not on the list, or no text."""
    header = encoded({"alg": word, "kid": "first"})
    assert flaw_of(ISSUER.signed(header, good(), "first")) is Flaw.ALGORITHM


def test_a_public_key_is_nobodys_secret() -> None:
    """Key confusion: a token whose HMAC is made with the issuer's public key, in each form that a library may have it."""
    public = ISSUER.keys["first"]
    forms = [
        ISSUER.jwks(),
        public.as_pem(private=False),
        public.as_der(private=False),
        json.dumps(public.as_dict(private=False)).encode(),
    ]
    for secret in forms:
        text = f"{encoded({'alg': 'HS256', 'kid': 'first', 'typ': 'JWT'})}.{encoded(good())}"
        forged = f"{text}.{encoded(hmac.digest(secret, text.encode(), 'sha256'))}"
        assert flaw_of(forged) is Flaw.ALGORITHM
        lying = f"{encoded({'alg': 'ES256', 'kid': 'first', 'typ': 'JWT'})}.{encoded(good())}"
        assert flaw_of(f"{lying}.{encoded(hmac.digest(secret, lying.encode(), 'sha512'))}") is Flaw.FORGED


@pytest.mark.parametrize("other", [name for name in KINDS if name != "ES256"])
def test_a_key_is_used_with_its_own_algorithm_alone(other: str) -> None:
    """Another issuer's key with the id of ours, and ours with another algorithm."""
    stranger = ISSUERS[other]
    token = stranger.token(stranger.claims(NOW))
    assert flaw_of(token) is Flaw.UNKNOWN_KEY
    assert flaw_of(ISSUER.token(good(), alg=other)) is Flaw.UNKNOWN_KEY


def test_a_key_in_the_token_is_not_believed() -> None:
    """Nor an address to fetch it from (RFC 8725, section 3.10)."""
    stranger = Issuer()
    key = stranger.keys["first"].as_dict(private=False)
    assert flaw_of(stranger.token(good(), jwk=key)) is Flaw.FORGED
    assert flaw_of(stranger.token(good(), jku="https://stranger.example/jwks", x5u="https://stranger.example/x")) is Flaw.FORGED


def test_an_unknown_key_is_said_to_be_one() -> None:
    """So that its issuer may be asked once more."""
    assert flaw_of(ISSUER.token(good(), kid="second")) is Flaw.UNKNOWN_KEY
    assert flaw_of(ISSUER.token(good(), kid=7)) is Flaw.UNREADABLE
    assert flaw_of(ISSUER.token(good(), kid=None)) is None  # there is a single one


def test_without_a_name_no_key_is_guessed_among_several() -> None:
    """A token without a key's id, from an issuer with two."""
    issuer = Issuer()
    issuer.new_key("second")
    with pytest.raises(TokenRefused) as refused:
        verify(issuer.token(issuer.claims(NOW), kid=None), read_jwks(issuer.jwks()), EXPECTED, NOW)
    assert refused.value.flaw is Flaw.UNKNOWN_KEY


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": True, "crit": ["b64"]}], ids=str)
def test_an_extension_that_must_be_known_is_refused(header: dict[str, Any]) -> None:
    """None is (RFC 7515, section 4.1.11)."""
    assert flaw_of(ISSUER.token(good(), **header)) is Flaw.CRITICAL


def test_a_token_of_another_kind_is_refused() -> None:
    """What an issuer signs for logging out, or for another protocol, is no proof of anything here (RFC 8725, section 3.11)."""
    for kind in ("logout+jwt", "dpop+jwt", 7):
        assert flaw_of(ISSUER.token(good(), typ=kind)) is Flaw.KIND
    for kind in ("JWT", "at+jwt", "application/at+JWT", None):
        assert flaw_of(ISSUER.token(good(), typ=kind)) is None


@pytest.mark.parametrize(
    "text",
    [
        b'{"iss":"a","iss":"https://issuer.example"}',
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b'\xef\xbb\xbf{"iss":"a"}',
        b'{"exp":NaN}',
        b'{"exp":1e999}',
        b'{"a":' * 17 + b"1" + b"}" * 17,
        b"[" * 5_000,
        b'{"n":' + b"9" * 5_000 + b"}",
    ],
    ids=lambda text: str(text[:20]),
)
def test_claims_that_two_readers_might_read_differently_are_refused(text: bytes) -> None:
    """Names that come twice, other encodings, numbers that are none, nesting without end: signed or not."""
    assert flaw_of(ISSUER.token(text)) is Flaw.UNREADABLE


def test_a_token_has_one_spelling() -> None:
    """Bits that nobody reads, padding, white space: a used token can't be spelled anew."""
    token = ISSUER.token(good())
    spelled = token[:-1] + chr(ord(token[-1]) ^ 1)
    for other in (
        token + "=",
        token + "\n",
        " " + token,
        token + ".",
        token.replace(".", ".."),
        token[:-1] + "+",
        "",
        "a.b",
        spelled,
    ):
        assert flaw_of(other) in (Flaw.UNREADABLE, Flaw.FORGED)


def test_a_large_token_is_not_even_read() -> None:
    """Before any work is done on it."""
    assert flaw_of(ISSUER.token(good(x="y" * MOST_TOKEN_BYTES))) is Flaw.TOO_LARGE


def test_the_refusal_says_no_more_than_it_should() -> None:
    """What was wrong with a token whose signature holds may be told; of others nothing but to the log. Never a value."""
    for claims, told in ((good(exp=NOW - 99), True), (good(aud="secret-audience"), True)):
        with pytest.raises(TokenRefused) as refused:
            verify(ISSUER.token(claims), KEYS, EXPECTED, NOW)
        assert (refused.value.flaw.value in str(refused.value)) is told
        assert "secret-audience" not in str(refused.value) + refused.value.reason
    with pytest.raises(TokenRefused) as refused:
        verify(Issuer().token(good()), KEYS, EXPECTED, NOW)
    assert Flaw.FORGED.value not in str(refused.value)
    assert refused.value.reason == Flaw.FORGED.value


TOKEN = ISSUER.token(good(jti="one"))


@examples(400, 20_000)
@given(st.integers(0, len(TOKEN) - 1), st.integers(1, 255))
def test_a_token_changed_anywhere_is_refused(position: int, change: int) -> None:
    """One character, whatever it becomes."""
    mutated = TOKEN[:position] + chr(ord(TOKEN[position]) ^ change) + TOKEN[position + 1 :]
    assert flaw_of(mutated) is not None


@examples(200, 10_000)
@given(st.binary(max_size=64), st.integers(0, 2))
def test_a_part_replaced_by_anything_is_refused(part: bytes, which: int) -> None:
    """Header, claims or signature."""
    parts = TOKEN.split(".")
    if encoded(part) == parts[which]:
        return
    parts[which] = encoded(part)
    assert flaw_of(".".join(parts)) is not None


@examples(200, 10_000)
@given(st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{1,60}\.[A-Za-z0-9_-]{1,60}", fullmatch=True))
def test_nothing_random_is_a_token(text: str) -> None:
    """And nothing but a refusal comes of it."""
    assert flaw_of(text) is not None
    for reads in (issuer_of, key_id_of):
        try:
            reads(text)
        except TokenRefused:
            pass


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@examples(200, 10_000)
@given(st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "x"]), VALUES, max_size=8))
def test_any_signed_claims_are_judged_and_never_crash(claims: dict[str, Any]) -> None:
    """An issuer that signs nonsense; a good answer comes of good claims alone."""
    token = ISSUER.token(claims)
    try:
        verified = verify(token, KEYS, EXPECTED, NOW)
    except TokenRefused:
        return
    assert verified.claims["iss"] == ISSUER.address
    assert verified.expires_s + 60 > NOW


def test_padding_inside_base64_is_refused() -> None:
    """The alphabet is the one for addresses, without padding (RFC 7515, section 2)."""
    header, claims, signature = TOKEN.split(".")
    plain = base64.b64encode(base64.urlsafe_b64decode(signature + "==")).decode()
    assert flaw_of(f"{header}.{claims}.{plain}") is Flaw.UNREADABLE
