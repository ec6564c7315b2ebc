"""From the journals into signed tiles. Every step is safe to be cut off anywhere: the checkpoint comes last.

What is signed was on stable storage in a journal first, and extends what was signed before; else nothing is signed.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sys
import time
from pathlib import Path

from doorward.audit.checkpoint import Checkpoint, Signer, read_checkpoint, verify_checkpoint, write_checkpoint
from doorward.audit.files import make_directory, put_aside, sync_directory, sync_file
from doorward.audit.following import REMEDY, Follower, IsSigned
from doorward.audit.journal import journals
from doorward.audit.merkle import EMPTY_ROOT, TILE_WIDTH, Tile, Tree, edge_widths, leaf_hash
from doorward.audit.order import Batch, Order, Place, places_of, read_order, write_order
from doorward.audit.tiles import TileFiles, encode_bundle, tile_path
from doorward.errors import AuditUnavailable, Conflict, LogDamaged

LOCK_FILE = "sequencer.lock"
# What is taken from each journal for one checkpoint: a backlog of any length goes through in this much memory.
BATCH_BYTES = 8 << 20
_LOCK_SECONDS = 0.5


class Sequencer:
    """Integrates what the journals hold into the tree of *directory*. One at a time; :meth:`close` when done."""

    def __init__(self, directory: Path, signer: Signer) -> None:
        self.directory = directory
        self._signer = signer
        self._tree: Tree | None = None  # None: to be read from the directory first
        self._signed: Checkpoint | None = None
        self._bundle: list[bytes] = []  # entries of the incomplete bundle
        self._followers: dict[int, Follower] = {}
        self._places: dict[int, Place] = {}
        self._order: Order | None = None
        self._aside: list[tuple[Path, Path]] = []  # files of the batch that have not got their names yet
        self._stale: set[Path] = set()  # directories with names that are not yet durable
        self._replaced: list[Path] = []  # directories of partial tiles whose full one is in the batch
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
        newest = None
        while batch := self._next_batch(tree.size):
            for payload in batch.entries:
                self._integrate(tree, payload)
            self._write_edge(tree)
            self._publish()
            newest = self._signer.sign(tree.size, tree.root())
            write_checkpoint(self.directory, newest)
            self._signed = newest
            self._places = batch.after(self._places)
            for journal, follower in self._followers.items():
                follower.delete_before(self._places.get(journal, Place()).count)
        return newest

    def _next_batch(self, size: int) -> Batch | None:
        """The next entries in their order, which is on stable storage if there is more than one journal; None if none."""
        for journal in journals(self.directory):
            if journal not in self._followers:
                place = self._places.get(journal, Place())
                self._followers[journal] = Follower(self.directory, journal, place, self._is_signed(size, journal))
        order = self._order
        if order is not None and (runs := order.waiting(size)):
            return self._again(runs)
        # Before there was an order tiles may have been made of journal 0: until it has its first, they must come first.
        alone = order is None
        taken = {0: self._followers[0].take(BATCH_BYTES)} if alone else {}
        if not any(taken.values()):
            taken = {journal: follower.take(BATCH_BYTES) for journal, follower in self._followers.items()}
        batch = Batch.of(taken)
        if not batch.entries:
            return None
        if order is not None or len(self._followers) > 1:
            self._order = Order(size, self._places, batch.after(self._places), batch.runs)
            write_order(self.directory, self._order)
        return batch

    def _again(self, runs: tuple[tuple[int, int], ...]) -> Batch:
        """The batch that a step was cut off in: as its order says, for there may be tiles of it."""
        wanted: dict[int, int] = {}
        for journal, count in runs:
            wanted[journal] = wanted.get(journal, 0) + count
        taken: dict[int, list[bytes]] = {}
        for journal, count in wanted.items():
            follower = self._followers.get(journal)
            taken[journal] = follower.take(sys.maxsize, count) if follower else []
            if len(taken[journal]) < count:
                raise LogDamaged(f"The journal {journal} lacks entries that were about to be signed.", REMEDY)
        return Batch.of(taken, runs)

    def _is_signed(self, size: int, journal: int) -> IsSigned | None:
        """How to tell a signed entry by its index; None where an index in the journal is not one in the log."""
        if self._order is not None or journal:
            return None
        files = TileFiles(self.directory, size)
        return lambda index, payload: leaf_hash(payload) == files.hashes(0, index // TILE_WIDTH)[index % TILE_WIDTH]

    def _forget(self) -> None:
        self._tree = None
        self._aside.clear()
        self._stale.clear()
        self._replaced.clear()
        for follower in self._followers.values():
            follower.close()
        self._followers.clear()

    def _load(self) -> Tree:
        """The tree as last signed, proven by its root; the journals' overlap with it must be the same entries."""
        found = read_checkpoint(self.directory) or self._begin()
        self._signed = verify_checkpoint(found.note, self._signer.vkey)
        size = self._signed.size
        files = TileFiles(self.directory, size)
        widths = edge_widths(size)
        tree = Tree(size, [files.hashes(level, size >> 8 * (level + 1)) if width else [] for level, width in enumerate(widths)])
        if tree.root() != self._signed.root:
            raise LogDamaged(f"The tiles do not lead to the root hash signed for {size} entries.", REMEDY)
        self._bundle = files.entries(size // TILE_WIDTH) if widths[0] else []
        for position, entry in enumerate(self._bundle):
            if leaf_hash(entry) != files.hashes(0, size // TILE_WIDTH)[position]:
                index = size - len(self._bundle) + position
                raise LogDamaged(
                    f"Entry {index} does not match its leaf hash in {tile_path(0, size // TILE_WIDTH, widths[0])}.",
                    REMEDY,
                    index,
                )
        self._order = read_order(self.directory)
        self._places = places_of(self._order, size)
        self._tree = tree
        return tree

    def _begin(self) -> Checkpoint:
        """Sign the empty log before any tile exists: tiles without a checkpoint then mean that it was taken away."""
        if (self.directory / "tile").is_dir():
            raise LogDamaged("There are tiles but no checkpoint: it was taken away.", f"{REMEDY} Any later copy of it will do.")
        checkpoint = self._signer.sign(0, EMPTY_ROOT)
        write_checkpoint(self.directory, checkpoint)
        return checkpoint

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
        """Write a full tile or bundle, and remember the partial ones that it replaces."""
        path = self._put(tile_path(level, index), content)
        self._replaced.append(path.with_name(f"{path.name}.p"))

    def _put(self, name: str, content: bytes) -> Path:
        """Write a file that never changes; one that is there already, from a step cut off, must be the same."""
        path = self.directory / name
        try:
            if path.read_bytes() != content:
                raise LogDamaged(f"{name} exists with other content than the journal leads to.", REMEDY)
        except FileNotFoundError:
            make_directory(path.parent, 0o755)
            self._aside.append((put_aside(path, content, sync=False), path))
        self._stale.add(path.parent)
        return path

    def _publish(self) -> None:
        """Put the batch's files on stable storage, then give them their names; then remove the partial ones they replace.

        All of them at once: the system can write out together what was written together.
        """
        for temporary, _path in self._aside:
            sync_file(temporary)
        for temporary, path in self._aside:
            os.replace(temporary, path)
        self._aside.clear()
        for folder in sorted(self._stale):
            sync_directory(folder)
        self._stale.clear()
        for folder in self._replaced:
            shutil.rmtree(folder, ignore_errors=True)
        self._replaced.clear()


def _path_of(tile: Tile) -> str:
    return tile_path(tile.level, tile.index, len(tile.hashes))


def _take_lock(directory: Path) -> int:
    lock = os.open(directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # A reader that asks whether somebody signs holds it for a moment.
            if time.monotonic() < deadline:
                time.sleep(0.01)
                continue
            os.close(lock)
            raise Conflict(
                f"Another process signs the audit log in {directory}.", "Stop it first: one log has one sequencer."
            ) from None
        return lock
