# ruff: noqa: E501, SIM905 - a word list
"""How many values a core reads in a second: clean notes, notes with something in a hundredth, and cells that are all hits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any

from doorward.detectors.check_digits import luhn
from doorward.detectors.scanner import Scanner

NOTE_BYTES = 80
CLEAN, DENSE = "clean notes of 80 bytes", "cells, all of them hits"
NOTES, CELLS = 60_000, 20_000
CHUNK = 4_096  # values handed over at once, as rows of a result come
ROUNDS = 3

_WORDS = (
    "the a of and to in is it for was on as with that this they were had at by not but from or have an which one would all will "
    "there their what so out if about who get when make can like time just know take into year your good some could them see other "
    "than then now look only come its over think also back after use two how our work first well way even want because any these "
    "give day most us parcel delivery stock shelf colour blue size large return checked closed answered waiting packed broken"
).split()


def _note(dice: random.Random) -> str:
    text = ""
    while len(text) < NOTE_BYTES:
        text += dice.choice(_WORDS) + " "
    return f"{text[: NOTE_BYTES - 5]} {dice.randint(1000, 9999)}"


def _digits(dice: random.Random, count: int) -> str:
    return "".join(dice.choices("0123456789", k=count))


def _card(dice: random.Random) -> str:
    head = "4" + _digits(dice, 14)
    return next(head + last for last in "0123456789" if luhn(head + last))


_MAKERS: tuple[Callable[[random.Random], str], ...] = (
    lambda dice: f"{dice.choice(_WORDS)}.{_digits(dice, 5)}@{dice.choice(_WORDS)}.example.com",
    lambda dice: f"+4930{_digits(dice, 8)}",
    lambda dice: f"(201) {dice.randint(200, 999)}-{_digits(dice, 4)}",
    _card,
    lambda dice: ".".join(str(dice.randint(1, 254)) for _ in range(4)),
    lambda dice: f"{dice.randint(100, 665)}-{dice.randint(10, 99)}-{dice.randint(1000, 9999)}",
    lambda dice: ":".join(f"{dice.randint(0, 255):02x}" for _ in range(6)),
    lambda dice: f"06 {' '.join(_digits(dice, 2) for _ in range(4))}",
)


def corpora() -> dict[str, list[bytes]]:
    """The values, the same at every call; nearly all differ, so that nothing is won by remembering."""
    dice = random.Random(20)
    clean = [_note(dice).encode() for _ in range(NOTES)]
    some = [
        (f"{_note(dice)[:50]} {dice.choice(_MAKERS)(dice)}" if dice.random() < 0.01 else _note(dice)).encode()
        for _ in range(NOTES)
    ]
    dense = [dice.choice(_MAKERS)(dice).encode() for _ in range(CELLS)]
    return {CLEAN: clean, "notes, a hundredth hits": some, DENSE: dense}


def rate(scanner: Scanner, values: Sequence[bytes]) -> float:
    """Values a second of processor time."""
    began = time.process_time()
    for at in range(0, len(values), CHUNK):
        scanner.find_all(values[at : at + CHUNK])
    return len(values) / (time.process_time() - began)


def measure() -> dict[str, Any]:
    """Values and megabytes a second of processor time, the best of three rounds; a few seconds in all."""
    rates: dict[str, dict[str, float]] = {}
    engine = ""
    warm = Scanner()
    warm.find_all(["06 12 34 56 78", "+49 30 901820"])
    for name, values in corpora().items():
        best = 0.0
        for _ in range(ROUNDS):
            scanner = Scanner()  # remembers nothing; the rules are compiled once for all scanners
            engine = scanner.engine
            best = max(best, rate(scanner, values))
        rates[name] = {
            "values_per_second": best,
            "megabytes_per_second": best * sum(map(len, values)) / len(values) / 1e6,
        }
    return {"engine": engine, "rates": rates}
