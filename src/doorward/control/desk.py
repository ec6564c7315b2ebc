"""The approvals desk: requests come in from gateways, people answer, the answer goes back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from doorward.approvals.eligibility import conflict_of_interest, not_asked
from doorward.approvals.workflow import Event, after
from doorward.control.changes import Changes
from doorward.control.operators import Operator
from doorward.errors import AuditUnavailable, Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model.approval import Answer, ApprovalRequest, RequestState
from doorward.model.identity import Principal
from doorward.store.records import RequestRecord
from doorward.store.repositories import Store

REASON_LIMIT = 1000
LIST_LIMIT = 200

# Why an approver may not answer a request, in words for them; empty if they may.
MayApprove = Callable[[Principal, ApprovalRequest], str]

_EVENT_OF = {RequestState.WITHDRAWN.value: Event.WITHDRAW, RequestState.EXPIRED.value: Event.EXPIRE}


class Answering(Protocol):
    """The gateways, as the desk sees them: they write the answer to the log before they act on it."""

    @property
    def is_connected(self) -> bool:
        """Whether anyone is there."""

    async def answer(self, answer: Answer) -> None:
        """Pass *answer* on."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request as one caller sees it. *why_not* says why they can't answer it; empty if they can."""

    record: RequestRecord
    why_not: str

    @property
    def may_answer(self) -> bool:
        """Whether it waits, and for this caller's word."""
        return self.record.state is RequestState.PENDING and not self.why_not


class Desk:
    """Requests and answers. A request of a gateway that is lost is withdrawn: nobody waits for it any more."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        gateways: Answering,
        may_approve: MayApprove,
        now: Callable[[], int],
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._changes = changes
        self._gateways = gateways
        self._may_approve = may_approve
        self._now = now
        self._changed = changed
        self._asked_by: dict[str, int] = {}

    def withdraw_left_over(self) -> None:
        """Withdraw what an earlier run left pending; call it before a gateway connects."""
        for record in self._store.requests.in_state(RequestState.PENDING, -1):
            self._end(record.request.id, Event.WITHDRAW)

    def asked(self, gateway: int, request: ApprovalRequest) -> None:
        """Take in a request."""
        self._asked_by[request.id] = gateway
        self._store.requests.add(request)
        self._changed()

    def settled(self, request_id: str, state: str) -> None:
        """Take in that a request ended on the gateway's side. An answer that was given here stands."""
        event = _EVENT_OF.get(state)
        if event is not None:
            self._end(request_id, event)

    def gateway_lost(self, gateway: int) -> None:
        """Withdraw everything that the gateway asked."""
        for request_id in [asked for asked, by in self._asked_by.items() if by == gateway]:
            self._end(request_id, Event.WITHDRAW)

    def questions(self, by: Operator, state: RequestState | None = None) -> tuple[Question, ...]:
        """The newest requests in *state* (None: any) that *by* may see: as a reader, a party to them, or an approver."""
        self._expire_due()
        found = (self._as_seen_by(by, record) for record in self._store.requests.in_state(state, LIST_LIMIT))
        return tuple(question for question in found if _may_see(by, question))

    def question(self, by: Operator, request_id: str) -> Question:
        """One request. Raises NotFound, also if *by* may not see it."""
        self._expire_due()
        record = self._store.requests.by_id(request_id)
        question = self._as_seen_by(by, record) if record else None
        if question is None or not _may_see(by, question):
            raise NotFound("There is no such request.", "See the list of requests.")
        return question

    async def answer(self, request_id: str, approver: Operator, approved: bool, reason: str) -> RequestRecord:
        """Give *approver*'s word. The gateway logs it before it acts on it.

        Raises NotPermitted, Conflict if it was answered or has ended, AuditUnavailable if no gateway is there.
        """
        if len(reason) > REASON_LIMIT:
            raise InvalidRequest(f"A reason has at most {REASON_LIMIT} characters.")
        async with self._changes.turn():
            question = self.question(approver, request_id)
            if approver.principal is None or question.why_not:
                raise NotPermitted(f"You can't answer this request. {question.why_not}", "Ask another approver.")
            state = after(question.record.state, Event.APPROVE if approved else Event.REJECT)
            if not self._gateways.is_connected:
                raise AuditUnavailable("No gateway is there to record the answer.", "The client has to ask again.")
            person = approver.principal
            answer = Answer(request_id, approved, person.id, person.name, reason, self._now())
            if not self._store.requests.settle(request_id, state, answer.at_us, answer):
                raise Conflict("It has just been settled otherwise.", "Look at the request again.")
            self._asked_by.pop(request_id, None)
            await self._gateways.answer(answer)
        self._changed()
        return RequestRecord(question.record.request, state, answer, answer.at_us)

    def _as_seen_by(self, by: Operator, record: RequestRecord) -> Question:
        if by.principal is None:
            return Question(record, "The local operator administers and does not approve; sign in as a person.")
        why_not = conflict_of_interest(by.principal, record.request) or self._may_approve(by.principal, record.request)
        return Question(record, why_not)

    def _end(self, request_id: str, event: Event) -> None:
        self._asked_by.pop(request_id, None)
        self._store.requests.settle(request_id, after(RequestState.PENDING, event), self._now(), None)
        self._changed()

    def _expire_due(self) -> None:
        now_us = self._now()
        for record in self._store.requests.in_state(RequestState.PENDING, -1):
            if record.request.expires_us <= now_us:
                self._end(record.request.id, Event.EXPIRE)


def _may_see(by: Operator, question: Question) -> bool:
    if by.may_read_all or not question.why_not or by.principal is None:
        return True
    request = question.record.request
    if not not_asked(by.principal, request):
        return True
    answer = question.record.answer
    parties = (request.principal_id, *request.actor_ids, answer.by_id if answer else "")
    return by.principal.id in parties
