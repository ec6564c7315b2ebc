"""A waiting execution, the question put to approvers, and their answer."""

from __future__ import annotations

from enum import Enum

import msgspec


class RequestState(Enum):
    """Where a request stands. PENDING is the only state that can change."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # the client cancelled or went away
    EXPIRED = "expired"


class ApprovalRequest(msgspec.Struct, frozen=True):
    """The question: who wants to run exactly what, where, and which rule asks.

    *binding* is a hash over statement, parameters, objects, identity and policy version; an approval is good for it alone.
    *asked_us* and *expires_us* are microseconds since the epoch. *in_transaction* warns of held locks.
    """

    id: str
    session: str
    chain: str
    principal_id: str
    actor_ids: tuple[str, ...]
    upstream: str
    statement: str
    parameters: tuple[str, ...]
    action: str
    objects: tuple[str, ...]
    labels: tuple[str, ...]
    rules: tuple[str, ...]
    reason: str
    approvers: str
    policy_version: str
    binding: str
    asked_us: int
    expires_us: int
    in_transaction: bool = False


class Answer(msgspec.Struct, frozen=True):
    """An approver's word. *approved* False is a rejection."""

    request_id: str
    approved: bool
    by_id: str
    by_name: str
    reason: str
    at_us: int
