"""Passwords of local accounts: what is asked of one, and what is kept of it (Argon2id, RFC 9106)."""

from __future__ import annotations

import hmac
import unicodedata

from doorward.errors import InvalidRequest

LEAST_LETTERS = 12
MOST_LETTERS = 200
LEAST_DIFFERENT = 6
# What nobody's password is: compared with all names, so that one that is not there takes as long.
NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def check_password(password: str, name: str) -> None:
    """Raise InvalidRequest for a password that is too easy. A code goes with it, so there are no rules on kinds of letters."""
    plain = _normal(password).casefold()
    if not LEAST_LETTERS <= len(password) <= MOST_LETTERS:
        raise InvalidRequest(f"A password has {LEAST_LETTERS} to {MOST_LETTERS} letters.", "Take a few words.")
    if len(set(plain)) < LEAST_DIFFERENT or name.casefold() in plain or "doorward" in plain:
        raise InvalidRequest("That password is too easy to guess.", "Take a few words that have nothing to do with this.")


def verifier_of(password: str, key: bytes) -> str:
    """What is kept of *password*: hard to guess at for who has it, and impossible without *key*. Takes some 60 ms."""
    from argon2 import PasswordHasher

    return PasswordHasher().hash(_keyed(password, key))


def is_password(verifier: str, password: str, key: bytes) -> bool:
    """Whether *password* is the one that *verifier* was made of. Takes as long either way."""
    from argon2 import PasswordHasher
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return PasswordHasher().verify(verifier, _keyed(password, key))
    except (VerificationError, InvalidHashError):
        return False


def _keyed(password: str, key: bytes) -> str:
    return hmac.digest(key, _normal(password).encode(errors="surrogatepass"), "sha256").hex()


def _normal(password: str) -> str:
    """One spelling for what looks the same: keyboards differ in how they write an accent."""
    return unicodedata.normalize("NFKC", password)
