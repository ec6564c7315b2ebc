"""Who may answer a request: a person, not a party to it, of the group that was asked."""

from __future__ import annotations

from doorward.model.approval import ApprovalRequest
from doorward.model.identity import Principal, PrincipalKind


def conflict_of_interest(approver: Principal, request: ApprovalRequest) -> str:
    """Why *approver* could never answer *request*, whatever a policy says; empty if nothing stands against it.

    Nobody answers for themselves, nor for an agent that acts for them; and only people answer.
    """
    if approver.kind is not PrincipalKind.HUMAN:
        return "Only a person can answer a request."
    if approver.id in request.actor_ids:
        return "It is your own request."
    if approver.id == request.principal_id:
        return "It is asked in your name by your agent." if request.actor_ids else "It is your own request."
    return ""


def not_asked(approver: Principal, request: ApprovalRequest) -> str:
    """Why *request* is not put to *approver*, in words for them; empty if they are of the group that is asked."""
    if not request.approvers:
        return "No group is named to answer it."
    if request.approvers not in approver.groups:
        return f"It takes a member of the group {request.approvers!r}."
    return ""
