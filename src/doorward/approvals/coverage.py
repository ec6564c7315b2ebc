"""What an approval is good for: exactly what was approved, in time, once."""

from __future__ import annotations

from dataclasses import dataclass

from doorward.model.approval import Answer, ApprovalRequest


@dataclass(frozen=True, slots=True)
class Grant:
    """A yes with its limits. *binding* is the request's hash over all that was approved."""

    request_id: str
    binding: str
    by_id: str
    expires_us: int

    def covers(self, binding: str, now_us: int) -> bool:
        """Whether an execution with *binding* may run on it at *now_us*. An empty binding is covered by nothing."""
        return bool(binding) and binding == self.binding and now_us < self.expires_us


def grant_from(request: ApprovalRequest, answer: Answer) -> Grant | None:
    """The grant that *answer* gives to *request*; None for a rejection, a stranger's answer, one that came late or of too few.

    A yes of anybody in the chain that asks counts for nothing, and nobody counts twice.
    """
    if not answer.approved or answer.request_id != request.id or answer.at_us >= request.expires_us:
        return None
    if answer.by_id in request.parties:
        return None
    people = {answer.by_id, *(voice.by_id for voice in answer.others)} - {"", *request.parties}
    if len(people) < max(1, request.quorum):
        return None
    return Grant(request.id, request.binding, answer.by_id, request.expires_us)
