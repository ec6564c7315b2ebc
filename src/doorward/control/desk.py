"""The approvals desk: requests come in from gateways, people answer, the answer goes back."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from msgspec import UNSET

from doorward.approvals.eligibility import StandIn, asked_now, conflict_of_interest, not_asked, spoke_already, standing_in
from doorward.approvals.workflow import TRANSITIONS, Event, after
from doorward.control.changes import Changes
from doorward.control.operators import Operator
from doorward.errors import AuditUnavailable, Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model.approval import Answer, ApprovalRequest, RequestState, Voice
from doorward.model.entry import ActorStamp, HoldAnswered, HoldMoved
from doorward.model.identity import Principal, PrincipalKind
from doorward.model.notice import Occasion
from doorward.store.records import RequestRecord
from doorward.store.repositories import Store

REASON_LIMIT = 1000
LIST_LIMIT = 200
# Of the last so many requests of anybody, so many of the same chain.
HISTORY_REACH = 500
HISTORY_LIMIT = 5

# Why an approver may not answer a request, in words for them; empty if they may.
MayApprove = Callable[[Principal, ApprovalRequest], str]

# Tells outside what became of a request, by whom and with what words where a person did it. Never waits, never fails.
Tell = Callable[[Occasion, ApprovalRequest, str, str], None]


def _nobody_told(_occasion: Occasion, _request: ApprovalRequest, _by: str, _word: str) -> None:
    """Where nobody is to be told."""


# How a request ends, as it is told outside.
_TOLD_OF = {
    Event.APPROVE: Occasion.APPROVED,
    Event.REJECT: Occasion.REJECTED,
    Event.WITHDRAW: Occasion.WITHDRAWN,
    Event.EXPIRE: Occasion.EXPIRED,
    Event.LAPSE: Occasion.LAPSED,
    Event.REVOKE: Occasion.REVOKED,
}

# What a gateway says of the end of a wait. That it took up an answer changes nothing here.
_EVENT_OF = {
    RequestState.WITHDRAWN.value: Event.WITHDRAW,
    RequestState.EXPIRED.value: Event.EXPIRE,
    RequestState.LAPSED.value: Event.LAPSE,
}


class Answering(Protocol):
    """The gateways, as the desk sees them: they write the answer to the log before they act on it."""

    @property
    def is_connected(self) -> bool:
        """Whether anyone is there."""

    async def answer(self, answer: Answer) -> None:
        """Pass *answer* on."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request as one caller sees it. *why_not* says why they can't answer it; empty if they can.

    *voices* are those whose yes counts as things are now; *missing* is how many more it takes.
    """

    record: RequestRecord
    why_not: str
    voices: tuple[Voice, ...] = ()
    missing: int = 0
    is_escalated: bool = False

    @property
    def may_answer(self) -> bool:
        """Whether it waits, and for this caller's word."""
        return self.record.state is RequestState.PENDING and not self.why_not


class Desk:
    """Requests and answers. A request of a gateway that is lost is withdrawn: nobody waits for it any more.

    *stand_ins* tells who answers for a group now without being of it. *freshen* brings what gateways know of an upstream up to
    date before an approval, which is good only for objects that are still the same. *tell* hears what becomes of each request.
    """

    def __init__(
        self,
        store: Store,
        changes: Changes,
        gateways: Answering,
        may_approve: MayApprove,
        now: Callable[[], int],
        changed: Callable[[], None],
        stand_ins: Callable[[], tuple[StandIn, ...]] = tuple,
        freshen: Callable[[str], Awaitable[None]] | None = None,
        tell: Tell = _nobody_told,
    ) -> None:
        self._store = store
        self._changes = changes
        self._gateways = gateways
        self._tell = tell
        self._may_approve = may_approve
        self._now = now
        self._changed = changed
        self._stand_ins = stand_ins
        self._freshen = freshen
        self._asked_by: dict[str, int] = {}
        self._escalated: set[str] = set()
        self._begin_access: Callable[[ApprovalRequest, Answer], Awaitable[None]] | None = None

    def withdraw_left_over(self) -> None:
        """Withdraw statements that an earlier run left pending; call it before a gateway connects. Wishes go on waiting."""
        for record in self._store.requests.in_state(RequestState.PENDING, -1):
            if record.request.wish is None:
                self._end(record.request.id, Event.WITHDRAW)

    def when_wish_is_approved(self, begin: Callable[[ApprovalRequest, Answer], Awaitable[None]]) -> None:
        """What to do when access for a time was approved: the log has the answer by then."""
        self._begin_access = begin

    def take_in(self, request: ApprovalRequest) -> None:
        """Take in a wish, which no gateway asks."""
        self._store.requests.add(request)
        self._tell(Occasion.ASKED, request, "", request.reason)
        self._changed()

    def open_wishes_of(self, speaker_id: str) -> int:
        """How many wishes for somebody wait."""
        pending = self._store.requests.in_state(RequestState.PENDING, -1)
        return sum(record.request.wish is not None and record.request.speaker_id == speaker_id for record in pending)

    def revoked(self, request_id: str) -> None:
        """Access that was approved is taken back."""
        self._end(request_id, Event.REVOKE)

    def asked(self, gateway: int, request: ApprovalRequest) -> None:
        """Take in a request."""
        self._asked_by[request.id] = gateway
        self._store.requests.add(request)
        self._tell(Occasion.ASKED, request, "", "")
        self._changed()

    def settled(self, request_id: str, state: str) -> None:
        """Take in that a request ended on the gateway's side. What it ran on an answer given here, stands."""
        event = _EVENT_OF.get(state)
        if event is not None:
            self._end(request_id, event)
        self._forget(request_id)

    def gateway_lost(self, gateway: int) -> None:
        """Withdraw everything that the gateway asked."""
        for request_id in [asked for asked, by in self._asked_by.items() if by == gateway]:
            record = self._store.requests.by_id(request_id)
            if record is not None and record.state is RequestState.PENDING:
                self._end(request_id, Event.WITHDRAW)
            self._forget(request_id)

    async def tick(self) -> None:
        """See to what comes about by time alone: what expired, and what another group is asked by now. Call it often."""
        self._expire_due()
        await self._expire_wishes()
        now_us = self._now()
        for record in self._store.requests.in_state(RequestState.PENDING, -1):
            request = record.request
            if request.id not in self._escalated and request.escalated(now_us) and self._gateways.is_connected:
                after(record.state, Event.ESCALATE)
                await self._note(request.id, Event.ESCALATE, None, f"asked of {request.escalates_to} as well")
                self._escalated.add(request.id)
                self._tell(Occasion.ESCALATED, request, "", "")
                self._changed()

    def questions(self, by: Operator, state: RequestState | None = None) -> tuple[Question, ...]:
        """The newest requests in *state* (None: any) that *by* may see: as a reader, a party to them, or an approver.

        All that wait, and else a number of them: what waits must not be out of sight.
        """
        self._expire_due()
        limit = -1 if state is RequestState.PENDING else LIST_LIMIT
        found = (self._as_seen_by(by, record) for record in self._store.requests.in_state(state, limit))
        return tuple(question for question in found if self._may_see(by, question))

    def history(self, by: Operator, question: Question) -> tuple[RequestRecord, ...]:
        """What was asked before in the same chain, the newest first, as far as *by* may see: how it ended, and why."""
        request = question.record.request
        records = self._store.requests.in_state(None, HISTORY_REACH)
        alike = (r for r in records if r.request.chain == request.chain and r.request.asked_us < request.asked_us)
        seen = (r for r in alike if self._may_see(by, self._as_seen_by(by, r)))
        return tuple(itertools.islice(seen, HISTORY_LIMIT))

    def question(self, by: Operator, request_id: str) -> Question:
        """One request. Raises NotFound, also if *by* may not see it."""
        self._expire_due()
        record = self._store.requests.by_id(request_id)
        question = self._as_seen_by(by, record) if record else None
        if question is None or not self._may_see(by, question):
            raise NotFound("There is no such request.", "See the list of requests.")
        return question

    async def answer(self, request_id: str, approver: Operator, approved: bool, reason: str) -> RequestRecord:
        """Give *approver*'s word. The gateway logs it before it acts on it.

        A yes that is not yet enough is kept, and logged. Raises NotPermitted, InvalidRequest without a reason, Conflict if it
        was answered or has ended, AuditUnavailable if no gateway is there.
        """
        async with self._changes.turn():
            approver = self._as_of_now(approver)
            question = self.question(approver, request_id)
            if approver.principal is None or question.why_not:
                raise NotPermitted(f"You can't answer this request. {question.why_not}", "Ask another approver.")
            person, reason = approver.principal, checked_reason(reason)
            if approved and question.record.state is RequestState.PENDING:
                said = spoke_already(person, question.voices)
                if said:
                    raise Conflict(said, "Another approver has to look at it.")
            if approved and question.missing > 1:
                record = await self._second(question, Voice(person.id, person.name, reason, self._now()))
            else:
                others = question.voices if approved else ()
                answer = Answer(request_id, approved, person.id, person.name, reason, self._now(), others)
                record = await self._settle(question, answer)
        self._changed()
        return record

    async def take_back(self, request_id: str, approver: Operator, reason: str) -> RequestRecord:
        """Take back *approver*'s own yes, while others are still missing. Raises Conflict when it is too late for that."""
        reason = checked_reason(reason)
        async with self._changes.turn():
            record = self.question(approver, request_id).record
            person = approver.principal
            after(record.state, Event.TAKE_BACK)
            if person is None or not spoke_already(person, record.voices):
                raise Conflict("You have not said yes to it.", "Reject it, if that is what you mean.")
            await self._note(request_id, Event.TAKE_BACK, person, reason)
            left = tuple(voice for voice in record.voices if voice.by_id != person.id)
            if not self._store.requests.hear(request_id, left):
                raise _overtaken()
            self._tell(Occasion.TAKEN_BACK, record.request, person.name, reason)
        self._changed()
        return RequestRecord(record.request, record.state, None, None, left)

    def _as_of_now(self, by: Operator) -> Operator:
        """*by* with the groups of now, which they may have lost since they signed in."""
        if by.principal is None:
            return by
        record = self._store.principals.by_id(by.principal.id)
        if record is None or record.is_revoked:
            raise NotPermitted("You have no access any more.", "Ask an administrator.")
        return replace(by, principal=record.principal)

    async def _second(self, question: Question, voice: Voice) -> RequestRecord:
        request = question.record.request
        after(question.record.state, Event.SECOND)
        await self._note(request.id, Event.SECOND, voice, voice.reason)
        # Those of before that don't count any more are let go: they may be said again.
        voices = (*question.voices, voice)
        if not self._store.requests.hear(request.id, voices):
            raise _overtaken()
        self._tell(Occasion.SECONDED, request, voice.by_name, voice.reason)
        return RequestRecord(request, RequestState.PENDING, None, None, voices)

    async def _settle(self, question: Question, answer: Answer) -> RequestRecord:
        record = question.record
        event = Event.APPROVE if answer.approved else Event.REJECT
        state = after(record.state, event)
        if answer.at_us >= record.request.expires_us:
            raise Conflict("Its time ran out.", "It has to be asked again.")
        if not self._gateways.is_connected:
            raise AuditUnavailable("No gateway is there to record the answer.", "The client has to ask again.")
        if record.request.wish is not None:
            await self._changes.append(_answered(record.request, state, answer))
        elif answer.approved and self._freshen is not None:
            await self._freshen(record.request.upstream)
        if not self._store.requests.settle(record.request.id, record.state, state, answer.at_us, answer):
            raise _overtaken()
        if record.request.wish is None:
            await self._gateways.answer(answer)
        elif answer.approved and self._begin_access is not None:
            await self._begin_access(record.request, answer)
        self._tell(_TOLD_OF[event], record.request, answer.by_name, answer.reason)
        return RequestRecord(record.request, state, answer, answer.at_us, record.voices)

    async def _note(self, request_id: str, event: Event, by: Voice | Principal | None, reason: str) -> None:
        by_id, name = ("", "") if by is None else (by.by_id, by.by_name) if isinstance(by, Voice) else (by.id, by.name)
        await self._changes.append(
            HoldMoved(at_us=self._now(), by=name, by_id=by_id, event=event.value, reason=reason, request=request_id)
        )

    def _as_seen_by(self, by: Operator, record: RequestRecord) -> Question:
        request, stand_ins = record.request, self._stand_ins()
        voices = tuple(voice for voice in record.voices if self._still_counts(voice, request, stand_ins))
        missing = max(1, request.quorum) - len(voices) if record.state is RequestState.PENDING else 0
        if by.principal is None:
            why_not = "The local operator administers and does not approve; sign in as a person."
        else:
            why_not = self._why_not(by.principal, request, stand_ins)
        return Question(record, why_not, voices, missing, request.escalated(self._now()))

    def _still_counts(self, voice: Voice, request: ApprovalRequest, stand_ins: tuple[StandIn, ...]) -> bool:
        """Whether who said yes could say so now: they may have lost their group, or all access."""
        record = self._store.principals.by_id(voice.by_id)
        return record is not None and not record.is_revoked and not self._why_not(record.principal, request, stand_ins)

    def _why_not(self, person: Principal, request: ApprovalRequest, stand_ins: tuple[StandIn, ...]) -> str:
        if conflict := conflict_of_interest(person, request):
            return conflict
        answering = standing_in(person, request, stand_ins)
        reasons = [self._may_approve(answering, asked) for asked in asked_now(request, self._now())]
        return "" if "" in reasons else reasons[0]

    def _may_see(self, by: Operator, question: Question) -> bool:
        if by.may_read_all or not question.why_not or by.principal is None:
            return True
        record = question.record
        request = record.request
        person = standing_in(by.principal, request, self._stand_ins())
        if any(not not_asked(person, asked) for asked in asked_now(request, self._now())):
            return True
        spoke = {voice.by_id for voice in record.voices} | ({record.answer.by_id} if record.answer else set())
        return by.principal.id in {*request.parties, *spoke}

    def _end(self, request_id: str, event: Event) -> None:
        record = self._store.requests.by_id(request_id)
        following = TRANSITIONS.get((record.state, event)) if record else None
        if record is None or following is None:
            return
        self._store.requests.settle(request_id, record.state, following, self._now(), None)
        self._tell(_TOLD_OF[event], record.request, "", "")
        if following is not RequestState.LAPSED:
            self._forget(request_id)
        self._changed()

    def _forget(self, request_id: str) -> None:
        self._asked_by.pop(request_id, None)
        self._escalated.discard(request_id)

    def _expire_due(self) -> None:
        now_us = self._now()
        for record in self._store.requests.in_state(RequestState.PENDING, -1):
            if record.request.expires_us <= now_us and record.request.wish is None:
                self._end(record.request.id, Event.EXPIRE)

    async def _expire_wishes(self) -> None:
        """No gateway writes the end of a wish to the log."""
        now_us = self._now()
        for record in self._store.requests.in_state(RequestState.PENDING, -1):
            request = record.request
            if request.wish is not None and request.expires_us <= now_us:
                answer = Answer(request.id, False, "", "", "Nobody answered in time.", now_us)
                async with self._changes.turn():
                    await self._changes.append(_answered(request, RequestState.EXPIRED, answer))
                    self._end(request.id, Event.EXPIRE)


def _answered(request: ApprovalRequest, state: RequestState, answer: Answer) -> HoldAnswered:
    others = tuple(ActorStamp(voice.by_id, PrincipalKind.HUMAN.value, voice.by_name) for voice in answer.others)
    return HoldAnswered(
        at_us=answer.at_us,
        by=answer.by_name,
        by_id=answer.by_id,
        execution="",
        reason=answer.reason,
        request=request.id,
        state=state.value,
        others=others or UNSET,
    )


def checked_reason(reason: str) -> str:
    """*reason* without the spaces around it. Raises InvalidRequest for none, or one that is too long."""
    said = reason.strip()
    if not said:
        raise InvalidRequest("An answer needs a reason.", "Say in a few words what you looked at, or name the ticket.")
    if len(said) > REASON_LIMIT:
        raise InvalidRequest(f"A reason has at most {REASON_LIMIT} characters.")
    return said


def _overtaken() -> Conflict:
    return Conflict("It has just been settled otherwise.", "Look at the request again.")
