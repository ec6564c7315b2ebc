"""The hash tree against a naive RFC 6962 implementation, written as the RFC's recursion reads."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.audit.merkle import (
    EMPTY_ROOT,
    TILE_WIDTH,
    Tree,
    consistency_path,
    edge_widths,
    inclusion_path,
    is_consistent,
    leaf_hash,
    node_hash,
    root_of_inclusion,
)


def naive_root(entries: list[bytes]) -> bytes:
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return sha256(b"\1" + naive_root(entries[:split]) + naive_root(entries[split:])).digest()


def naive_path(index: int, entries: list[bytes]) -> list[bytes]:
    if len(entries) == 1:
        return []
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if index < split:
        return [*naive_path(index, entries[:split]), naive_root(entries[split:])]
    return [*naive_path(index - split, entries[split:]), naive_root(entries[:split])]


def naive_proof(old: int, entries: list[bytes], is_known: bool = True) -> list[bytes]:
    if old == len(entries):
        return [] if is_known else [naive_root(entries)]
    split = 1
    while split * 2 < len(entries):
        split *= 2
    if old <= split:
        return [*naive_proof(old, entries[:split], is_known), naive_root(entries[split:])]
    return [*naive_proof(old - split, entries[split:], False), naive_root(entries[:split])]


def grown(entries: list[bytes]) -> Tree:
    tree = Tree()
    for entry in entries:
        tree.append(leaf_hash(entry))
    return tree


def node_of(entries: list[bytes]):
    return lambda level, index: naive_root(entries[index << level : (index + 1) << level])


# The eight leaves and roots that certificate transparency implementations publish.
LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", ROOTS)
def test_published_roots_come_out(size: int) -> None:
    assert grown(LEAVES[:size]).root().hex() == ROOTS[size]


def test_empty_tree_has_the_hash_of_nothing() -> None:
    assert Tree().root() == EMPTY_ROOT == sha256(b"").digest()


def test_leaves_and_nodes_are_hashed_apart() -> None:
    """Without the prefix bytes a node could be passed off as an entry."""
    assert node_hash(b"a" * 32, b"b" * 32) != leaf_hash(b"a" * 32 + b"b" * 32)


@given(st.integers(0, 600))
@settings(max_examples=60, deadline=None)
def test_root_equals_the_naive_one(size: int) -> None:
    entries = [b"%d" % number for number in range(size)]
    assert grown(entries).root() == naive_root(entries)


@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.integers(0, size - 1), st.just(size))))
@settings(deadline=None)
def test_inclusion_path_is_the_rfcs_and_proves(case: tuple[int, int]) -> None:
    index, size = case
    entries = [b"%d" % number for number in range(size)]
    path = inclusion_path(index, size, node_of(entries))
    assert path == naive_path(index, entries)
    assert root_of_inclusion(leaf_hash(entries[index]), index, size, path) == naive_root(entries)


@given(st.integers(1, 70).flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size))))
@settings(deadline=None)
def test_consistency_path_is_the_rfcs_and_proves(case: tuple[int, int]) -> None:
    old, size = case
    entries = [b"%d" % number for number in range(size)]
    path = consistency_path(old, size, node_of(entries))
    assert path == naive_proof(old, entries)
    assert is_consistent(old, naive_root(entries[:old]), size, naive_root(entries), path)


@given(st.integers(2, 40).flatmap(lambda size: st.tuples(st.integers(1, size - 1), st.just(size))), st.data())
@settings(deadline=None)
def test_altered_proofs_prove_nothing(case: tuple[int, int], data: st.DataObject) -> None:
    old, size = case
    entries = [b"%d" % number for number in range(size)]
    root, old_root = naive_root(entries), naive_root(entries[:old])
    path = consistency_path(old, size, node_of(entries))
    place = data.draw(st.integers(0, len(path) - 1))
    altered = [*path[:place], sha256(path[place]).digest(), *path[place + 1 :]]
    for wrong in (altered, path[:-1], [*path, path[-1]]):
        assert not is_consistent(old, old_root, size, root, wrong)
    assert not is_consistent(old, sha256(old_root).digest(), size, root, path)
    assert not is_consistent(size, root, old, old_root, path)


def test_inclusion_refuses_a_path_of_the_wrong_length() -> None:
    entries = [b"a", b"b", b"c"]
    path = inclusion_path(1, 3, node_of(entries))
    with pytest.raises(ValueError, match="long"):
        root_of_inclusion(leaf_hash(b"b"), 1, 3, [*path, path[0]])
    with pytest.raises(ValueError, match="short"):
        root_of_inclusion(leaf_hash(b"b"), 1, 3, path[:-1])
    with pytest.raises(ValueError, match="not in a tree"):
        root_of_inclusion(leaf_hash(b"b"), 3, 3, path)


def test_tiles_fill_as_the_specification_counts() -> None:
    """tlog-tiles' own example: 70,000 entries leave partial tiles of 112, 17 and 1."""
    tree = Tree()
    full = [tile for number in range(70_000) for tile in tree.append(number.to_bytes(32, "big"))]
    assert [sum(tile.level == level for tile in full) for level in (0, 1, 2)] == [273, 1, 0]
    assert [(tile.level, tile.index, len(tile.hashes)) for tile in tree.partial()] == [(0, 273, 112), (1, 1, 17), (2, 0, 1)]
    assert edge_widths(70_000) == [112, 17, 1]


def test_tree_goes_on_from_its_edge() -> None:
    entries = [b"%d" % number for number in range(TILE_WIDTH + 5)]
    whole = grown(entries)
    first = grown(entries[: TILE_WIDTH + 2])
    edge = {tile.level: tile.hashes for tile in first.partial()}
    again = Tree(first.size, [edge.get(level, ()) for level in range(2)])
    for entry in entries[TILE_WIDTH + 2 :]:
        again.append(leaf_hash(entry))
    assert again.root() == whole.root()
