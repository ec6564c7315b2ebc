"""Precision, recall and F1 of spans in texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

Found = tuple[int, int, str]  # start, end, type
MIN_OVERLAP = 0.5  # of the union of both spans
STRUCTURED = ("CARD", "EMAIL", "IBAN", "IP", "MAC", "NATIONAL_ID", "PHONE", "SECRET")


def overlap(one: Found, other: Found) -> float:
    """Intersection over union."""
    common = min(one[1], other[1]) - max(one[0], other[0])
    return common / (max(one[1], other[1]) - min(one[0], other[0])) if common > 0 else 0.0


@dataclass
class SpanScore:
    """Counts by key, where a key is a type or a group."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)

    def add(self, gold: Sequence[Found], found: Sequence[Found], group: str) -> None:
        """Count one text, by type and by group."""
        left = list(gold)
        for span in found:
            match = next((other for other in left if other[2] == span[2] and overlap(span, other) >= MIN_OVERLAP), None)
            tally = self.wrong if match is None else self.right
            if match is not None:
                left.remove(match)
            tally[span[2]] += 1
            tally[group] += 1
        for span in left:
            self.missed[span[2]] += 1
            self.missed[group] += 1

    def of(self, *keys: str) -> tuple[float, float, float]:
        """Precision, recall and F1 over *keys* together; 1.0 where there was nothing to find and nothing was found."""
        right, wrong, missed = (sum(tally[key] for key in keys) for tally in (self.right, self.wrong, self.missed))
        precision = right / (right + wrong) if right + wrong else float(not missed)
        recall = right / (right + missed) if right + missed else 1.0
        return precision, recall, 2 * precision * recall / (precision + recall) if precision + recall else 0.0

    def has(self, key: str) -> bool:
        """Whether anything was counted under *key*."""
        return bool(self.right[key] or self.wrong[key] or self.missed[key])
