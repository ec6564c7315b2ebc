"""JSON Web Tokens of issuers that an operator trusts: read strictly, verified, judged by the clock (RFC 7519, RFC 8725). Pure.

A token says who signed it, and nothing that it says is believed before its signature holds: neither by which algorithm, nor
with which key. Keys come from the issuer that the operator named, never from the token (``jwk``, ``jku``, ``x5u``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from doorward.authentication.issuer_keys import KEY_OF_ALGORITHM, IssuerKeys
from doorward.authentication.strict_json import NotStrict, read_object
from doorward.errors import AuthenticationFailed

# Tokens of GitHub, GitLab and Kubernetes have one to three thousand bytes.
MOST_TOKEN_BYTES = 8_192
MOST_HEADER_BYTES = 2_048
MOST_TEXT = 1_024  # of an issuer, a subject, an audience, a token's id
MOST_AUDIENCES = 32
MOST_LEEWAY_SECONDS = 300
_MOST_SECONDS = 1 << 40  # a date 30,000 years from now is a mistake

ANY_TYPE = frozenset({"", "jwt", "at+jwt"})


class Flaw(Enum):
    """Why a token is refused, in a word for the log."""

    UNREADABLE = "the token can't be read"
    TOO_LARGE = "the token is too large"
    ALGORITHM = "the token's algorithm is not one that is taken"
    CRITICAL = "the token asks for an extension that is not known"
    KIND = "the token is of another kind"
    ISSUER = "the token is of another issuer"
    UNKNOWN_KEY = "the token names a key that its issuer does not publish"
    FORGED = "the token's signature does not hold"
    AUDIENCE = "the token is for somebody else"
    EXPIRED = "the token has expired"
    NOT_YET = "the token is not good yet"
    TOO_LONG = "the token is good for too long"
    INCOMPLETE = "the token lacks something that it must say"
    REPLAYED = "the token was used before"


# Flaws of tokens whose signature holds: whoever shows one may be told, since its issuer vouches for it.
TOLD = frozenset({
    Flaw.AUDIENCE, Flaw.EXPIRED, Flaw.NOT_YET, Flaw.TOO_LONG, Flaw.INCOMPLETE, Flaw.KIND, Flaw.REPLAYED
})  # fmt: skip


class TokenRefused(AuthenticationFailed):
    """The token proves nothing. *flaw* says why; the message does only where it helps no forger."""

    code = "token-refused"

    def __init__(self, flaw: Flaw, detail: str = "") -> None:
        told = f": {flaw.value}" if flaw in TOLD else ""
        super().__init__(
            f"The token is not accepted{told}.",
            "Get a fresh one from its issuer, for the audience that Doorward is configured with.",
            reason=f"{flaw.value}{f' ({detail})' if detail else ''}",
        )
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must be. *audiences*: one of them must be among the token's.

    *longest_seconds* is how long it may be good in all: a token that lives for a year is a password. *types* are values of the
    header ``typ`` in lower case, without ``application/``; *required* are claims that must be there beside ``exp``.
    """

    issuer: str
    audiences: frozenset[str]
    algorithms: frozenset[str] = frozenset(KEY_OF_ALGORITHM)
    leeway_seconds: int = 60
    longest_seconds: int = 86_400
    types: frozenset[str] = ANY_TYPE
    required: tuple[str, ...] = ("sub",)


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a good token says. *digest* names it in the record and can't be turned back into it."""

    issuer: str
    subject: str
    token_id: str
    issued_s: int
    expires_s: int
    claims: Mapping[str, Any]
    digest: str


def looks_like_token(text: str) -> bool:
    """Whether *text* has the shape of a signed token: three parts, the first an object."""
    return text.startswith("eyJ") and text.count(".") == 2


def issuer_of(token: str) -> str:
    """Whose the token claims to be: only to choose by whose keys to verify it. Raises TokenRefused."""
    return _text(_Parts(token).claims(), "iss")


def key_id_of(token: str) -> str | None:
    """Which key the token claims to be signed with, if it says so. Raises TokenRefused."""
    return _key_id(_Parts(token).header())


def verify(token: str, keys: IssuerKeys, expected: Expected, now_s: float) -> VerifiedToken:
    """What *token* says, if it is as *expected*, signed with one of *keys* and good now. Raises TokenRefused."""
    parts = _Parts(token)
    header = parts.header()
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in expected.algorithms or algorithm not in KEY_OF_ALGORITHM:
        raise TokenRefused(Flaw.ALGORITHM)
    if "crit" in header or "b64" in header:
        raise TokenRefused(Flaw.CRITICAL)
    key = keys.find(_key_id(header), algorithm)
    if key is None:
        raise TokenRefused(Flaw.UNKNOWN_KEY)
    if not key.verifies(algorithm, parts.signed, parts.signature()):
        raise TokenRefused(Flaw.FORGED)
    kind = header.get("typ", "")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in expected.types:
        raise TokenRefused(Flaw.KIND)
    return _judged(parts.claims(), expected, now_s, token)


def _judged(claims: dict[str, Any], expected: Expected, now_s: float, token: str) -> VerifiedToken:
    if _text(claims, "iss") != expected.issuer:
        raise TokenRefused(Flaw.ISSUER)
    if expected.audiences.isdisjoint(_audiences(claims)):
        raise TokenRefused(Flaw.AUDIENCE)
    missing = [name for name in expected.required if claims.get(name) in (None, "", [], {})]
    if missing:
        raise TokenRefused(Flaw.INCOMPLETE, ", ".join(missing))
    leeway = min(max(expected.leeway_seconds, 0), MOST_LEEWAY_SECONDS)
    expires = _date(claims, "exp")
    if expires is None:
        raise TokenRefused(Flaw.INCOMPLETE, "exp")
    if now_s >= expires + leeway:
        raise TokenRefused(Flaw.EXPIRED)
    issued, begins = _date(claims, "iat"), _date(claims, "nbf")
    if any(date is not None and now_s < date - leeway for date in (issued, begins)):
        raise TokenRefused(Flaw.NOT_YET)
    born = issued if issued is not None else begins if begins is not None else now_s
    if expires - born > expected.longest_seconds:
        raise TokenRefused(Flaw.TOO_LONG)
    return VerifiedToken(
        issuer=expected.issuer,
        subject=_text(claims, "sub"),
        token_id=_text(claims, "jti"),
        issued_s=int(born),
        expires_s=int(expires),
        claims=claims,
        digest=hashlib.sha256(token.encode()).hexdigest()[:24],
    )


class _Parts:
    """A token taken apart. Nothing in it is believed yet."""

    def __init__(self, token: str) -> None:
        if len(token) > MOST_TOKEN_BYTES:
            raise TokenRefused(Flaw.TOO_LARGE)
        matched = _COMPACT.fullmatch(token)
        if matched is None:
            raise TokenRefused(Flaw.UNREADABLE)
        self._header, self._payload, self._signature = matched["header"], matched["payload"], matched["signature"]
        self.signed = f"{self._header}.{self._payload}".encode()

    def header(self) -> dict[str, Any]:
        return _object(self._header, MOST_HEADER_BYTES)

    def claims(self) -> dict[str, Any]:
        return _object(self._payload, MOST_TOKEN_BYTES)

    def signature(self) -> bytes:
        return _bytes(self._signature)


_PART = "[A-Za-z0-9_-]+"
_COMPACT = re.compile(rf"(?P<header>{_PART})\.(?P<payload>{_PART})\.(?P<signature>{_PART})")


def _bytes(part: str) -> bytes:
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TokenRefused(Flaw.UNREADABLE) from None
    # One token, one spelling: bits that nobody reads must be zero, or a used token could be spelled anew.
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise TokenRefused(Flaw.UNREADABLE)
    return decoded


def _object(part: str, most_bytes: int) -> dict[str, Any]:
    try:
        return read_object(_bytes(part), most_bytes)
    except NotStrict as error:
        raise TokenRefused(Flaw.UNREADABLE, str(error)) from None


def _key_id(header: Mapping[str, Any]) -> str | None:
    key_id = header.get("kid")
    if key_id is not None and (not isinstance(key_id, str) or len(key_id) > MOST_TEXT):
        raise TokenRefused(Flaw.UNREADABLE, "kid")
    return key_id


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str) or len(value) > MOST_TEXT:
        raise TokenRefused(Flaw.UNREADABLE, name)
    return value


def _audiences(claims: Mapping[str, Any]) -> frozenset[str]:
    given = claims.get("aud", [])
    named = [given] if isinstance(given, str) else given
    if not isinstance(named, list) or len(named) > MOST_AUDIENCES or not all(isinstance(one, str) for one in named):
        raise TokenRefused(Flaw.UNREADABLE, "aud")
    return frozenset(named)


def _date(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate, in seconds since the epoch."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MOST_SECONDS:
        raise TokenRefused(Flaw.UNREADABLE, name)
    return value
