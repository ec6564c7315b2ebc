"""Who may answer a request, whatever the policy adds: a person, not a party to it, of the group that was asked."""

from __future__ import annotations

from doorward.model.approval import ApprovalRequest
from doorward.model.identity import Principal, PrincipalKind


def why_not(approver: Principal, request: ApprovalRequest) -> str:
    """Why *approver* may not answer *request*, in words for them; empty if they may.

    Nobody answers for themselves, nor for an agent that acts for them.
    """
    if approver.kind is not PrincipalKind.HUMAN:
        return "Only a person can answer a request."
    if approver.id == request.principal_id:
        asks_through_agent = bool(request.actor_ids)
        return "It is asked in your name by your agent." if asks_through_agent else "It is your own request."
    if approver.id in request.actor_ids:
        return "It is your own request."
    if request.approvers not in approver.groups:
        return f"It takes a member of {request.approvers!r}." if request.approvers else "Nobody is named to approve it."
    return ""
