"""From the journal into signed tiles. Every step is safe to be cut off anywhere: the checkpoint comes last.

What is signed was on stable storage in the journal first, and extends what was signed before; else nothing is signed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from doorward.audit.checkpoint import Checkpoint, Signer, read_checkpoint, verify_checkpoint, write_checkpoint
from doorward.audit.files import make_directory, sync_directory, write_durably
from doorward.audit.journal import JOURNAL_FOLDER, Segment, SegmentReader, later_frames, segments
from doorward.audit.merkle import EMPTY_ROOT, TILE_WIDTH, Tile, Tree, edge_widths, leaf_hash
from doorward.audit.tiles import TileFiles, encode_bundle, tile_path
from doorward.errors import AuditUnavailable, Conflict, LogDamaged

LOCK_FILE = "sequencer.lock"
_REMEDY = "Nothing more is signed until this is settled: run `doorward audit verify` and restore what it names from a backup."


class Sequencer:
    """Integrates what the journal holds into the tree of *directory*. One at a time; :meth:`close` when done."""

    def __init__(self, directory: Path, signer: Signer) -> None:
        self.directory = directory
        self._signer = signer
        self._tree: Tree | None = None  # None: to be read from the directory first
        self._signed: Checkpoint | None = None
        self._bundle: list[bytes] = []  # entries of the incomplete bundle
        self._reader: SegmentReader | None = None
        self._stale: set[Path] = set()  # directories with names that are not yet durable
        self._lock = _take_lock(directory)

    def close(self) -> None:
        """Let go of the directory."""
        self._forget()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def step(self) -> Checkpoint | None:
        """Integrate and sign all entries that are durable by now; None when there is nothing new.

        Raises LogDamaged, and signs nothing, when journal or tiles do not extend the last checkpoint; AuditUnavailable when
        the disk refuses. The next step starts over from what the directory holds.
        """
        try:
            return self._step()
        except OSError as error:
            self._forget()
            raise AuditUnavailable(
                f"The audit log's tiles could not be written: {os.strerror(error.errno or errno.EIO)}.",
                "Free space on the log's disk and check its permissions; statements go on, their entries are signed later.",
            ) from error
        except LogDamaged:
            self._forget()
            raise

    def _step(self) -> Checkpoint | None:
        tree = self._tree or self._load()
        for payload in self._durable_entries(tree.size):
            self._integrate(tree, payload)
        signed = self._signed
        if tree.size == (signed.size if signed else 0):
            return None
        self._write_edge(tree)
        for folder in sorted(self._stale):
            sync_directory(folder)
        self._stale.clear()
        checkpoint = self._signer.sign(tree.size, tree.root())
        write_checkpoint(self.directory, checkpoint)
        self._signed = checkpoint
        self._delete_integrated(checkpoint.size)
        return checkpoint

    def _forget(self) -> None:
        self._tree = None
        self._stale.clear()
        if self._reader:
            self._reader.close()
            self._reader = None

    def _load(self) -> Tree:
        """The tree as last signed, proven by its root; the journal's overlap with it must be the same entries."""
        found = read_checkpoint(self.directory) or self._begin()
        self._signed = verify_checkpoint(found.note, self._signer.vkey)
        size = self._signed.size
        files = TileFiles(self.directory, size)
        widths = edge_widths(size)
        tree = Tree(size, [files.hashes(level, size >> 8 * (level + 1)) if width else [] for level, width in enumerate(widths)])
        if tree.root() != self._signed.root:
            raise LogDamaged(f"The tiles do not lead to the root hash signed for {size} entries.", _REMEDY)
        self._bundle = files.entries(size // TILE_WIDTH) if widths[0] else []
        for position, entry in enumerate(self._bundle):
            if leaf_hash(entry) != files.hashes(0, size // TILE_WIDTH)[position]:
                index = size - len(self._bundle) + position
                raise LogDamaged(
                    f"Entry {index} does not match its leaf hash in {tile_path(0, size // TILE_WIDTH, widths[0])}.",
                    _REMEDY,
                    index,
                )
        self._reader = self._find_place(size, files)
        self._tree = tree
        return tree

    def _begin(self) -> Checkpoint:
        """Sign the empty log before any tile exists: tiles without a checkpoint then mean that it was taken away."""
        if (self.directory / "tile").is_dir():
            raise LogDamaged(
                "There are tiles but no checkpoint: it was taken away.", f"{_REMEDY} Any later copy of it will do."
            )
        checkpoint = self._signer.sign(0, EMPTY_ROOT)
        write_checkpoint(self.directory, checkpoint)
        return checkpoint

    def _find_place(self, size: int, files: TileFiles) -> SegmentReader | None:
        """The journal, at entry *size*; None when nothing was ever written."""
        found = segments(self.directory)
        before = [segment for segment in found if segment.first <= size]
        if not before:
            if found or size:
                raise LogDamaged(f"The journal does not hold entry {size}, the next one to sign.", _REMEDY, size)
            return None
        reader = SegmentReader(before[-1])
        try:
            for frame in reader.frames():
                if not frame.is_entry:
                    continue
                if frame.index == size:
                    reader.offset, reader.index = frame.offset, frame.index
                    break
                if leaf_hash(frame.payload) != files.hashes(0, frame.index // TILE_WIDTH)[frame.index % TILE_WIDTH]:
                    raise LogDamaged(
                        f"Entry {frame.index} in {reader.segment.path.name} is not the one signed.", _REMEDY, frame.index
                    )
            if reader.index != size:
                raise LogDamaged(
                    f"The journal can be read up to entry {reader.index} only; {size} are signed.", _REMEDY, reader.index
                )
        except BaseException:
            reader.close()
            raise
        return reader

    def _durable_entries(self, size: int) -> Iterator[bytes]:
        """The entries from *size* on, each put on stable storage before it is read."""
        if self._reader is None:
            self._reader = self._find_place(size, TileFiles(self.directory, size))
        while self._reader is not None:
            reader = self._reader
            # Asked first: a segment that has a successor is complete.
            later = [segment for segment in segments(self.directory) if segment.first > reader.segment.first]
            end = reader.length()
            reader.sync()
            for frame in reader.frames(end):
                if frame.is_entry:
                    yield frame.payload
            _require_whole(reader, end, later)
            if not later:
                return
            self._reader = SegmentReader(later[0])
            reader.close()

    def _integrate(self, tree: Tree, payload: bytes) -> None:
        self._bundle.append(payload)
        full = tree.append(leaf_hash(payload))
        if full:
            self._put_full(None, full[0].index, encode_bundle(self._bundle))
            self._bundle = []
        for tile in full:
            self._put_full(tile.level, tile.index, b"".join(tile.hashes))

    def _write_edge(self, tree: Tree) -> None:
        if self._bundle:
            width = len(self._bundle)
            self._put(tile_path(None, tree.size // TILE_WIDTH, width), encode_bundle(self._bundle))
        for tile in tree.partial():
            self._put(_path_of(tile), b"".join(tile.hashes))

    def _put_full(self, level: int | None, index: int, content: bytes) -> None:
        """Write a full tile or bundle, then remove the partial ones that it replaces."""
        path = self._put(tile_path(level, index), content)
        sync_directory(path.parent)
        shutil.rmtree(f"{path}.p", ignore_errors=True)

    def _put(self, name: str, content: bytes) -> Path:
        """Write a file that never changes; one that is there already, from a step cut off, must be the same."""
        path = self.directory / name
        try:
            if path.read_bytes() != content:
                raise LogDamaged(f"{name} exists with other content than the journal leads to.", _REMEDY)
        except FileNotFoundError:
            make_directory(path.parent, 0o755)
            write_durably(path, content)
        self._stale.add(path.parent)
        return path

    def _delete_integrated(self, signed: int) -> None:
        """Delete segments that hold nothing but signed entries, the last two segments excepted (recovery reads them)."""
        found = segments(self.directory)
        done = [segment for segment, after in pairwise(found[:-1]) if after.first <= signed]
        if done:
            # The oldest one kept must be known to be durable, name and bytes, before what precedes it goes.
            with SegmentReader(found[len(done)]) as reader:
                reader.sync()
            sync_directory(self.directory / JOURNAL_FOLDER)
            for segment in done:
                segment.path.unlink()


def _path_of(tile: Tile) -> str:
    return tile_path(tile.level, tile.index, len(tile.hashes))


def _require_whole(reader: SegmentReader, end: int, later: list[Segment]) -> None:
    """Raise LogDamaged when reading stopped at a place that is not simply the end of what was written so far."""
    name = reader.segment.path.name
    if reader.offset < end and next(later_frames(reader.read(reader.offset, end - reader.offset), 0), None):
        raise LogDamaged(
            f"{name} is damaged at byte {reader.offset}: entry {reader.index} can't be read.", _REMEDY, reader.index
        )
    if later and later[0].first != reader.index:
        raise LogDamaged(
            f"The journal has a hole: {name} ends before entry {reader.index}, the next begins with {later[0].first}.",
            _REMEDY,
            reader.index,
        )


def _take_lock(directory: Path) -> int:
    lock = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Conflict(
            f"Another process signs the audit log in {directory}.", "Stop it first: one log has one sequencer."
        ) from None
    return lock
