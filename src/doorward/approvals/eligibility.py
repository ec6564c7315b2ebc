"""Who may answer a request: a person, not a party to it, of a group that was asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from doorward.model.approval import ApprovalRequest, Voice
from doorward.model.identity import Principal, PrincipalKind

# As policy joins them: whoever answers is in all of them.
GROUP_JOINT = "+"


@dataclass(frozen=True, slots=True)
class StandIn:
    """Somebody answers for a group that they need not be in, for a time. *named_by_id* is who said so."""

    group: str
    principal_id: str
    named_by_id: str


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


def spoke_already(approver: Principal, voices: Iterable[Voice]) -> str:
    """Why a second yes of *approver* would count for nothing; empty if they have not said any."""
    said = any(voice.by_id == approver.id for voice in voices)
    return "You have said yes already; it takes somebody else as well." if said else ""


def standing_in(approver: Principal, request: ApprovalRequest, stand_ins: Iterable[StandIn]) -> Principal:
    """*approver* with the groups that they answer for now.

    Who was named by somebody in the chain that asks answers for nobody there: that would be an answer by proxy.
    """
    groups = [
        found.group for found in stand_ins if found.principal_id == approver.id and found.named_by_id not in request.parties
    ]
    return replace(approver, groups=tuple(dict.fromkeys((*approver.groups, *groups)))) if groups else approver


def asked_now(request: ApprovalRequest, now_us: int) -> tuple[ApprovalRequest, ...]:
    """*request* as it is put to each group that may answer it by now: the first one, and whom it was escalated to."""
    if not request.escalated(now_us):
        return (request,)
    return (request, msgspec.structs.replace(request, approvers=request.escalates_to))


def not_asked(approver: Principal, request: ApprovalRequest) -> str:
    """Why *request* is not put to *approver*, in words for them; empty if they are of the group that is asked."""
    groups = [group for group in request.approvers.split(GROUP_JOINT) if group]
    if not groups:
        return "No group is named to answer it."
    missing = [group for group in groups if group not in approver.groups]
    if missing:
        return f"It takes a member of the group {' and '.join(map(repr, missing))}."
    return ""
