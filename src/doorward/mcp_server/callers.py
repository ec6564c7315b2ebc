"""Who calls the tools, and what they showed to prove it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from doorward.authentication.delegation import Delegation
from doorward.control.operators import Operator
from doorward.errors import AuthenticationFailed

NAME_HEADER = "Send a token as Bearer, or the agent's name and secret as Basic."


@dataclass(frozen=True, slots=True)
class Caller:
    """An agent by its name and what it shows on every connection that is made for it. *by* is set where that was checked.

    *delegation* is what the token says that it showed in place of a secret.
    """

    name: str
    secret: str = field(repr=False)
    by: Operator | None = None
    delegation: Delegation | None = None


def caller_from(authorization: str) -> Caller:
    """Who an Authorization header claims to be (RFC 9110, section 11.6.2). Raises AuthenticationFailed; nothing is checked."""
    scheme, _, shown = authorization.partition(" ")
    shown = shown.strip()
    if scheme.lower() == "basic":
        try:
            shown = base64.b64decode(shown, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise AuthenticationFailed("The Authorization header can't be read.", "See RFC 7617.") from None
    elif scheme.lower() != "bearer":
        raise AuthenticationFailed("Sign in first.", NAME_HEADER)
    name, colon, secret = shown.partition(":")
    if not name or not colon or not secret:
        raise AuthenticationFailed("The Authorization header holds no name and secret.", NAME_HEADER)
    return Caller(name, secret)
