"""Paths and bundles as tlog-tiles spells them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.audit.tiles import TileName, encode_bundle, parse_path, split_bundle, tile_path


def test_the_specifications_example_path() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"


@given(st.none() | st.integers(0, 63), st.integers(0, 10**12), st.integers(1, 256))
def test_every_path_is_read_back(level: int | None, index: int, width: int) -> None:
    assert parse_path(tile_path(level, index, width)) == TileName(level, index, width)


@pytest.mark.parametrize(
    "path",
    [
        "tile/00/000",
        "tile/0/0",
        "tile/0/x000/001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/x/000",
        "tile/0/001/002",
    ],
)
def test_other_spellings_are_refused(path: str) -> None:
    assert parse_path(path) is None


@given(st.lists(st.binary(max_size=300), max_size=256), st.integers(0, 400))
def test_a_bundle_is_read_as_far_as_it_goes(entries: list[bytes], cut: int) -> None:
    bundle = encode_bundle(entries)
    assert [entry for _, entry in split_bundle(bundle, 256)] == entries
    found = [entry for _, entry in split_bundle(bundle[: len(bundle) - cut] if cut else bundle, 256)]
    assert found == entries[: len(found)]
