"""Which columns of a result are shown."""

from __future__ import annotations

import itertools

import hypothesis
import pytest
from hypothesis import strategies as st

from doorward.masking.plan import MASK_OF, plan_result
from doorward.model.catalog import Label
from doorward.model.masking import Mask
from doorward.model.result import Provenance, ResultColumn

LABELS = {(10, 1): Label.NONE, (10, 2): Label.EMAIL, (10, 3): Label.SECRET, (10, 4): Label.UNCLASSIFIED}


def column(oid: int, number: int) -> ResultColumn:
    return ResultColumn("c", oid, number, 25, -1, -1, 0)


BARE = {"clear": (10, 1), "email": (10, 2), "secret": (10, 3), "unclassified": (10, 4), "unknown": (99, 1), "dropped": (10, 9)}
EXPRESSIONS = {"expression": (0, 0), "half an origin": (10, 0), "other half": (0, 2)}


@pytest.mark.parametrize(
    ("origin", "flags"), list(itertools.product(BARE | EXPRESSIONS, itertools.product([False, True], repeat=4)))
)
def test_every_cell_of_the_decision(origin: str, flags: tuple[bool, bool, bool, bool]) -> None:
    """Origin by (all clear, this one clear, origins hold, cleared for e-mail)."""
    all_clear, one_clear, origins_hold, has_email = flags
    plan = plan_result(
        [column(*(BARE | EXPRESSIONS)[origin])],
        LABELS,
        frozenset({Label.EMAIL}) if has_email else frozenset(),
        expressions_are_clear=all_clear,
        clear_outputs=frozenset({0}) if one_clear else frozenset(),
        origins_hold=origins_hold,
    )
    if origin == "email" and has_email:
        expected = Provenance.CLEARED
    elif origin in BARE and origin != "clear":
        expected = Provenance.LABELLED
    elif (origin == "clear" and origins_hold) or all_clear or one_clear:
        expected = Provenance.CLEAR
    else:
        expected = Provenance.UNPROVEN
    assert plan.treatments[0].provenance is expected
    assert plan.is_clear == (expected in (Provenance.CLEAR, Provenance.CLEARED))
    assert plan.shows_protected == (expected is Provenance.CLEARED)
    if expected is Provenance.UNPROVEN:
        assert plan.masks == (Mask.FULL_HIDING_NULL,)


@pytest.mark.parametrize("label", [label for label in Label if label.is_protected])
def test_every_protected_label_has_a_mask(label: Label) -> None:
    """Of its own, or in full; never none."""
    plan = plan_result([column(1, 1)], {(1, 1): label}, frozenset())
    assert plan.masks == (MASK_OF.get(label, Mask.FULL),)
    assert plan.masks[0] is not Mask.NONE


@hypothesis.given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 3)), max_size=5),
    st.dictionaries(st.tuples(st.integers(0, 3), st.integers(-2, 3)), st.sampled_from(Label)),
    st.frozensets(st.sampled_from(Label)),
    st.booleans(),
    st.frozensets(st.integers(0, 4)),
    st.booleans(),
)
def test_a_column_is_shown_only_for_a_reason(
    origins: list[tuple[int, int]],
    labels: dict[tuple[int, int], Label],
    cleared: frozenset[Label],
    all_clear: bool,
    clear_outputs: frozenset[int],
    origins_hold: bool,
) -> None:
    """Its label is clear or cleared, or it was proven; one plan entry for each column."""
    columns = [column(*origin) for origin in origins]
    plan = plan_result(
        columns, labels, cleared, expressions_are_clear=all_clear, clear_outputs=clear_outputs, origins_hold=origins_hold
    )
    assert len(plan.masks) == len(plan.treatments) == len(columns)
    for position, (origin, mask) in enumerate(zip(origins, plan.masks, strict=True)):
        if mask is not Mask.NONE:
            continue
        proven = all_clear or position in clear_outputs
        if all(origin):
            label = labels.get(origin, Label.UNCLASSIFIED)
            assert label in cleared or (label is Label.NONE and (origins_hold or proven))
        else:
            assert proven


@pytest.mark.parametrize("origin", list(BARE))
def test_an_observed_result_is_shown_whole_and_says_what_was_in_it(origin: str) -> None:
    """Nothing is masked; what would have been is noted as cleared, with its label."""
    columns = [column(*BARE[origin]), column(0, 0)]
    enforced = plan_result(columns, LABELS, frozenset())
    plan = plan_result(columns, LABELS, frozenset(), observed=True)
    assert plan.is_clear
    for before, now in zip(enforced.treatments, plan.treatments, strict=True):
        assert now.label is before.label
        assert now.provenance is (Provenance.CLEARED if before.is_masked else before.provenance)
