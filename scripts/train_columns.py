"""Train the linear model over column names that ships in src/doorward/catalog/columns_model.json.

Needs scikit-learn, which Doorward itself does not: run it with any Python that has it, beside this work tree.

    python scripts/train_columns.py            # trains, prints what leaving each schema out gives, writes the weights
    python scripts/train_columns.py --check    # the same, writing nothing

The data are the labelled schemas in tests/catalog/columns/. Rows whose label ends in "?" are left out, as in scoring.
"""

from __future__ import annotations

import csv
import json
import math
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "src"))

from doorward.catalog.classify import NONE, by_rules, kind_of  # noqa: E402
from doorward.catalog.context import bounds_texts, surroundings, table_references  # noqa: E402
from doorward.catalog.linear import features  # noqa: E402
from doorward.catalog.words import words  # noqa: E402

FILES = ("labelled.csv", "schemas.csv")
HELD_OUT = ("essentials",)  # never trained on, and labelled before any prediction on it was seen
STRENGTH = 0.7  # inverse of regularisation
SMALLEST = 0.08  # weights below it are not shipped
OUT = ROOT / "src" / "doorward" / "catalog" / "columns_model.json"


def read() -> list[dict[str, str]]:
    """Every labelled row."""
    rows: list[dict[str, str]] = []
    for name in FILES:
        with (ROOT / "tests" / "catalog" / "columns" / name).open(newline="") as file:
            rows += [row for row in csv.DictReader(file) if row["source"] not in HELD_OUT]
    return rows


def prepared(rows: list[dict[str, str]]) -> list[tuple[dict[str, str], Any, tuple[str, ...]]]:
    """Each certain row with what the rules say of it and its features."""
    tables: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    types = defaultdict(list)
    for row in rows:
        tables[row["source"]][row["table"]].append(row["column"])
        types[row["source"]].append(row["type"])
    around = {}
    for source, found in tables.items():
        references, short = table_references(found), bounds_texts(types[source])
        for table, columns in found.items():
            around[source, table] = surroundings(table, columns, references, short)
    result = []
    for row in rows:
        if row["label"].endswith("?"):
            continue
        beside = around[row["source"], row["table"]]
        said = by_rules("", row["table"], row["column"], row["type"], beside=beside)
        kind = kind_of(row["type"])
        result.append(
            (row, said, features(words(row["column"], beside.affixes), words(row["table"]), kind, row["type"], beside))
        )
    return result


def fit(found: list[tuple[str, ...]], wanted: Any) -> tuple[DictVectorizer, LogisticRegression]:
    """A sparse logistic regression."""
    vectorizer = DictVectorizer()
    matrix = vectorizer.fit_transform([dict.fromkeys(one, 1) for one in found])
    matrix.indices, matrix.indptr = matrix.indices.astype("int32"), matrix.indptr.astype("int32")
    model = LogisticRegression(C=STRENGTH, l1_ratio=1.0, solver="liblinear", fit_intercept=False, max_iter=300, random_state=1)
    model.fit(matrix, wanted)
    return vectorizer, model


def weights(vectorizer: DictVectorizer, model: LogisticRegression) -> dict[str, float]:
    """The weights worth shipping."""
    pairs = zip(vectorizer.get_feature_names_out(), model.coef_[0], strict=True)
    return {name: round(float(weight), 2) for name, weight in sorted(pairs) if abs(weight) >= SMALLEST}


def main() -> None:
    """Leave one schema out each, then train on all."""
    data = prepared(read())
    found = [one for _, _, one in data]
    wanted = np.array([row["label"] != "none" for row, _, _ in data])
    sources = np.array([row["source"] for row, _, _ in data])
    ruled = np.array([said.label.is_protected for _, said, _ in data])
    open_ = np.array([said is NONE for _, said, _ in data])
    held_out = np.zeros(len(data))
    for source in sorted(set(sources)):
        inside = sources != source
        vectorizer, model = fit([one for one, use in zip(found, inside, strict=True) if use], wanted[inside])
        rest = vectorizer.transform([dict.fromkeys(one, 1) for one, use in zip(found, inside, strict=True) if not use])
        held_out[~inside] = model.predict_proba(rest)[:, 1]

    def scores(guess: Any) -> str:
        right = (guess & wanted).sum()
        return f"P {right / guess.sum():.3f}  R {right / wanted.sum():.3f}"

    print(f"{len(data)} columns of {len(set(sources))} schemas")
    print("rules alone           ", scores(ruled))
    print("model alone, held out ", scores(held_out > 0.5))
    for least in (0.6, 0.7, 0.8, 0.9, 0.95):
        print(f"rules, model above {least:.2f}", scores(ruled | (open_ & (held_out > least))))
    odds = np.log(np.clip(held_out, 1e-4, 1 - 1e-4) / (1 - np.clip(held_out, 1e-4, 1 - 1e-4)))
    confidence = np.array([said.confidence for _, said, _ in data])
    calibration = LogisticRegression(max_iter=300)
    calibration.fit(np.stack([confidence[ruled], odds[ruled]], axis=1), wanted[ruled])
    told = calibration.predict_proba(np.stack([confidence[ruled], odds[ruled]], axis=1))[:, 1]
    for low, high in ((0, 0.5), (0.5, 0.8), (0.8, 0.9), (0.9, 0.97), (0.97, 1.01)):
        inside = (told >= low) & (told < high)
        if inside.any():
            print(f"confidence {low:.2f}-{high:.2f}: {inside.sum():5d} findings, right {wanted[ruled][inside].mean():.3f}")
    if "--check" in sys.argv:
        return
    stored: dict[str, Any] = {"protected": weights(*fit(found, wanted)), "labels": {}}
    positives = [index for index, one in enumerate(wanted) if one]
    for label in sorted({data[index][0]["label"] for index in positives}):
        these = np.array([data[index][0]["label"] == label for index in positives])
        stored["labels"][label] = weights(*fit([found[index] for index in positives], these))
    constant, by_rule, by_model = calibration.intercept_[0], *calibration.coef_[0]
    stored["calibration"] = [round(float(one), 4) for one in (constant, by_rule, by_model)]
    assert all(math.isfinite(one) for one in stored["calibration"])
    OUT.write_text(json.dumps(stored, indent=0, sort_keys=True, ensure_ascii=True) + "\n", encoding="ascii")
    print(f"{OUT.name}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
