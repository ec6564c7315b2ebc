"""Tokens of Doorward's own that say who acts for whom (RFC 8693): made and judged. Pure but for the key.

``sub`` is the person or service, ``act`` the agent that holds the token. They live for minutes, are for one audience, and
carry a scope: what they are for, never more than what they were made from.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from doorward.authentication.issuer_keys import IssuerKeys, read_jwks
from doorward.authentication.strict_json import NotStrict, read_object
from doorward.authentication.tokens import MOST_TOKEN_BYTES, Expected, Flaw, TokenRefused, VerifiedToken, verify
from doorward.errors import AuthenticationFailed

ALGORITHM = "ES256"
TYPE = "doorward-delegation+jwt"
LEAST_SECONDS, MOST_SECONDS = 60, 900
# Principal and agent: an agent that acts for an agent has nobody's word for it.
MOST_ACTORS = 1
READ, WRITE = "read", "write"
SCOPES = frozenset({READ, WRITE})


@dataclass(frozen=True, slots=True)
class Delegation:
    """What a token says: *subject* is whom it is about, *actors* act for it, from the nearest on."""

    subject: str
    actors: tuple[str, ...]
    scope: frozenset[str]
    audience: str
    token_id: str
    expires_s: int


class DelegationKey:
    """The key that tokens are signed with. It is made anew with each start and kept nowhere: tokens live for minutes."""

    def __init__(self) -> None:
        self._key = ECKey.generate_key("P-256")
        self._id = self._key.thumbprint()
        self.keys: IssuerKeys = read_jwks(json.dumps(self.jwks()).encode())

    def jwks(self) -> dict[str, Any]:
        """The public key, for whoever wants to verify a token (RFC 7517)."""
        public: dict[str, Any] = dict(self._key.as_dict(private=False))
        return {"keys": [public | {"kid": self._id, "use": "sig", "alg": ALGORITHM}]}

    def sign(self, issuer: str, delegation: Delegation, issued_s: int) -> str:
        """The token that says so."""
        claims = {
            "iss": issuer,
            "sub": delegation.subject,
            "aud": delegation.audience,
            "iat": issued_s,
            "exp": delegation.expires_s,
            "jti": delegation.token_id,
            "scope": " ".join(sorted(delegation.scope)),
            "act": _nested(delegation.actors),
        }
        return jwt.encode({"alg": ALGORITHM, "typ": TYPE, "kid": self._id}, claims, self._key, algorithms=[ALGORITHM])

    def read(self, token: str, issuer: str, audiences: frozenset[str], now_s: float) -> Delegation:
        """What a good token of this key says. Raises TokenRefused."""
        expected = Expected(
            issuer,
            audiences,
            algorithms=frozenset({ALGORITHM}),
            leeway_seconds=0,
            longest_seconds=MOST_SECONDS,
            types=frozenset({TYPE}),
            required=("sub", "act", "jti", "scope"),
        )
        return _read(verify(token, self.keys, expected, now_s))


def _nested(actors: tuple[str, ...]) -> dict[str, Any]:
    """The outermost is who holds the token (RFC 8693, section 4.1)."""
    nested: dict[str, Any] = {}
    for actor in actors:
        nested = {"sub": actor, **({"act": nested} if nested else {})}
    return nested


def _read(token: VerifiedToken) -> Delegation:
    actors = actors_of(token.claims)
    check_chain(token.subject, actors)
    scope = token.claims["scope"]
    if not isinstance(scope, str) or not set(scope.split()) <= SCOPES:
        raise TokenRefused(Flaw.INCOMPLETE, "scope")
    audience = token.claims["aud"]
    named = audience if isinstance(audience, str) else audience[0]
    return Delegation(token.subject, actors, frozenset(scope.split()), named, token.token_id, token.expires_s)


def actors_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The actors that ``act`` names, from the nearest to the subject to who holds the token. Raises TokenRefused."""
    found: list[str] = []
    act = claims.get("act")
    while act is not None:
        if not isinstance(act, dict) or not isinstance(act.get("sub"), str) or len(found) > MOST_ACTORS:
            raise TokenRefused(Flaw.UNREADABLE, "act")
        found.append(act["sub"])
        act = act.get("act")
    return tuple(reversed(found))


def check_chain(subject: str, actors: tuple[str, ...]) -> None:
    """Refuse a chain that nobody can answer for. Raises AuthenticationFailed."""
    if len({subject, *actors}) != len(actors) + 1:
        raise AuthenticationFailed(
            "Nobody acts for themselves.", "Name each member of a chain once.", reason="the chain is cyclic"
        )
    if len(actors) > MOST_ACTORS:
        raise AuthenticationFailed(
            "An agent doesn't act for an agent.",
            "Exchange the token of the person it acts for.",
            reason="the chain is too deep",
        )


def may_act_of(token: str) -> str | None:
    """Whom a token that was verified lets act for its subject (RFC 8693, section 4.4): a name, None where it says nothing.

    Raises TokenRefused for one that says it in no way that is understood.
    """
    part = token.split(".")[1]
    try:
        claims = read_object(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), MOST_TOKEN_BYTES)
    except (NotStrict, binascii.Error, ValueError):
        raise TokenRefused(Flaw.UNREADABLE) from None
    said = claims.get("may_act")
    if said is None:
        return None
    if not isinstance(said, dict) or not isinstance(said.get("sub"), str):
        raise TokenRefused(Flaw.UNREADABLE, "may_act")
    return str(said["sub"])
