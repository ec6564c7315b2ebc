"""How a request moves: one table, state by event. A missing cell is a refusal."""

from __future__ import annotations

from enum import Enum

from doorward.errors import Conflict
from doorward.model.approval import RequestState


class Event(Enum):
    """What can happen to a request."""

    SECOND = "second"  # a yes, and it takes more
    TAKE_BACK = "take back"  # somebody's yes counts no more; others are still missing
    ESCALATE = "escalate"  # another group is asked as well
    APPROVE = "approve"  # the last yes that it takes
    REJECT = "reject"
    WITHDRAW = "withdraw"  # the client cancelled or went away
    EXPIRE = "expire"
    LAPSE = "lapse"  # what was approved is not there any more
    REVOKE = "revoke"  # what was approved is taken back


TRANSITIONS: dict[tuple[RequestState, Event], RequestState] = {
    (RequestState.PENDING, Event.SECOND): RequestState.PENDING,
    (RequestState.PENDING, Event.TAKE_BACK): RequestState.PENDING,
    (RequestState.PENDING, Event.ESCALATE): RequestState.PENDING,
    (RequestState.PENDING, Event.APPROVE): RequestState.APPROVED,
    (RequestState.PENDING, Event.REJECT): RequestState.REJECTED,
    (RequestState.PENDING, Event.WITHDRAW): RequestState.WITHDRAWN,
    (RequestState.PENDING, Event.EXPIRE): RequestState.EXPIRED,
    # The answer and the end of the wait crossed: whoever waits was told of the end, so nothing ran on the answer.
    (RequestState.APPROVED, Event.WITHDRAW): RequestState.LAPSED,
    (RequestState.APPROVED, Event.EXPIRE): RequestState.LAPSED,
    (RequestState.APPROVED, Event.LAPSE): RequestState.LAPSED,
    (RequestState.APPROVED, Event.REVOKE): RequestState.REVOKED,
}

_STANDS = {
    RequestState.PENDING: "It still waits for an answer.",
    RequestState.APPROVED: "It was approved already.",
    RequestState.REJECTED: "It was rejected already.",
    RequestState.WITHDRAWN: "The client stopped waiting for it.",
    RequestState.EXPIRED: "Its time ran out.",
    RequestState.LAPSED: "It was approved, and came to nothing.",
    RequestState.REVOKED: "It was taken back.",
}


def after(state: RequestState, event: Event) -> RequestState:
    """The state that *event* leads to. Raises Conflict where the table has no cell."""
    following = TRANSITIONS.get((state, event))
    if following is None:
        raise Conflict(_STANDS[state], "Nothing was changed. The statement can be run again, which asks again.")
    return following
