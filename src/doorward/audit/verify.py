"""Checks a log from its raw entries up, trusting nothing but the public key, and names everything that is wrong.

One module though long: every check reports through the same list, and reads the same stream of entries once.
Memory stays within a bundle and the journal frame at hand, whatever the log's size.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import msgspec

from doorward.audit.canonical import kind_of
from doorward.audit.checkpoint import (
    CHECKPOINT_FILE,
    VKEY_FILE,
    Checkpoint,
    VerifierKey,
    load_vkey,
    parse_checkpoint,
    verify_checkpoint,
)
from doorward.audit.files import TEMPORARY_SUFFIX
from doorward.audit.journal import SegmentReader, journal_name, journals, later_frames, segments
from doorward.audit.merkle import TILE_WIDTH, Tile, Tree, full_root, leaf_hash
from doorward.audit.order import ORDER_FILE, Order, Place, in_order, is_shared, places_of, read_order, time_of
from doorward.audit.tiles import HASH_BYTES, TileName, encode_bundle, parse_path, split_bundle, split_hashes, tile_path
from doorward.errors import ConfigurationInvalid, LogDamaged

ATTACHMENTS_FOLDER = "attachments"
_ATTACHMENT = b'"attachment":"sha256:'
_TAIL_PATIENCE_SECONDS = 0.05  # a write under way is whole by then
_SIGNING_PATIENCE = 8  # readings of checkpoint and order, until they are of the same moment


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: in *file*, bytes *start* to *end* (exclusive), about entry *index* (-1: no single one)."""

    file: str
    start: int
    end: int
    index: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}, bytes {self.start} to {self.end}: {self.text}"


@dataclass(frozen=True, slots=True)
class Report:
    """What verifying found: *size* counts all entries, *checkpoint_size* the signed, *pending* those in the journal only."""

    size: int
    checkpoint_size: int
    pending: int
    problems: tuple[Problem, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class _Journaled:
    index: int
    payload: bytes
    file: str
    start: int
    end: int


class _Attached(msgspec.Struct):
    attachment: str = ""


def verify(directory: Path, vkey: str | None = None, progress: Callable[[int, int], None] | None = None) -> Report:
    """Check the whole log in *directory* against *vkey* (None: its own ``log.pub``, which shows damage but not forgery).

    May run while the log is written. *progress* gets (entries done, entries signed).
    """
    with ExitStack() as stack:
        return _Verification(directory, stack).run(vkey, progress)


def _open_segments(directory: Path, stack: ExitStack, journal: int = 0) -> list[SegmentReader]:
    """All segments of a journal, opened at once: one that is deleted meanwhile stays readable."""
    while True:
        try:
            with ExitStack() as opening:
                readers = [opening.enter_context(SegmentReader(segment)) for segment in segments(directory, journal)]
                stack.push(opening.pop_all())
                return readers
        except FileNotFoundError:
            continue  # deleted between listing and opening: signed by now, so list again


class _Verification:
    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.directory = directory
        self.problems: list[Problem] = []
        self._files: dict[tuple[int | None, int], set[int]] = {}
        self._checked: set[str] = set()  # digests of attachments
        # Tiles, then journal, then checkpoint: each holds all that the one before it did, though the log is being written.
        self._list_tiles()
        self._stack = stack
        self._readers = _open_segments(directory, stack)
        self._journal = self._journal_entries(self._readers, 0)
        self._next: _Journaled | None = None
        self._kept: dict[int, Iterator[_Journaled]] = {}  # of several journals: entries that are in the tree by now
        self._awaited: dict[int, _Journaled] = {}  # the next one of each that the tree must hold

    def report(self, file: str, start: int, end: int, index: int, text: str) -> None:
        self.problems.append(Problem(file, start, end, index, text))

    def run(self, vkey: str | None, progress: Callable[[int, int], None] | None) -> Report:
        order, note = self._read_heads()
        checkpoint, size = self._check_checkpoint(vkey, note)
        if is_shared(self.directory) and not self.problems:
            self._take_up_journals(order, size)
        if checkpoint is None and self._files:
            size = max([i * TILE_WIDTH + max(w) for (level, i), w in self._files.items() if level is None], default=0)
            self.report(CHECKPOINT_FILE, 0, 0, -1, "there are tiles but no readable checkpoint; nothing vouches for them")
        self._next = next(self._journal, None)
        tree, root, total, index = Tree(), Tree().root() if not size else b"", 0, 0
        while True:
            leaves = self._check_bundle(index, min(TILE_WIDTH, max(0, size - index * TILE_WIDTH)))
            for leaf in leaves:
                for tile in tree.append(leaf):
                    self._check_tile(tile, needed=tree.size <= size)
                if tree.size == size:
                    root = tree.root()
                    for tile in tree.partial():
                        self._check_tile(tile, needed=True)
            total += len(leaves)
            index += 1
            if progress:
                progress(min(total, size), size)
            if len(leaves) < TILE_WIDTH:
                break
        for tile in tree.partial():
            self._check_tile(tile, needed=False)
        if checkpoint and root != checkpoint.root:
            self.report(
                CHECKPOINT_FILE, 0, len(checkpoint.note), -1, f"its root hash is not that of the {size} entries in the log"
            )
        for (level, place), widths in self._files.items():
            for width in widths:
                self.report(tile_path(level, place, width), 0, 0, -1, "holds more than the log does; no entries lead to it")
        for missed in self._awaited.values():
            text = f"entry {missed.index} of this journal counts as signed, but is not in the log's tree in its order"
            self.report(missed.file, missed.start, missed.end, -1, text)
        self._check_attachments()
        return Report(max(total, size), size, max(0, total - size), tuple(self.problems))

    def _check_checkpoint(self, vkey: str | None, note: bytes | None) -> tuple[Checkpoint | None, int]:
        key: VerifierKey | None = None
        try:
            key = VerifierKey.parse(vkey) if vkey is not None else load_vkey(self.directory)
        except ConfigurationInvalid as error:
            self.report(VKEY_FILE if vkey is None else "vkey", 0, 0, -1, str(error))
        if note is None:
            return None, 0
        try:
            checkpoint = parse_checkpoint(note)
            if key is not None:
                verify_checkpoint(note, key)
        except LogDamaged as error:
            self.report(CHECKPOINT_FILE, 0, len(note), -1, str(error))
            try:
                checkpoint = parse_checkpoint(note)
            except LogDamaged:
                return None, 0
        return checkpoint, checkpoint.size

    def _list_tiles(self) -> None:
        for folder, _, names in os.walk(self.directory / "tile"):
            for name in names:
                path = Path(folder, name)
                relative = path.relative_to(self.directory).as_posix()
                found: TileName | None = parse_path(relative)
                if found is not None:
                    self._files.setdefault((found.level, found.index), set()).add(found.width)
                elif not (name.startswith(".") and name.endswith(TEMPORARY_SUFFIX)):
                    self.report(relative, 0, path.stat().st_size, -1, "is not a file of a tile log")

    # --- entries and their leaf hashes -----------------------------------------------------------------------------

    def _check_bundle(self, index: int, signed: int) -> list[bytes]:
        """Check bundle and leaf tile *index*, of which *signed* entries are under the checkpoint; returns leaf hashes."""
        first = index * TILE_WIDTH
        bundle_name, bundle = self._read_needed(None, index, signed)
        tile_name, tile = self._read_needed(0, index, signed)
        found = split_bundle(bundle, signed)
        hashes = split_hashes(tile)[:signed]
        if len(found) < signed and bundle_name:
            start = found[-1][0] + 2 + len(found[-1][1]) if found else 0
            text = f"entry {first + len(found)} can't be read: its length does not fit the file"
            self.report(bundle_name, start, len(bundle), first + len(found), text)
        if len(hashes) < signed and tile_name:
            self.report(
                tile_name, len(hashes) * HASH_BYTES, len(tile), first + len(hashes), f"holds {len(hashes)} of {signed} hashes"
            )
        leaves = self._settle(index, signed, found, hashes, bundle_name, tile_name)
        entries = [entry for _, entry in found]
        for position, entry in enumerate(entries):
            if self._kept:
                self._tick_off(entry)
            else:
                self._compare_journal(first + position, entry)
            self._check_attachment(first + position, entry, bundle_name)
        self._skip_journal(first + signed)
        while len(entries) == len(leaves) < TILE_WIDTH and self._next and self._next.index == first + len(leaves):
            entries.append(self._next.payload)
            leaves.append(leaf_hash(self._next.payload))
            self._check_attachment(self._next.index, self._next.payload, self._next.file)
            self._next = next(self._journal, None)
        if len(found) == signed:
            self._compare_bundles(index, entries)
        else:
            self._files.pop((None, index), None)
        self._check_tile(Tile(0, index, tuple(leaves)), needed=False, known_bad=tile_name)
        return leaves

    def _read_needed(self, level: int | None, index: int, width: int) -> tuple[str, bytes]:
        """(path, bytes) of a file the checkpoint needs, from the full one where the partial is gone; empty when missing."""
        if not width:
            return "", b""
        for tried in dict.fromkeys((width, TILE_WIDTH)):
            name = tile_path(level, index, tried)
            try:
                return name, (self.directory / name).read_bytes()
            except FileNotFoundError:
                pass
        what = "entries" if level is None else "hashes"
        first = index * TILE_WIDTH << 8 * (level or 0)
        self.report(tile_path(level, index, width), 0, 0, first, f"is missing: the checkpoint needs its {width} {what}")
        return "", b""

    def _settle(
        self, index: int, signed: int, found: list[tuple[int, bytes]], hashes: list[bytes], bundle_name: str, tile_name: str
    ) -> list[bytes]:
        """Where entries and leaf hashes disagree, report it, and find out from the level above which side was altered."""
        computed = [leaf_hash(entry) for _, entry in found]
        by_entries = computed + hashes[len(computed) :]
        by_tile = hashes + computed[len(hashes) :]
        if by_entries == by_tile:
            return by_entries
        above = self._hash_above(index) if signed == TILE_WIDTH and len(by_tile) == TILE_WIDTH else b""
        entries_are_right = bool(above) and full_root(by_entries) == above
        tile_is_right = bool(above) and full_root(by_tile) == above
        for position, (mine, theirs) in enumerate(zip(by_entries, by_tile, strict=True)):
            if mine == theirs:
                continue
            number, (offset, entry) = index * TILE_WIDTH + position, found[position]
            at = position * HASH_BYTES
            start, end = offset, offset + 2 + len(entry)
            verdict = (
                "the hash was altered" if entries_are_right else "the entry was altered" if tile_is_right else "one was altered"
            )
            text = (
                f"entry {number} ({kind_of(entry)}) in {bundle_name} (bytes {start} to {end}) does not match its leaf hash in "
                f"{tile_name} (bytes {at} to {at + HASH_BYTES}): {verdict}"
            )
            if entries_are_right:
                self.report(tile_name, at, at + HASH_BYTES, number, text)
            else:
                self.report(bundle_name, start, end, number, text)
        return by_entries if entries_are_right else by_tile

    def _hash_above(self, index: int) -> bytes:
        above, position = divmod(index, TILE_WIDTH)
        for width in sorted(self._files.get((1, above), ()), reverse=True):
            if width > position:
                try:
                    tile = (self.directory / tile_path(1, above, width)).read_bytes()
                except FileNotFoundError:
                    continue
                return tile[position * HASH_BYTES : (position + 1) * HASH_BYTES]
        return b""

    # --- files against what they must hold -------------------------------------------------------------------------

    def _compare_bundles(self, index: int, entries: list[bytes]) -> None:
        for width in self._take_files(None, index, len(entries)):
            expected = encode_bundle(entries[:width])
            at = self._first_difference(tile_path(None, index, width), expected)
            if at < 0:
                continue
            offset = 0
            for position, entry in enumerate(entries[:width]):
                if at < offset + 2 + len(entry) or position == width - 1:
                    break
                offset += 2 + len(entry)
            number = index * TILE_WIDTH + position
            text = f"entry {number} ({kind_of(entry)}) differs from the same entry elsewhere in the log"
            self.report(tile_path(None, index, width), offset, offset + 2 + len(entry), number, text)

    def _check_tile(self, tile: Tile, *, needed: bool, known_bad: str = "") -> None:
        """Check every file that holds the first hashes of *tile*. *known_bad* was reported on already."""
        if needed and not self._files.get((tile.level, tile.index)):
            self._read_needed(tile.level, tile.index, len(tile.hashes))
        for width in self._take_files(tile.level, tile.index, len(tile.hashes)):
            name = tile_path(tile.level, tile.index, width)
            if name == known_bad and any(name in (p.file, *p.text.split()) for p in self.problems):
                continue
            at = self._first_difference(name, b"".join(tile.hashes[:width]))
            if at < 0:
                continue
            place = at // HASH_BYTES
            span = 1 << 8 * tile.level
            first = (tile.index * TILE_WIDTH + place) * span
            text = f"its hash {place} is not the one computed for entries {first} to {first + span - 1}"
            self.report(name, place * HASH_BYTES, (place + 1) * HASH_BYTES, first if tile.level == 0 else -1, text)

    def _take_files(self, level: int | None, index: int, limit: int) -> list[int]:
        """The widths present up to *limit*, each handed out once."""
        present = self._files.get((level, index), set())
        taken = sorted(width for width in present if width <= limit)
        present.difference_update(taken)
        return taken

    def _first_difference(self, name: str, expected: bytes) -> int:
        """Where the file first differs from *expected*; -1 when it does not, or was replaced by the full one meanwhile."""
        try:
            actual = (self.directory / name).read_bytes()
        except FileNotFoundError:
            return -1
        if actual == expected:
            return -1
        pairs = enumerate(zip(actual, expected, strict=False))
        return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(actual), len(expected)))

    # --- the journal -----------------------------------------------------------------------------------------------

    def _compare_journal(self, index: int, entry: bytes) -> None:
        self._skip_journal(index)
        mine = self._next
        if mine and mine.index == index:
            if mine.payload != entry:
                text = f"entry {index} ({kind_of(mine.payload)}) is not the one in the entry bundle ({kind_of(entry)})"
                self.report(mine.file, mine.start, mine.end, index, text)
            self._next = next(self._journal, None)

    def _skip_journal(self, index: int) -> None:
        while self._next and self._next.index < index:
            self._next = next(self._journal, None)

    def _journal_entries(self, readers: list[SegmentReader], journal: int, start: int = 0) -> Iterator[_Journaled]:
        """A journal's entries from *start* on, in order; whatever breaks their sequence is reported on the way."""
        expected = readers[0].segment.first if readers else 0
        for position, reader in enumerate(readers):
            name = f"{journal_name(journal)}/{reader.segment.path.name}"
            if reader.segment.first != expected:
                self.report(
                    name, 0, 0, expected, f"begins with entry {reader.segment.first}; entries from {expected} on are missing"
                )
            is_last = position == len(readers) - 1
            if start and not is_last and readers[position + 1].segment.first <= start:
                expected = readers[position + 1].segment.first
                continue
            if start > reader.segment.first:
                reader.seek(start)
            yield from self._segment_entries(reader, name, is_last=is_last)
            expected = reader.index

    def _segment_entries(self, reader: SegmentReader, name: str, *, is_last: bool) -> Iterator[_Journaled]:
        patience = 3 if is_last else 0
        while True:
            for frame in reader.frames():
                if frame.is_entry:
                    yield _Journaled(frame.index, frame.payload, name, frame.offset, frame.end)
            rest = reader.rest()
            if not rest:
                return
            later = next((frame for frame in later_frames(rest, 0, reader.offset) if frame.index >= reader.index), None)
            if later is None and patience:
                patience -= 1
                time.sleep(_TAIL_PATIENCE_SECONDS)
                continue
            if later and later.offset == reader.offset and later.index == reader.index:
                continue  # written in the meantime
            end = later.offset if later else reader.offset + len(rest)
            what = "was altered" if later else "was altered, or a crash cut its writing off"
            self.report(name, reader.offset, end, reader.index, f"no valid record here: entry {reader.index} {what}")
            if later is None:
                return
            reader.offset, reader.index = later.offset, later.index

    # --- several journals ------------------------------------------------------------------------------------------

    def _read_heads(self) -> tuple[Order | None, bytes | None]:
        """The order and the checkpoint's bytes, of one moment: both may be written anew while they are read."""
        path = self.directory / CHECKPOINT_FILE
        for attempt in range(_SIGNING_PATIENCE):
            note = path.read_bytes() if path.exists() else None
            if not is_shared(self.directory):
                break
            try:
                order = read_order(self.directory)
                places_of(order, parse_checkpoint(note).size if note is not None else 0)
            except LogDamaged as error:
                if attempt == _SIGNING_PATIENCE - 1:
                    self.report(ORDER_FILE, 0, 0, -1, str(error))
                time.sleep(_TAIL_PATIENCE_SECONDS)
                continue
            return order, note
        return None, note

    def _take_up_journals(self, order: Order | None, size: int) -> None:
        """Check what of each journal is in the tree against it, and give what is not in the order it will be signed in."""
        places = places_of(order, size)
        waiting: dict[int, Iterator[_Journaled]] = {}
        for journal in journals(self.directory):
            count = places.get(journal, Place()).count
            self._kept[journal] = self._kept_entries(_open_segments(self.directory, self._stack, journal), journal, count)
            self._await(journal)
            readers = _open_segments(self.directory, self._stack, journal)
            waiting[journal] = self._journal_entries(readers, journal, count)
        runs = order.waiting(size) if order else ()
        merged = in_order(waiting, runs, _time_of_journaled)
        self._journal = (replace(entry, index=index) for index, (_journal, entry) in enumerate(merged, size))

    def _kept_entries(self, readers: list[SegmentReader], journal: int, count: int) -> Iterator[_Journaled]:
        """The entries before number *count* that the journal still holds."""
        last = -1
        if readers and readers[0].segment.first < count:
            for entry in self._journal_entries(readers, journal):
                yield entry
                last = entry.index
                if last >= count - 1:
                    return
        if count and (not readers or last >= 0):
            self.report(journal_name(journal), 0, 0, -1, f"ends before entry {count - 1} of this journal, which is signed")

    def _await(self, journal: int) -> None:
        entry = next(self._kept[journal], None)
        if entry is None:
            self._awaited.pop(journal, None)
        else:
            self._awaited[journal] = entry

    def _tick_off(self, entry: bytes) -> None:
        """*entry* is next in the tree: some journal had it, or had it and is rid of it."""
        for journal, awaited in self._awaited.items():
            if awaited.payload == entry:
                self._await(journal)
                return

    # --- attachments -----------------------------------------------------------------------------------------------

    def _check_attachment(self, index: int, entry: bytes, file: str) -> None:
        if _ATTACHMENT not in entry:
            return
        try:
            digest = msgspec.json.decode(entry, type=_Attached).attachment.removeprefix("sha256:")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        name = f"{ATTACHMENTS_FOLDER}/{digest[:2]}/{digest}"
        if digest and digest not in self._checked and not (self.directory / name).is_file():
            self._checked.add(digest)
            self.report(name, 0, 0, index, f"is missing; entry {index} in {file} names it")

    def _check_attachments(self) -> None:
        for path in sorted((self.directory / ATTACHMENTS_FOLDER).glob("*/*")):
            if path.name.startswith(".") and path.name.endswith(TEMPORARY_SUFFIX):
                continue
            text = path.read_bytes()
            if sha256(text).hexdigest() != path.name:
                name = path.relative_to(self.directory).as_posix()
                self.report(name, 0, len(text), -1, "its text was altered: it does not match the digest that is its name")


def _time_of_journaled(entry: _Journaled) -> int:
    return time_of(entry.payload)
