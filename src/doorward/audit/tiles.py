"""Where tiles and entry bundles live and how they are coded (C2SP tlog-tiles)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from doorward.audit.merkle import TILE_HEIGHT, TILE_WIDTH, full_root
from doorward.errors import LogDamaged

HASH_BYTES = 32
_LENGTH = struct.Struct(">H")
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True)
class TileName:
    """What a path under ``tile/`` means. *level* is None for an entry bundle."""

    level: int | None
    index: int
    width: int


def tile_path(level: int | None, index: int, width: int = TILE_WIDTH) -> str:
    """The path of a tile, or with *level* None of an entry bundle; a *width* under 256 names a partial one."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.append(f"x{index % 1000:03}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{'entries' if level is None else level}/{'/'.join(reversed(groups))}{partial}"


def parse_path(path: str) -> TileName | None:
    """The meaning of *path*, or None when the specification knows no such path."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    level = None if found[1] == "entries" else int(found[1])
    name = TileName(level, int(found[2].replace("/", "").replace("x", "")), int(found[3] or TILE_WIDTH))
    return name if tile_path(name.level, name.index, name.width) == path else None


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Entries, each behind its length in two bytes."""
    return b"".join([part for entry in entries for part in (_LENGTH.pack(len(entry)), entry)])


def split_bundle(bundle: bytes, width: int) -> list[tuple[int, bytes]]:
    """(offset of its length prefix, entry) for the entries of *bundle*, as far as it can be read, at most *width*."""
    entries: list[tuple[int, bytes]] = []
    offset = 0
    while len(entries) < width and offset + 2 <= len(bundle):
        end = offset + 2 + _LENGTH.unpack_from(bundle, offset)[0]
        if end > len(bundle):
            break
        entries.append((offset, bundle[offset + 2 : end]))
        offset = end
    return entries


def split_hashes(tile: bytes) -> list[bytes]:
    """The hashes of a tile; a trailing fragment is left out."""
    return [tile[i : i + HASH_BYTES] for i in range(0, len(tile) - HASH_BYTES + 1, HASH_BYTES)]


class TileFiles:
    """The tiles and bundles of a log directory as a tree of *size* entries needs them."""

    def __init__(self, directory: Path, size: int) -> None:
        self.directory = directory
        self.size = size
        self._kept: dict[tuple[int, int], list[bytes]] = {}

    def width(self, level: int, index: int) -> int:
        """How many hashes the tree has in a tile: 256, fewer at the right edge, 0 beyond it."""
        return max(0, min(TILE_WIDTH, (self.size >> TILE_HEIGHT * level) - index * TILE_WIDTH))

    def read(self, level: int | None, index: int, width: int) -> bytes:
        """The bytes of a tile or bundle, from the full one where the partial is gone; LogDamaged when there is neither."""
        for tried in (width, TILE_WIDTH):
            try:
                return (self.directory / tile_path(level, index, tried)).read_bytes()
            except FileNotFoundError:
                pass
        raise LogDamaged(
            f"{tile_path(level, index, width)} is missing, though the log's checkpoint of {self.size} entries needs it.",
            "Restore it from a backup; `doorward audit verify` lists everything that is wrong.",
            index * TILE_WIDTH << TILE_HEIGHT * (level or 0),
        )

    def hashes(self, level: int, index: int) -> list[bytes]:
        """The hashes of a tile, as many as the tree has there; LogDamaged when it is short."""
        known = self._kept.get((level, index))
        if known is None:
            width = self.width(level, index)
            known = split_hashes(self.read(level, index, width))[:width]
            if len(known) < width:
                raise LogDamaged(
                    f"{tile_path(level, index, width)} is shorter than its {width} hashes.", "Restore it from a backup."
                )
            if len(self._kept) > 64:
                self._kept.clear()
            self._kept[level, index] = known
        return known

    def entries(self, index: int) -> list[bytes]:
        """The entries of a bundle, as many as the tree has there; LogDamaged when it can't be read."""
        width = self.width(0, index)
        found = [entry for _, entry in split_bundle(self.read(None, index, width), width)]
        if len(found) < width:
            raise LogDamaged(
                f"{tile_path(None, index, width)} can be read only up to entry {index * TILE_WIDTH + len(found)}.",
                "Restore it from a backup; `doorward audit verify` lists everything that is wrong.",
                index * TILE_WIDTH + len(found),
            )
        return found

    def node(self, level: int, index: int) -> bytes:
        """The hash of the full subtree over leaves [index << level, (index + 1) << level)."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        tile, start = divmod(first, TILE_WIDTH)
        return full_root(self.hashes(tile_level, tile)[start : start + (1 << height)])
