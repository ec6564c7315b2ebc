"""Samples that anybody can draw again: rows in the order of a keyed hash of their entry, the first so many."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

METHOD = (
    "Rows are put in the order of SHA-256(seed ':' population ':' row), rows counted from 1 in the order of the CSV, "
    "and the first so many "
    "are taken. Whoever has the seed draws the same rows again. Unless an auditor gave one, the seed is the root hash "
    "of the log, which nobody "
    "can choose."
)
# Up to so many rows -> so many in the sample: all of a few, then as auditors usually take for controls that operate
# weekly, daily and many times a day.
SIZES = ((5, 5), (50, 5), (250, 25), (10_000, 40))
LARGEST = 60


def sample_size(count: int) -> int:
    """How many of *count* rows are looked at."""
    return min(count, next((size for most, size in SIZES if count <= most), LARGEST))


def sample(seed: str, population: str, rows: Sequence[Sequence[Any]]) -> list[int]:
    """The numbers of the rows drawn, from 1, in their order in the population."""
    ranked = sorted(range(1, len(rows) + 1), key=lambda number: sha256(f"{seed}:{population}:{number}".encode()).digest())
    return sorted(ranked[: sample_size(len(rows))])
