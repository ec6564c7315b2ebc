"""How a request moves: one table, state by event. A missing cell is a refusal."""

from __future__ import annotations

from enum import Enum

from doorward.errors import Conflict
from doorward.model.approval import RequestState


class Event(Enum):
    """What can happen to a request."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"  # the client cancelled or went away
    EXPIRE = "expire"


TRANSITIONS: dict[tuple[RequestState, Event], RequestState] = {
    (RequestState.PENDING, Event.APPROVE): RequestState.APPROVED,
    (RequestState.PENDING, Event.REJECT): RequestState.REJECTED,
    (RequestState.PENDING, Event.WITHDRAW): RequestState.WITHDRAWN,
    (RequestState.PENDING, Event.EXPIRE): RequestState.EXPIRED,
}

_ENDED = {
    RequestState.APPROVED: "It was approved already.",
    RequestState.REJECTED: "It was rejected already.",
    RequestState.WITHDRAWN: "The client stopped waiting for it.",
    RequestState.EXPIRED: "Its time ran out.",
}


def after(state: RequestState, event: Event) -> RequestState:
    """The state that *event* leads to. Raises Conflict where the table has no cell."""
    following = TRANSITIONS.get((state, event))
    if following is None:
        raise Conflict(_ENDED[state], "Nothing was changed. The statement can be run again, which asks again.")
    return following
