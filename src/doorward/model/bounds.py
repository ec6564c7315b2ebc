"""What limits an identity further than the rules do, for one session or one task."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits that can only take away: nothing that the rules refuse is permitted by them.

    *tables* are qualified names, beside which nothing may be used; empty for all. *rows* is the greatest number of rows of one
    result; 0 for all. *rule* names them where they refuse something, and *text* says what they are.
    """

    rule: str
    text: str
    read_only: bool = False
    tables: frozenset[str] = frozenset()
    rows: int = 0
