"""What a client wants of Doorward, as it says with the connection."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import InvalidRequest
from doorward.proxy.wishes import NONE, read_wishes
from doorward.wire.postgres import startup
from doorward.wire.postgres.client_side import ClientHandshake


def test_bounds_and_the_word_for_reports_are_read() -> None:
    wishes = read_wishes({"read_only": "ON", "rows": "5", "report": "abcdefgh"})
    assert [(bounds.read_only, bounds.rows) for bounds in wishes.bounds] == [(True, 5)]
    assert wishes.report == "abcdefgh"


def test_without_any_there_is_nothing_to_heed() -> None:
    assert read_wishes({}) == read_wishes({"read_only": "off", "rows": "0"}) == NONE


@pytest.mark.parametrize(
    ("name", "value"),
    [("read_only", "perhaps"), ("rows", "-1"), ("rows", "1e3"), ("rows", "9" * 30), ("rows", "\N{ARABIC-INDIC DIGIT THREE}"),
     ("report", "short"), ("report", "with a space")],
)  # fmt: skip
def test_what_is_not_understood_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidRequest):
        read_wishes({name: value})


@pytest.mark.parametrize("name", ["doorward.read_only", "doorward.readonly", "Doorward.READ_ONLY", "doorward.read-only"])
def test_a_bound_is_heeded_however_it_is_spelled(name: str) -> None:
    (wish,) = ClientHandshake().receive(startup.startup_packet("alice", "shop", {name: "on", "doorward.job": "nightly"}))
    assert wish.wishes == {"read_only": "on"}  # type: ignore[union-attr]
    assert wish.claimed == (("job", "nightly"),)  # type: ignore[union-attr]


# Without what can't be in a packet, and without names that mean something in it.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(st.dictionaries(TEXTS.map("doorward.".__add__) | st.sampled_from(["doorward.rows", "Doorward.x", "search_path"]), TEXTS))
def test_nothing_that_is_for_us_reaches_the_database(settings: dict[str, str]) -> None:
    (wish,) = ClientHandshake().receive(startup.startup_packet("alice", "shop", settings))
    assert not any(name.lower().startswith("doorward.") for name in wish.settings)  # type: ignore[union-attr]
