"""A small linear model over a column's words: what the rules don't say. Its weights are data, made by scripts/train_columns.py.

Two regressions: whether a column is protected at all, and which label a protected one has. Both look at the same features,
which are texts such as ``word=salary``; a feature that has no weight says nothing.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise

from doorward.catalog.context import Surroundings, Words, head
from doorward.catalog.rules import Kind
from doorward.model.catalog import Label

_GRAM = 4
_CERTAIN = 9.0
_LONG_TEXT = frozenset({"text", "mediumtext", "longtext", "clob", "ntext", "tinytext"})


@dataclass(frozen=True, slots=True)
class Weights:
    """What training found. *protected* has a weight a feature; *labels* the same for each label.

    *calibration* makes one confidence out of a rule's and the model's: a constant, and a factor for each.
    """

    protected: dict[str, float]
    labels: dict[str, dict[str, float]]
    calibration: tuple[float, float, float]


@lru_cache(maxsize=1)
def shipped() -> Weights:
    """The weights that are part of the package."""
    text = resources.files("doorward.catalog").joinpath("columns_model.json").read_text(encoding="ascii")
    stored = json.loads(text)
    return Weights(stored["protected"], stored["labels"], tuple(stored["calibration"]))


def features(column: Words, table: Words, kind: Kind, type_name: str, beside: Surroundings) -> tuple[str, ...]:
    """What the model sees of a column."""
    found = {
        "bias",
        f"kind={kind.value}",
        f"words={min(len(column), 6)}",
    }
    plain = type_name.strip().lower()
    size = "long" if plain in _LONG_TEXT and beside.has_short_texts else "text" if plain in _LONG_TEXT else "short"
    if kind is Kind.TEXT:
        found.add(f"size={size}")
    last = column[-1] if column else ""
    for word in column:
        found |= {f"word={word}", f"word={word} {kind.value}"}
        if kind is Kind.TEXT:
            found.add(f"word={word} {size}")
    found |= {f"last={last}", f"first={column[0] if column else ''}"}
    found |= {f"pair={one} {two}" for one, two in pairwise(column)}
    spelled = f"^{'_'.join(column)}$"
    found |= {f"gram={spelled[at : at + _GRAM]}" for at in range(len(spelled) - _GRAM + 1)}
    found |= {f"table={word}" for word in table}
    found |= {f"about={head(table)}", f"about={head(table)} {last}"}
    for trait in beside.traits | ({"lookup"} if beside.is_lookup else set()):
        found |= {f"beside={trait}", f"beside={trait} {last}", f"beside={trait} {kind.value}"}
    return tuple(sorted(found))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-max(-_CERTAIN, min(_CERTAIN, value))))


def odds(found: tuple[str, ...], weights: Weights) -> float:
    """The logarithm of the odds that a column with these features is protected."""
    return max(-_CERTAIN, min(_CERTAIN, sum(weights.protected.get(feature, 0.0) for feature in found)))


def probability(found: tuple[str, ...], weights: Weights) -> float:
    """How likely a column with these features is protected, from 0 to 1."""
    return _sigmoid(odds(found, weights))


def confidence(rule_confidence: float, found: tuple[str, ...], weights: Weights) -> float:
    """How likely a rule's finding is right, given what the model thinks of the column: a measured share, from 0 to 1."""
    constant, by_rule, by_model = weights.calibration
    return _sigmoid(constant + by_rule * rule_confidence + by_model * odds(found, weights))


def likeliest(found: tuple[str, ...], weights: Weights) -> Label:
    """The label that fits these features best, if the column is protected."""
    scores = {label: sum(table.get(feature, 0.0) for feature in found) for label, table in weights.labels.items()}
    return Label(max(scores, key=lambda label: scores[label])) if scores else Label.FREE_TEXT


def telling(found: tuple[str, ...], weights: Weights, most: int = 3) -> tuple[str, ...]:
    """The words that speak loudest for protection, for people to read."""
    spoken = [(weights.protected.get(feature, 0.0), feature) for feature in found if not feature.startswith("gram=")]
    return tuple(feature.replace("=", " ") for weight, feature in sorted(spoken, reverse=True)[:most] if weight > 0)
