"""The transition table, over all its cells."""

import itertools

import pytest

from doorward.approvals.workflow import TRANSITIONS, Event, after
from doorward.errors import Conflict
from doorward.model.approval import RequestState

EXPECTED = {
    RequestState.PENDING: {
        Event.SECOND: RequestState.PENDING,
        Event.TAKE_BACK: RequestState.PENDING,
        Event.ESCALATE: RequestState.PENDING,
        Event.APPROVE: RequestState.APPROVED,
        Event.REJECT: RequestState.REJECTED,
        Event.WITHDRAW: RequestState.WITHDRAWN,
        Event.EXPIRE: RequestState.EXPIRED,
    },
    RequestState.APPROVED: {
        Event.WITHDRAW: RequestState.LAPSED,
        Event.EXPIRE: RequestState.LAPSED,
        Event.LAPSE: RequestState.LAPSED,
        Event.REVOKE: RequestState.REVOKED,
    },
}
CELLS = list(itertools.product(RequestState, Event))


@pytest.mark.parametrize(("state", "event"), CELLS)
def test_every_cell_is_as_it_should_be(state: RequestState, event: Event) -> None:
    """A move, or a refusal that says where the request stands."""
    expected = EXPECTED.get(state, {}).get(event)
    if expected is None:
        with pytest.raises(Conflict) as refused:
            after(state, event)
        assert refused.value.message
        assert refused.value.remedy
    else:
        assert after(state, event) is expected


def test_what_came_to_nothing_never_moves() -> None:
    """Only what waits can be approved, and only what was approved can lapse or be taken back."""
    assert {state for state, _event in TRANSITIONS} == {RequestState.PENDING, RequestState.APPROVED}
    assert [state for (state, _event), following in TRANSITIONS.items() if following is RequestState.APPROVED] == [
        RequestState.PENDING
    ]
