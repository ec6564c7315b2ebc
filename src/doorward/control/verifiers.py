"""Minted secrets and their SCRAM-SHA-256 verifiers (RFC 5802, section 3). Pure, but for the dice passed in."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

SECRET_PREFIX = "dwd_"
KEY_PREFIX = "dwk_"
SECRET_BYTES = 32
SALT_BYTES = 16
# RFC 7677's minimum. A secret is 256 random bits: no number of iterations makes it harder to guess.
ITERATIONS = 4096


@dataclass(frozen=True, slots=True)
class Keys:
    """What a SCRAM server stores of a secret."""

    stored_key: bytes
    server_key: bytes


def secret_from(dice: bytes, prefix: str = SECRET_PREFIX) -> str:
    """The secret that *dice* spell: prefix and base64url, so that secret scanners and people know it when they see it."""
    return prefix + base64.urlsafe_b64encode(dice).rstrip(b"=").decode("ascii")


def keys_of(secret: str, salt: bytes, iterations: int) -> Keys:
    """The verifier of *secret*. Ours are ASCII, which SASLprep leaves as it is; anything else matches none of ours."""
    salted = hashlib.pbkdf2_hmac("sha256", secret.encode(errors="surrogatepass"), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return Keys(hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256"))


def digest_of(key: str) -> bytes:
    """What a key is found by where no name goes with it: of 256 random bits a digest tells nothing."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).digest()
