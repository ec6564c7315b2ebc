"""A waiting execution, the question put to approvers, and their answer."""

from __future__ import annotations

from enum import Enum

import msgspec

from doorward.model.access import AccessWish


class RequestState(Enum):
    """Where a request stands: PENDING until it is settled. ``approvals.workflow`` says what may follow on what."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"  # the client cancelled or went away
    EXPIRED = "expired"
    LAPSED = "lapsed"  # approved, and good for nothing by then: nobody waited any more, or what it was for had changed
    REVOKED = "revoked"  # approved, and taken back


class ApprovalRequest(msgspec.Struct, frozen=True):
    """The question: who wants to run exactly what, where, and which rule asks.

    *binding* is a hash over statement, parameters, objects, identity and policy version; an approval is good for it alone.
    *asked_us* and *expires_us* are microseconds since the epoch. *in_transaction* warns of held locks.
    *wish* is set when access for a time is asked for, and nobody waits on a connection.
    It takes *quorum* different people of *approvers*; from *escalates_us* on the group *escalates_to* may answer as well, if
    one is named. *form* tells like statements, which differ in values alone: a digest, empty where it is not known.
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
    quorum: int = 1
    escalates_to: str = ""
    escalates_us: int = 0
    wish: AccessWish | None = None
    form: str = ""

    def escalated(self, now_us: int) -> bool:
        """Whether *escalates_to* is asked as well by now."""
        return bool(self.escalates_to) and now_us >= self.escalates_us

    @property
    def parties(self) -> tuple[str, ...]:
        """The ids of everybody in the chain that asks."""
        return (self.principal_id, *self.actor_ids)

    @property
    def speaker_id(self) -> str:
        """Whoever holds the connection: the last of the chain."""
        return self.parties[-1]


class Voice(msgspec.Struct, frozen=True):
    """One person's yes to a request that takes several."""

    by_id: str
    by_name: str
    reason: str
    at_us: int


class Answer(msgspec.Struct, frozen=True):
    """An approver's word. *approved* False is a rejection. *others* said yes before, when it takes several."""

    request_id: str
    approved: bool
    by_id: str
    by_name: str
    reason: str
    at_us: int
    others: tuple[Voice, ...] = ()
