"""Codes beside a password: six digits of an app that change by the half-minute (RFC 6238), or one of a few on paper."""

from __future__ import annotations

import base64
import hmac
import secrets
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
# How far the app's clock may be off, in steps, either way.
DRIFT = 1
RECOVERY_CODES = 10
_KEY_BYTES = 20
_RECOVERY_BYTES = 10


def fresh_key() -> str:
    """A key for an app, in base32."""
    return base64.b32encode(secrets.token_bytes(_KEY_BYTES)).decode()


def address_of_key(key: str, name: str) -> str:
    """The otpauth address that apps take *key* from."""
    query = urlencode({"secret": key, "issuer": "Doorward"})
    return f"otpauth://totp/Doorward:{quote(name, safe='')}?{query}"


def step_of(key: str, code: str, now_us: int, last_step: int) -> int | None:
    """The step whose code *code* is, if it is one of now and later than *last_step*: a code counts once."""
    import pyotp

    app, current, found = pyotp.TOTP(key), now_us // (STEP_SECONDS * 1_000_000), None
    for step in range(max(0, current - DRIFT), current + DRIFT + 1):
        is_it = hmac.compare_digest(app.generate_otp(step).encode(), code.encode(errors="surrogatepass"))
        if is_it and step > last_step:
            found = step
    return found


def fresh_recovery_codes() -> tuple[str, ...]:
    """Codes for whoever has lost the app, each good once: 80 random bits."""
    return tuple(_spelled(secrets.token_bytes(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES))


def digest_of(code: str, key: bytes) -> str:
    """What is kept of a recovery code, however it is spelled."""
    plain = code.replace("-", "").replace(" ", "").upper()
    return hmac.digest(key, plain.encode(errors="surrogatepass"), "sha256").hex()


def in_groups(key: str) -> str:
    """*key* as people type it: four letters at a time."""
    return " ".join(key[i : i + 4] for i in range(0, len(key), 4))


def _spelled(dice: bytes) -> str:
    return in_groups(base64.b32encode(dice).decode().lower()).replace(" ", "-")
