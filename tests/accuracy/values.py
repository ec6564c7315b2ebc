# ruff: noqa: E501 - tables
"""Values: what is found in texts, on the development split and on Presidio's public sentences, beside Presidio itself.

``python -m tests.accuracy.values`` alone, or as a part of ``make accuracy``. Each third record of the development split was
kept aside while the detectors were written and is reported by itself (``is_held_out``).
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import urllib.request
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from doorward.detectors.scanner import Scanner
from tests.accuracy import speed
from tests.accuracy.span_scores import STRUCTURED, Found, SpanScore

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "accuracy"
SPLIT = Path(__file__).parent / "values_dev.jsonl.gz"
PRESIDIO = "presidio-analyzer==2.2.366"
SENTENCES = "https://raw.githubusercontent.com/microsoft/presidio-research/master/data/synth_dataset_v2.json"
SENTENCES_VARIABLE = "DOORWARD_SENTENCES"  # a copy of that file, where there is no network
TIMEOUT_SECONDS = 600

MIN_STRUCTURED_F1 = 0.95
MIN_SECRETS_RECALL = 0.97
MAX_FLAGGED, MAX_FLAGGED_WITH_COLUMN = 0.06, 0.03

# The column that each kind of look-alike would be in.
COLUMN_OF = {
    "neg:ean_isbn": "ean", "neg:email_like": "asset_name", "neg:git_sha": "commit_sha", "neg:hex_digest": "checksum",
    "neg:iban_bad_check": "reference", "neg:integrity_or_blob": "integrity", "neg:long_numeric_id": "external_id",
    "neg:mac_like": "fingerprint", "neg:order_no_luhn_fail": "order_number", "neg:org_or_place": "company", "neg:phone_like_id": "ticket_no",
    "neg:placeholder_secret": "setting", "neg:plain_word": "status", "neg:product_like_name": "product_name",
    "neg:public_key": "public_key", "neg:sku": "sku", "neg:ssn_invalid": "part_number", "neg:timestamp": "created_at", "neg:uuid": "request_id",
    "neg:version": "version", "neg:note": "note", "neg:json": "payload", "neg:log": "message",
}  # fmt: skip
_TYPE_OF_SENTENCES = {
    "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE", "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN", "US_SSN": "NATIONAL_ID",
    "US_DRIVER_LICENSE": "NATIONAL_ID", "IP_ADDRESS": "IP", "PERSON": "PERSON", "STREET_ADDRESS": "ADDRESS",
}  # fmt: skip


class Text(NamedTuple):
    """A text with what is in it, and the kind of text that it is."""

    text: str
    gold: tuple[Found, ...]
    group: str
    is_held_out: bool


Finder = Callable[[Sequence[str]], list[list[Found]]]


def development() -> list[Text]:
    """The development split: cells, notes, JSON and log lines, and look-alikes of all of them."""
    texts = []
    for line in gzip.decompress(SPLIT.read_bytes()).decode().splitlines():
        row = json.loads(line)
        gold = tuple((span["start"], span["end"], span["type"]) for span in row["spans"])
        texts.append(Text(row["text"], gold, row["group"], row["id"] // 3 % 3 == 2))
    return texts


def sentences() -> list[Text]:
    """Presidio's public evaluation sentences, types mapped to ours, or none where they can't be had."""
    kept = Path(os.environ.get(SENTENCES_VARIABLE, FOLDER / "sentences.json"))
    if not kept.exists():
        try:
            with urllib.request.urlopen(SENTENCES, timeout=20) as answer:
                content = answer.read()
        except OSError:
            return []
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(content)
    texts = []
    for row in json.loads(kept.read_text(encoding="utf-8")):
        gold = tuple(
            (span["start_position"], span["end_position"], _TYPE_OF_SENTENCES[span["entity_type"]])
            for span in row["spans"]
            if span["entity_type"] in _TYPE_OF_SENTENCES
        )
        texts.append(Text(row["full_text"], gold, "sentence", True))
    return texts


def ours(texts: Sequence[str]) -> list[list[Found]]:
    """What Doorward finds."""
    return [[(span.start, span.end, span.type) for span in found] for found in Scanner().find_all(texts)]


def presidio_python() -> Path | None:
    """An interpreter that has Presidio, in an environment of its own that is made once; None where that can't be."""
    python = FOLDER / "presidio" / "bin" / "python"
    if not python.exists():
        venv.create(FOLDER / "presidio", with_pip=True)
    ready = subprocess.run([python, "-c", "import presidio_analyzer"], capture_output=True, check=False).returncode == 0
    if not ready:
        command = [python, "-m", "pip", "install", "--quiet", PRESIDIO]
        if subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT_SECONDS).returncode:
            return None
    return python


def presidio(python: Path) -> Finder:
    """What Presidio finds with its default recognizers and no language model."""

    def find(texts: Sequence[str]) -> list[list[Found]]:
        apart = subprocess.run(
            [python, Path(__file__).parent / "presidio_apart.py"],
            input="\n".join(json.dumps(text) for text in texts),
            capture_output=True,
            text=True,
            check=True,
            timeout=TIMEOUT_SECONDS,
        )
        return [[(start, end, type_) for start, end, type_ in json.loads(line)] for line in apart.stdout.splitlines()]

    return find


def scored(texts: Sequence[Text], find: Finder) -> tuple[SpanScore, float]:
    """The counts, and the share of look-alikes in which anything was found."""
    score = SpanScore()
    flagged = look_alikes = 0
    for text, found in zip(texts, find([text.text for text in texts]), strict=True):
        score.add(text.gold, found, text.group)
        if text.group.startswith("neg:"):
            look_alikes += 1
            flagged += bool(found)
    return score, flagged / look_alikes if look_alikes else 0.0


def flagged_with_columns(texts: Sequence[Text]) -> float:
    """The share of look-alikes in which something is found when the column's name is known."""
    scanner = Scanner()
    look_alikes = [text for text in texts if text.group.startswith("neg:")]
    found = sum(bool(scanner.find(text.text, column=COLUMN_OF[text.group])) for text in look_alikes)
    return found / len(look_alikes)


def _table(score: SpanScore, keys: Sequence[str]) -> Iterator[str]:
    for key in keys:
        if score.has(key):
            yield f"  {key:24} {score.of(key)[0]:9.3f} {score.of(key)[1]:7.3f} {score.of(key)[2]:7.3f}"


def _said(name: str, texts: Sequence[Text], find: Finder, types: Sequence[str], *, with_groups: bool) -> Iterator[str]:
    score, flagged = scored(texts, find)
    yield f"{name}  ({len(texts)} texts)"
    yield f"  {'':24} precision  recall      F1"
    yield from _table(score, sorted(types))
    precision, recall, f1 = score.of(*(type_ for type_ in STRUCTURED if type_ in types))
    yield f"  {'structured, together':24} {precision:9.3f} {recall:7.3f} {f1:7.3f}"
    if any(text.group.startswith("neg:") for text in texts):
        yield f"  look-alikes flagged      {flagged:9.1%}"
    if with_groups:
        yield "  by group"
        yield from _table(score, sorted({text.group for text in texts if text.gold}))


def report(python: Path | None) -> Iterator[str]:
    """The lines of the report, as they come; *python* is an interpreter that has Presidio."""
    texts = development()
    types = sorted({span[2] for text in texts for span in text.gold})
    yield from _said("Doorward, development split", texts, ours, types, with_groups=True)
    yield from _said("Doorward, the third kept aside", kept_aside(), ours, types, with_groups=False)
    outside = sentences()
    outside_types = sorted(set(_TYPE_OF_SENTENCES.values()))
    if outside:
        yield from _said("Doorward, Presidio's sentences", outside, ours, outside_types, with_groups=False)
    else:
        yield f"Presidio's sentences can't be had here: {SENTENCES_VARIABLE} names a copy of {SENTENCES}"
    if python is None:
        yield "Presidio can't be installed here"
    else:
        yield from _said("Presidio, development split", texts, presidio(python), types, with_groups=False)
        if outside:
            yield from _said("Presidio, its own sentences", outside, presidio(python), outside_types, with_groups=False)
    measured: dict[str, Any] = speed.measure()
    yield f"speed a core, {measured['engine']}"
    for name, rate in measured["rates"].items():
        yield f"  {name:24} {rate['values_per_second']:9,.0f} values/s {rate['megabytes_per_second']:7.1f} MB/s"


def kept_aside() -> list[Text]:
    """The third of the development split that the detectors were not written against."""
    return [text for text in development() if text.is_held_out]


class Target(NamedTuple):
    """A figure on the third kept aside, and its bound."""

    name: str
    value: float
    bound: float
    is_met: bool


def targets() -> list[Target]:
    """What must hold whatever the machine; speed is shown, not judged."""
    score, flagged = scored(kept_aside(), ours)
    with_columns = flagged_with_columns(kept_aside())
    structured, secrets = score.of(*STRUCTURED)[2], score.of("SECRET")[1]
    return [
        Target("F1 of structured values", structured, MIN_STRUCTURED_F1, structured >= MIN_STRUCTURED_F1),
        Target("recall of secrets", secrets, MIN_SECRETS_RECALL, secrets >= MIN_SECRETS_RECALL),
        Target("look-alikes flagged", flagged, MAX_FLAGGED, flagged <= MAX_FLAGGED),
        Target("the same, column known", with_columns, MAX_FLAGGED_WITH_COLUMN, with_columns <= MAX_FLAGGED_WITH_COLUMN),
    ]


def run(say: Callable[[str], None], python: Path | None = None) -> bool:
    """Say the report; whether all targets are met. *python*: an interpreter with Presidio, made where none is given."""
    for line in report(python or presidio_python()):
        say(line)
    met = targets()
    say("targets, on the third kept aside")
    for target in met:
        say(f"  {target.name:24} {target.value:9.3f}  bound {target.bound:.2f}  {'ok' if target.is_met else 'NOT MET'}")
    return all(target.is_met for target in met)


if __name__ == "__main__":
    sys.exit(0 if run(print) else 1)
