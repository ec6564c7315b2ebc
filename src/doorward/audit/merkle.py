"""The RFC 6962 hash tree: grown a leaf at a time in tiles of 256, proofs of inclusion and consistency. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

TILE_WIDTH = 256
TILE_HEIGHT = 8
EMPTY_ROOT = sha256(b"").digest()

# (level, index) to the hash of the full subtree over leaves [index << level, (index + 1) << level).
Node = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 section 2.1, a leaf."""
    return sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1, an inner node."""
    return sha256(b"\1" + left + right).digest()


def full_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power of two of subtree hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile's hashes: 256 of them, or fewer at the right edge (tlog-tiles, "Merkle Tree")."""

    level: int
    index: int
    hashes: tuple[bytes, ...]


class Tree:
    """The right edge of a growing tree: for each tile level the hashes of its last, incomplete tile."""

    def __init__(self, size: int = 0, edge: Iterable[Sequence[bytes]] = ()) -> None:
        self.size = size
        self._edge: list[list[bytes]] = [list(hashes) for hashes in edge] or [[]]

    def append(self, leaf: bytes) -> list[Tile]:
        """Add one leaf hash; returns the tiles that became full, lowest first."""
        self.size += 1
        row = self._edge[0]
        row.append(leaf)
        return [] if len(row) < TILE_WIDTH else self._carry()

    def _carry(self) -> list[Tile]:
        full = []
        level = 0
        while len(self._edge[level]) == TILE_WIDTH:
            hashes = tuple(self._edge[level])
            full.append(Tile(level, (self.size >> TILE_HEIGHT * (level + 1)) - 1, hashes))
            self._edge[level] = []
            level += 1
            if level == len(self._edge):
                self._edge.append([])
            self._edge[level].append(full_root(hashes))
        return full

    def partial(self) -> list[Tile]:
        """The incomplete tiles at the right edge, without the empty ones."""
        return [
            Tile(level, self.size >> TILE_HEIGHT * (level + 1), tuple(hashes))
            for level, hashes in enumerate(self._edge)
            if hashes
        ]

    def root(self) -> bytes:
        """The tree head over all leaves so far."""
        parts = []  # full subtrees from the smallest, rightmost one on
        for hashes in self._edge:
            end = len(hashes)
            for bit in range(TILE_HEIGHT):
                width = 1 << bit
                if end & width:
                    parts.append(full_root(hashes[end - width : end]))
                    end -= width
        if not parts:
            return EMPTY_ROOT
        root = parts[0]
        for left in parts[1:]:
            root = node_hash(left, root)
        return root


def edge_widths(size: int) -> list[int]:
    """For a tree of *size*, how many hashes the last, incomplete tile of each level has (0: none)."""
    widths = []
    while True:
        widths.append(size % TILE_WIDTH)
        size //= TILE_WIDTH
        if not size:
            return widths


def range_root(start: int, end: int, node: Node) -> bytes:
    """The root over leaves [start, end), where *start* is a multiple of the greatest power of two in the range."""
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(node(level, start >> level))
        start += 1 << level
    root = parts.pop()
    while parts:
        root = node_hash(parts.pop(), root)
    return root


def _split(width: int) -> int:
    return 1 << ((width - 1).bit_length() - 1)


def inclusion_path(index: int, size: int, node: Node) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 section 2.1.1, from the leaf's sibling up."""
    if not 0 <= index < size:
        raise ValueError(f"Entry {index} is not in a tree of {size}.")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_root(middle, end, node))
            end = middle
        else:
            path.append(range_root(start, middle, node))
            start = middle
    return path[::-1]


def root_of_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that *path* leads to from *leaf* (RFC 9162 section 2.1.3.2); ValueError when it has the wrong length."""
    if not 0 <= index < size:
        raise ValueError(f"Entry {index} is not in a tree of {size}.")
    position, last, root = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise ValueError("The proof is too long.")
        if position & 1 or position == last:
            root = node_hash(sibling, root)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            root = node_hash(root, sibling)
        position >>= 1
        last >>= 1
    if last:
        raise ValueError("The proof is too short.")
    return root


def consistency_path(old: int, size: int, node: Node) -> list[bytes]:
    """PROOF(old, D[size]) of RFC 6962 section 2.1.2; empty when *old* is 0 or *size*."""
    if not 0 <= old <= size:
        raise ValueError(f"A tree of {size} does not extend one of {old}.")
    if old in (0, size):
        return []
    path = []
    start, end, is_known = 0, size, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range_root(middle, end, node))
            end = middle
        else:
            path.append(range_root(start, middle, node))
            start, is_known = middle, False
    if not is_known:
        path.append(range_root(start, end, node))
    return path[::-1]


def is_consistent(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether *path* proves that the tree of *size* extends the one of *old* (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= size:
        return False
    if old == size:
        return not path and old_root == root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    hashes = list(path)
    if old & (old - 1) == 0:
        hashes.insert(0, old_root)
    if not hashes:
        return False
    position, last = old - 1, size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    first = second = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first = node_hash(sibling, first)
            second = node_hash(sibling, second)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            second = node_hash(second, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == root
