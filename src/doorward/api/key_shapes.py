"""The JSON of long-lived keys."""

from __future__ import annotations

import msgspec

from doorward.control.api_keys import DEFAULT_DAYS, KeyRow


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make for a service; without *upstream* it opens every database."""

    service: str
    days: float = DEFAULT_DAYS
    purpose: str = ""
    upstream: str = ""
    opens_api: bool = False


class KeyOut(msgspec.Struct, frozen=True):
    """A key without the key. *last_used_us* is true to an hour."""

    id: str
    service: str
    purpose: str
    upstream: str
    opens_api: bool
    created_us: int
    expires_us: int
    revoked_us: int | None
    last_used_us: int | None
    is_good: bool


def key_out(row: KeyRow) -> KeyOut:
    """*row* for the wire."""
    c = row.credential
    scope = (c.purpose, c.upstream, c.opens_api)
    return KeyOut(c.id, row.service, *scope, c.created_us, c.expires_us, c.revoked_us, c.last_used_us, row.is_good)
