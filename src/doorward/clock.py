"""The only places that read the clock and roll dice; passed in everywhere else."""

from __future__ import annotations

import secrets
import time


def now_us() -> int:
    """Microseconds since the Unix epoch, by the system's wall clock."""
    return time.time_ns() // 1000


def new_id(prefix: str) -> str:
    """A fresh, unguessable, sortable-by-nothing id: ``<prefix>_`` and 96 random bits."""
    return f"{prefix}_{secrets.token_hex(12)}"
