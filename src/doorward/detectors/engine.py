"""Which rules are worth reading a value for: two engines with one answer.

Both look for the rules' heads in many values at once, joined by zero bytes. Vectorscan (the ``hyperscan`` wheel) does it in
one pass; the plain engine makes a pass for each head with Python's ``re`` and needs nothing installed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from types import ModuleType
from typing import Any, Protocol

from doorward.detectors.rules import Rule

try:
    import hyperscan
except ModuleNotFoundError:
    hyperscan: ModuleType | None = None  # type: ignore[no-redef]

CHUNK_BYTES = 1 << 18  # of values scanned in one pass: stays in the processor's cache with the automaton


class Engine(Protocol):
    """Finds out which rules' heads occur where."""

    name: str

    def fired(self, values: Sequence[bytes]) -> dict[int, int]:
        """Value's position -> the rules whose heads occur in it, as bits; values without any are left out."""
        ...


def _without_zero(head: str) -> bytes:
    """*head* for bytes, its dots barred from crossing from one value to the next."""
    out, in_class, escaped = [], False, False
    for sign in head:
        if sign == "." and not in_class and not escaped:
            out.append(r"[^\n\x00]")
            continue
        if not escaped and sign == "[" and not in_class:
            in_class = True
        elif not escaped and sign == "]" and in_class:
            in_class = False
        escaped = sign == "\\" and not escaped
        out.append(sign)
    return "".join(out).encode()


def _heads(rules: Sequence[Rule]) -> Iterator[tuple[int, bytes]]:
    for place, rule in enumerate(rules):
        for head in rule.heads:
            yield place, _without_zero(head)


def _chunks(values: Sequence[bytes]) -> Iterator[tuple[int, bytes, list[int]]]:
    """Position of the first value, the values joined and closed by zero bytes, and where each ends."""
    total = 0
    first = 0
    for place, value in enumerate(values):
        total += len(value) + 1
        if total >= CHUNK_BYTES:
            yield _chunk(values, first, place + 1)
            first, total = place + 1, 0
    if first < len(values):
        yield _chunk(values, first, len(values))


def _chunk(values: Sequence[bytes], first: int, until: int) -> tuple[int, bytes, list[int]]:
    part = values[first:until]
    ends = list(accumulate([len(value) + 1 for value in part]))
    return first, b"\0".join(part) + b"\0", ends


class VectorscanEngine:
    """All heads in one pass over a chunk."""

    name = "vectorscan"

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Compile the rules' heads; ValueError names the first that Vectorscan refuses."""
        if hyperscan is None:
            raise ValueError("the hyperscan wheel is not installed")
        heads = list(_heads(rules))
        self._bits = [1 << place for place, _ in heads]
        self._database: Any = hyperscan.Database()
        try:
            self._database.compile(
                expressions=[head for _, head in heads],
                ids=list(range(len(heads))),
                elements=len(heads),
                flags=[0] * len(heads),
            )
        except hyperscan.error as error:
            raise ValueError(f"Vectorscan does not take a head: {error}") from error

    def fired(self, values: Sequence[bytes]) -> dict[int, int]:
        """See Engine."""
        found: dict[int, int] = {}
        bits = self._bits
        hits: list[tuple[int, int]] = []

        def on_match(head: int, _start: int, end: int, _flags: int, _context: object) -> None:
            hits.append((head, end))

        for first, chunk, ends in _chunks(values):
            self._database.scan(chunk, match_event_handler=on_match)
            for head, end in hits:
                place = first + bisect_right(ends, end - 1)
                found[place] = found.get(place, 0) | bits[head]
            hits.clear()
        return found


class PlainEngine:
    """Each head in a pass of its own, with Python's ``re``."""

    name = "plain"

    def __init__(self, rules: Sequence[Rule]) -> None:
        """Compile the rules' heads."""
        self._heads = [(1 << place, re.compile(head)) for place, head in _heads(rules)]

    def fired(self, values: Sequence[bytes]) -> dict[int, int]:
        """See Engine."""
        found: dict[int, int] = {}
        for first, chunk, ends in _chunks(values):
            for bit, head in self._heads:
                at = 0
                while (match := head.search(chunk, at)) is not None:
                    place = bisect_right(ends, match.end() - 1)
                    found[first + place] = found.get(first + place, 0) | bit
                    at = ends[place]  # one hit in a value is enough
        return found


@cache
def engine_for(rules: tuple[Rule, ...], *, plain: bool = False) -> Engine:
    """The fastest engine that is installed, or the plain one."""
    return PlainEngine(rules) if plain or hyperscan is None else VectorscanEngine(rules)
