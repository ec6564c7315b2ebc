"""Notices and secrets for tests."""

from __future__ import annotations

from pathlib import Path

from doorward.model.notice import Notice, Occasion

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NOW_US = 1_800_000_000_000_000


def a_notice(occasion: Occasion = Occasion.ASKED, **changes: object) -> Notice:
    """A held statement with a value in it, unless *changes* say otherwise."""
    fields: dict[str, object] = {
        "id": "ntc_1",
        "occasion": occasion.value,
        "at_us": NOW_US,
        "subject": "req_1",
        "chain": "report-bot for alice",
        "upstream": "shop",
        "action": "write",
        "shape": "update customers set email = '?' where id = ?",
        "text": "update customers set email = 'ada@example.com' where id = 4711",
        "why": "Writes to customers wait for a yes.",
        "objects": ("public.customers",),
        "labels": ("email",),
        "rules": ("hold-writes",),
        "approvers": "security",
        "expires_us": NOW_US + 600_000_000,
        "by": "",
        "word": "",
    }
    return Notice(**(fields | changes))  # type: ignore[arg-type]


def secret_file(directory: Path, secret: str = SECRET) -> str:
    """A file with *secret* in it."""
    path = directory / f"secret-{abs(hash(secret))}"
    path.write_text(secret + "\n")
    return str(path)
