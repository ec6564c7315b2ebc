"""The transition table, over all its cells."""

import itertools

import pytest

from doorward.approvals.workflow import TRANSITIONS, Event, after
from doorward.errors import Conflict
from doorward.model.approval import RequestState

EXPECTED = {
    Event.APPROVE: RequestState.APPROVED,
    Event.REJECT: RequestState.REJECTED,
    Event.WITHDRAW: RequestState.WITHDRAWN,
    Event.EXPIRE: RequestState.EXPIRED,
}


@pytest.mark.parametrize("event", Event)
def test_pending_request_moves_where_the_event_says(event: Event) -> None:
    """A pending request can go every way."""
    assert after(RequestState.PENDING, event) is EXPECTED[event]


@pytest.mark.parametrize(
    ("state", "event"), list(itertools.product([state for state in RequestState if state is not RequestState.PENDING], Event))
)
def test_ended_request_never_moves(state: RequestState, event: Event) -> None:
    """An answer, an expiry or a withdrawal is final."""
    with pytest.raises(Conflict):
        after(state, event)


def test_table_holds_no_cell_beyond_those_tested() -> None:
    """Four ways out of PENDING, and nothing else."""
    assert len(TRANSITIONS) == len(Event)
