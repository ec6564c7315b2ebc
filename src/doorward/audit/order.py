"""Which place in the log the entries of several journals have: the tree is one, the writers are many.

The order of a batch is on stable storage before any tile is made of it: a step that was cut off is done again the same
way. A log that has ever had one journal only needs none of this: there an entry's index in the journal is its place.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import msgspec

from doorward.audit.files import sync_directory, write_durably
from doorward.audit.journal import journals
from doorward.audit.merkle import leaf_hash
from doorward.errors import LogDamaged

ORDER_FILE = "order"
_REMEDY = "Run `doorward audit verify`, and restore the file from a backup together with the log's other files."
# Quotes inside values are escaped: these bytes are nowhere but at the entry's own field.
_TIME = re.compile(rb'"at_us":(-?[0-9]+)')

T = TypeVar("T")


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far a journal is in the tree: *count* entries of it, the last one with this leaf hash (hex, empty for none)."""

    count: int = 0
    last: str = ""


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The latest batch: where each journal stood *before* and *after*, and its runs of (journal, number of entries).

    *start* is the log's size before it. *digest* is SHA-256 (hex) over the file with an empty one: a flipped bit shows. It is
    missing in files from before there was one.
    """

    start: int
    before: dict[int, Place]
    after: dict[int, Place]
    runs: tuple[tuple[int, int], ...]
    digest: str = ""

    @property
    def end(self) -> int:
        """The log's size once the batch is in it."""
        return self.start + sum(count for _journal, count in self.runs)

    def places(self, size: int) -> dict[int, Place]:
        """Where each journal stands in the tree of *size*. Raises LogDamaged when that is neither before nor after."""
        if size == self.end:
            return dict(self.after)
        if size == self.start:
            return dict(self.before)
        raise LogDamaged(
            f"The file {ORDER_FILE} leads from {self.start} entries to {self.end}, but {size} are signed.", _REMEDY
        )

    def waiting(self, size: int) -> tuple[tuple[int, int], ...]:
        """The runs that are still to be put into the tree of *size*."""
        return self.runs if size == self.start else ()


def read_order(directory: Path) -> Order | None:
    """The order of the latest batch; None for a log that has had one journal only. Raises LogDamaged."""
    try:
        content = (directory / ORDER_FILE).read_bytes()
        order = msgspec.json.decode(content, type=Order)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError:
        raise LogDamaged(f"The file {ORDER_FILE} can't be read.", _REMEDY) from None
    if order.digest and _whole(order) != content:
        raise LogDamaged(f"The file {ORDER_FILE} was altered: it does not match its digest.", _REMEDY)
    return order


def write_order(directory: Path, order: Order) -> None:
    """Put *order* on stable storage in place of the one before. Raises OSError."""
    write_durably(directory / ORDER_FILE, _whole(order))
    sync_directory(directory)


def _whole(order: Order) -> bytes:
    """The file's bytes, with the digest that belongs to the rest."""
    bare = msgspec.json.encode(msgspec.structs.replace(order, digest=""))
    return msgspec.json.encode(msgspec.structs.replace(order, digest=sha256(bare).hexdigest()))


def is_shared(directory: Path) -> bool:
    """Whether the log in *directory* has, or ever had, several journals."""
    return len(journals(directory)) > 1 or (directory / ORDER_FILE).exists()


def places_of(order: Order | None, size: int) -> dict[int, Place]:
    """Where each journal stands in the tree of *size*. Raises LogDamaged when *order* does not fit it."""
    return {0: Place(size)} if order is None else order.places(size)


@dataclass(frozen=True, slots=True)
class Batch:
    """Entries of several journals in their order, and the runs that say whose they are."""

    entries: tuple[bytes, ...]
    runs: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, taken: Mapping[int, Sequence[bytes]], runs: Iterable[tuple[int, int]] = ()) -> Batch:
        """Put together what was *taken* from each journal: by *runs* first, the rest by time."""
        some = {journal: tuple(found) for journal, found in taken.items() if found}
        if len(some) == 1:
            ((journal, entries),) = some.items()
            return cls(entries, ((journal, len(entries)),))
        ordered = list(in_order({journal: iter(found) for journal, found in taken.items()}, runs, time_of))
        return cls(
            tuple(entry for _journal, entry in ordered),
            tuple((journal, sum(1 for _ in group)) for journal, group in groupby(ordered, lambda pair: pair[0])),
        )

    def after(self, before: Mapping[int, Place]) -> dict[int, Place]:
        """Where the journals stand once the batch is in the tree."""
        places = dict(before)
        position = 0
        for journal, count in self.runs:
            position += count
            so_far = places.get(journal, Place()).count
            places[journal] = Place(so_far + count, leaf_hash(self.entries[position - 1]).hex())
        return places


def time_of(entry: bytes) -> int:
    """When an entry was made, in microseconds since the epoch; 0 when it does not say."""
    found = _TIME.search(entry)
    return int(found[1]) if found else 0


def in_order(
    sources: Mapping[int, Iterator[T]], runs: Iterable[tuple[int, int]], time: Callable[[T], int]
) -> Iterator[tuple[int, T]]:
    """(journal, item) in the log's order: by *runs* as long as they last, then by time. Within a journal none overtakes."""
    for journal, count in runs:
        for _ in range(count):
            item = next(sources[journal], None) if journal in sources else None
            if item is None:
                return
            yield journal, item

    def of_one(journal: int, source: Iterator[T]) -> Iterator[tuple[int, int, T]]:
        for item in source:
            yield time(item), journal, item

    streams = [of_one(journal, source) for journal, source in sorted(sources.items())]
    for _time, journal, item in heapq.merge(*streams, key=lambda timed: timed[:2]):
        yield journal, item
