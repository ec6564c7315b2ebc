"""What a client says of itself and nobody proves: the job it is, its run, its task. Kept apart from what is proven."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_CLAIMS = 16
MOST_VALUE = 200
# Names are in the log as they are given: letters that JSON, a shell and a query need not escape.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,40}")


def claims_of(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """*pairs* as the record keeps them: by name, bounded, and nothing in a value that a terminal would act on."""
    kept = {name: _shown(value) for name, value in pairs if NAME.fullmatch(name)}
    return tuple(sorted(kept.items())[:MOST_CLAIMS])


def _shown(value: str) -> str:
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in value[:MOST_VALUE])
