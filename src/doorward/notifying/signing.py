"""Signed calls after the Standard Webhooks specification, out and in."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from doorward.errors import ConfigurationInvalid

PREFIX = "whsec_"
SHORTEST_BYTES, LONGEST_BYTES = 24, 64
# A sender that changes its secret signs with both; nobody signs with many.
MOST_SIGNATURES = 8


def key_of(name: str, secret: str) -> bytes:
    """The key in *secret*, as the specification writes one. Raises ConfigurationInvalid for anything else."""
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not SHORTEST_BYTES <= len(key) <= LONGEST_BYTES:
        raise ConfigurationInvalid(
            f"The secret of {name} is none to sign with.",
            f"It is {PREFIX} and {SHORTEST_BYTES} to {LONGEST_BYTES} random bytes in base64: "
            f'echo "{PREFIX}$(openssl rand -base64 32)"',
        )
    return key


def signed_headers(key: bytes, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """What goes beside *body*."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": _signature(key, message_id, at_s, body.decode()),
    }


def is_signed(key: bytes, message_id: str, at_s: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether one of the signatures in *headers* is that of *key*."""
    try:
        expected = _signature(key, message_id, at_s, body.decode()).encode()
    except (UnicodeError, ValueError, OverflowError, OSError):
        return False
    shown = headers.get("webhook-signature", "").split(" ")[:MOST_SIGNATURES]
    # All are compared, so that the time it takes tells nothing.
    return sum(hmac.compare_digest(expected, one.encode("utf-8", "surrogatepass")) for one in shown) > 0


def _signature(key: bytes, message_id: str, at_s: int, body: str) -> str:
    from standardwebhooks.webhooks import Webhook  # only where something is told or heard

    return Webhook(key).sign(message_id, datetime.fromtimestamp(at_s, UTC), body)
