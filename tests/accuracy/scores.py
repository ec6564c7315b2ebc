"""Precision, recall and F1, and how they are printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of what was found rightly, found wrongly, and missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        """Of what was found, what is right."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """Of what is there, what was found."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Their harmonic mean."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def line(self, name: str) -> str:
        """One line of a table."""
        counts = f"{self.right:6d} {self.wrong:6d} {self.missed:6d}"
        return f"  {name:<34} {self.precision:6.3f} {self.recall:6.3f} {self.f1:6.3f}  {counts}"


HEADING = f"  {'':<34} {'P':>6} {'R':>6} {'F1':>6}  {'right':>6} {'wrong':>6} {'missed':>6}"


def binary(pairs: Iterable[tuple[str, str]]) -> Score:
    """Sensitive or not, from (true, found) labels; "none" is not."""
    counted = Counter((true != "none", found != "none") for true, found in pairs)
    return Score(counted[True, True], counted[False, True], counted[True, False])


def by_label(pairs: Iterable[tuple[str, str]]) -> dict[str, Score]:
    """A score for each label that is true or found anywhere."""
    seen = list(pairs)
    labels = sorted({label for pair in seen for label in pair} - {"none"})
    return {
        label: Score(
            sum(true == found == label for true, found in seen),
            sum(found == label != true for true, found in seen),
            sum(true == label != found for true, found in seen),
        )
        for label in labels
    }
