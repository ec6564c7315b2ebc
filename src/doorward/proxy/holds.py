"""Executions that wait for an approval: asks, waits, and tells each one how it ended, once."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec import UNSET

from doorward.approvals.coverage import Grant, grant_from
from doorward.errors import AuditUnavailable
from doorward.model.approval import Answer, ApprovalRequest, RequestState, Voice
from doorward.model.catalog import Relation
from doorward.model.decision import Decision, Facts
from doorward.model.entry import ActorStamp, HoldAnswered, HoldRequested
from doorward.model.identity import Identity, PrincipalKind
from doorward.model.link import Asked, FromGateway, Settled
from doorward.proxy.execution import LONGEST_SHOWN, Attempt, SessionFacts
from doorward.proxy.scribe import Scribe

DEFAULT_HOLD_SECONDS = 600
# What one session may have asked at once is one; these bound all of them together, and those of one speaker.
MOST_WAITING = 1_000
MOST_WAITING_OF_ONE = 20
# What agents and services leave to people, however many of them there are.
MOST_WAITING_OF_PROGRAMS = 800
# However fast one is refused and asks again, so many questions of it are put in so much time.
MOST_ASKED_WITHIN = 60
ASKED_WITHIN_US = 600_000_000
MOST_SPEAKERS = 10_000
# Shorter than what usual middleboxes forget a silent connection after.
REMIND_SECONDS = 25.0
# A question travels as one line that the control process must be able to read, and an approver to look at.
PARAMETER_SHOWN = 500
PARAMETERS_SHOWN = 200
OBJECTS_SHOWN = 1_000
REASON_SHOWN = 4_000


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a request ended. *grant* is there if it was approved: what the execution may go on with, if it still covers it."""

    request_id: str
    state: RequestState
    by: str = ""
    reason: str = ""
    grant: Grant | None = None


class Timer(Protocol):
    """A call that was put off, as asyncio gives it."""

    def cancel(self) -> None:
        """Don't call."""


@dataclass(slots=True)
class _Waiting:
    request: ApprovalRequest
    execution_id: str
    speaker: str
    is_program: bool
    settled: Callable[[Settlement], None]
    timer: Timer
    remind: Callable[[int, str], None]
    reminder: Timer | None = None


class Holds:
    """All waiting executions of a gateway.

    *send* puts a message to the control process and says whether it could; *later* calls a function after some seconds.
    """

    def __init__(
        self,
        scribe: Scribe,
        send: Callable[[FromGateway], bool],
        later: Callable[[float, Callable[[], None]], Timer],
        now_us: Callable[[], int],
        new_id: Callable[[str], str],
    ) -> None:
        self._scribe = scribe
        self._send = send
        self._later = later
        self._now_us = now_us
        self._new_id = new_id
        self._waiting: dict[str, _Waiting] = {}
        self._asked: dict[str, deque[int]] = {}

    def ask(
        self,
        session: SessionFacts,
        identity: Identity,
        attempt: Attempt,
        facts: Facts,
        decision: Decision,
        execution_id: str,
        settled: Callable[[Settlement], None],
        *,
        objects: tuple[Relation, ...] = (),
        remind: Callable[[int, str], None] = lambda _seconds, _group: None,
    ) -> ApprovalRequest | None:
        """Put the question; *settled* is called once, later. None when it can't be put: then nobody waits.

        *objects* are what the statement uses, as they are now. *remind* is called now and then while it waits, with the
        seconds that are left and whoever is asked as well by then.
        """
        speaker = identity.speaker.id
        theirs = sum(waiting.speaker == speaker for waiting in self._waiting.values())
        now = self._now_us()
        is_program = identity.speaker.kind is not PrincipalKind.HUMAN
        if self._is_full(is_program=is_program) or theirs >= MOST_WAITING_OF_ONE or not self._may_ask(speaker, now):
            return None
        seconds = decision.hold_seconds or DEFAULT_HOLD_SECONDS
        request = ApprovalRequest(
            id=self._new_id("req"),
            session=session.id,
            chain=identity.chain,
            principal_id=identity.principal.id,
            actor_ids=tuple(actor.id for actor in identity.actors),
            upstream=session.upstream,
            statement=attempt.text.text,
            parameters=_first([_shown(value) for value in attempt.parameters[:PARAMETERS_SHOWN]], len(attempt.parameters)),
            action=facts.action,
            objects=_first([*facts.objects, *facts.unresolved][:OBJECTS_SHOWN], len(facts.objects) + len(facts.unresolved)),
            labels=tuple(label.value for label in facts.labels),
            rules=tuple(reason.rule for reason in decision.reasons),
            reason=" ".join(reason.text for reason in decision.reasons)[:REASON_SHOWN],
            approvers=decision.approvers,
            policy_version=decision.policy_version,
            binding=binding_of(session, identity, attempt, facts, decision, objects),
            asked_us=now,
            expires_us=now + seconds * 1_000_000,
            in_transaction=attempt.transaction == "T",
            quorum=decision.quorum,
            escalates_to=decision.escalates_to,
            escalates_us=now + decision.escalates_seconds * 1_000_000 if decision.escalates_to else 0,
            form=_form(attempt),
        )
        self._scribe.append(
            HoldRequested(
                approvers=request.approvers,
                at_us=now,
                binding=self._scribe.digest(request.binding),
                execution=execution_id,
                expires_us=request.expires_us,
                request=request.id,
            )
        )
        self._scribe.flush()
        if not self._send(Asked(request)):
            return None
        timer = self._later(float(seconds), lambda: self._end(request.id, RequestState.EXPIRED))
        self._waiting[request.id] = _Waiting(request, execution_id, speaker, is_program, settled, timer, remind)
        self._remind_later(request.id)
        return request

    def _is_full(self, *, is_program: bool) -> bool:
        """Whether there is no room for one more. Programs have less of it: they must not keep people from asking."""
        if len(self._waiting) >= MOST_WAITING:
            return True
        return is_program and sum(waiting.is_program for waiting in self._waiting.values()) >= MOST_WAITING_OF_PROGRAMS

    def _may_ask(self, speaker: str, now_us: int) -> bool:
        """Whether *speaker* has not asked too often of late: who asks without end must not bury what others ask."""
        asked = self._asked.setdefault(speaker, deque())
        while asked and asked[0] <= now_us - ASKED_WITHIN_US:
            asked.popleft()
        if len(asked) >= MOST_ASKED_WITHIN:
            return False
        asked.append(now_us)
        if len(self._asked) > MOST_SPEAKERS:
            self._asked = {name: times for name, times in self._asked.items() if times[-1] > now_us - ASKED_WITHIN_US}
        return True

    def _remind_later(self, request_id: str) -> None:
        """The client hears now and then that it still waits, so that neither it nor what is in between gives up."""
        waiting = self._waiting.get(request_id)
        if waiting is None:
            return
        request = waiting.request
        whole = (request.expires_us - request.asked_us) / 1_000_000
        seconds = min(REMIND_SECONDS, max(1.0, whole / 4))

        def remind() -> None:
            now = self._now_us()
            if request_id in self._waiting and now < request.expires_us:
                waiting.remind((request.expires_us - now) // 1_000_000, request.escalates_to if request.escalated(now) else "")
                self._remind_later(request_id)

        waiting.reminder = self._later(seconds, remind)

    def answered(self, answer: Answer) -> None:
        """An approver answered. What no longer waits is not touched."""
        state = RequestState.APPROVED if answer.approved else RequestState.REJECTED
        self._end(answer.request_id, state, answer)

    def withdraw(self, request_id: str) -> None:
        """The client cancelled or went away."""
        self._end(request_id, RequestState.WITHDRAWN)

    def lapsed(self, request_id: str) -> None:
        """What was approved is not what would run by now, so the approval is good for nothing."""
        self._send(Settled(request_id, RequestState.LAPSED.value))

    def _end(self, request_id: str, state: RequestState, answer: Answer | None = None) -> None:
        waiting = self._waiting.get(request_id)
        if waiting is None:
            return
        grant = grant_from(waiting.request, answer) if answer else None
        if state is RequestState.APPROVED and grant is None:
            if answer is not None and answer.at_us < waiting.request.expires_us:
                return  # of too few, or of somebody who asks: it goes on waiting for the others
            state = RequestState.EXPIRED  # the answer came too late
        del self._waiting[request_id]
        waiting.timer.cancel()
        if waiting.reminder is not None:
            waiting.reminder.cancel()
        try:
            self._scribe.append(
                HoldAnswered(
                    at_us=self._now_us(),
                    by=answer.by_name if answer else "",
                    by_id=answer.by_id if answer else "",
                    execution=waiting.execution_id,
                    others=_stamps(answer.others) if answer and answer.others else UNSET,
                    reason=answer.reason if answer else "",
                    request=request_id,
                    state=state.value,
                )
            )
            self._scribe.flush()
        except AuditUnavailable:
            # An answer that can't be recorded is not heeded.
            state, grant = (RequestState.WITHDRAWN, None) if grant else (state, None)
        self._send(Settled(request_id, state.value))
        by, reason = (answer.by_name, answer.reason) if answer else ("", "")
        waiting.settled(Settlement(request_id, state, by, reason, grant))


def _stamps(voices: tuple[Voice, ...]) -> tuple[ActorStamp, ...]:
    return tuple(ActorStamp(voice.by_id, PrincipalKind.HUMAN.value, voice.by_name) for voice in voices)


def _shown(value: bytes | None) -> str:
    """A bind value as the approver sees it: what will run is theirs to judge."""
    if value is None:
        return "NULL"
    # A character is four bytes at most: what follows is never shown.
    start = value[: 4 * PARAMETER_SHOWN + 4]
    text = start.decode("utf-8", "replace")
    if not text.isprintable():
        text = "0x" + start.hex()
    return text if len(text) <= PARAMETER_SHOWN else text[:PARAMETER_SHOWN] + "…"


def _form(attempt: Attempt) -> str:
    """A digest of what runs without the values in it: the same for statements that differ in values alone."""
    digest = hashlib.sha256()
    for text in (attempt.text, *attempt.inner):
        # What is shown of a long text is its beginning: it is like no other text.
        is_whole = len(text.text) <= LONGEST_SHOWN and not text.analysis.error
        form = (text.family.shown if is_whole else text.text).encode()
        digest.update(len(form).to_bytes(8, "big") + form)
    return digest.hexdigest()[:32]


def _defined(relation: Relation) -> str:
    """What a relation is, without what changes by itself: how many rows it may have, how sure a label is."""
    columns = [(column.number, column.name, column.type_name, column.label.value) for column in relation.columns]
    return repr((relation.oid, relation.schema, relation.name, relation.kind.value, columns, relation.definition))


def _first(shown: list[str], of: int) -> tuple[str, ...]:
    """What is *shown* of so many, and how many more there are: what is left out must not go unsaid."""
    return (*shown, f"… and {of - len(shown)} more") if of > len(shown) else tuple(shown)


def binding_of(
    session: SessionFacts,
    identity: Identity,
    attempt: Attempt,
    facts: Facts,
    decision: Decision,
    objects: tuple[Relation, ...] = (),
) -> str:
    """A hash over everything that an approval is about; *objects* by id and definition, not by name alone."""
    digest = hashlib.sha256()
    parts: list[bytes | None] = [
        attempt.text.text.encode(),
        str(len(attempt.inner)).encode(),  # tells the last inner text from the first parameter
        *(text.text.encode() for text in attempt.inner),
        *attempt.parameters,
        repr(facts).encode(),
        "\0".join([identity.principal.id, *(actor.id for actor in identity.actors)]).encode(),
        session.upstream.encode(),
        decision.policy_version.encode(),
        *(_defined(relation).encode() for relation in sorted(objects, key=lambda relation: relation.oid)),
    ]
    for part in parts:
        # Lengths keep neighbours apart; NULL is not the empty value.
        digest.update(b"-" if part is None else len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
