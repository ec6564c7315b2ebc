"""What waits at the desk, in the order in which it is to be read: people's questions first, and like ones as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from doorward.approvals.alike import grouped, kind_of
from doorward.control.desk import Desk, Question, checked_reason
from doorward.control.operators import Operator
from doorward.errors import DoorwardError, InvalidRequest
from doorward.model.approval import RequestState
from doorward.model.identity import PrincipalKind
from doorward.store.repositories import Store

# One speaker has at most 20 waiting with each gateway.
MOST_AT_ONCE = 1_000

Group = tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """What came of one answer among several: where the request stands, or why it was not answered."""

    request_id: str
    state: str
    error: str = ""


class Queue:
    """Groups what waits, and answers a whole group: each request by itself, as if it had been answered alone."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self._store = store
        self._desk = desk

    def waiting(self, by: Operator) -> tuple[Group, ...]:
        """All that waits and *by* may see. Those whom nobody steers come last, however many questions they have put."""
        return self._grouped(self._desk.questions(by, RequestState.PENDING))

    def settled(self, by: Operator, limit: int) -> tuple[Group, ...]:
        """What was settled of late, the newest first; neighbours of one kind and one end as one."""
        groups: list[list[Question]] = []
        for question in self._desk.questions(by):
            record = question.record
            if record.state is RequestState.PENDING:
                continue
            before = groups[-1][0].record if groups else None
            if before and before.state is record.state and kind_of(before.request) == kind_of(record.request):
                groups[-1].append(question)
            else:
                groups.append([question])
        return tuple(map(tuple, groups[:limit]))

    def alike(self, by: Operator, question: Question) -> Group:
        """What waits and is of the same kind as *question*, which is the first of them; nothing once it is settled."""
        if question.record.state is not RequestState.PENDING:
            return ()
        kind = kind_of(question.record.request)
        others = self._desk.questions(by, RequestState.PENDING)
        request_id = question.record.request.id
        return (question, *(q for q in others if kind_of(q.record.request) == kind and q.record.request.id != request_id))

    async def answer(self, request_ids: Sequence[str], by: Operator, approved: bool, reason: str) -> tuple[Word, ...]:
        """Give *by*'s word on each of *request_ids*, which are of one kind: those that *by* looked at, and no others.

        Each is checked and logged by itself; one that can't be answered keeps no other from it. Raises NotFound for one that
        *by* may not see, InvalidRequest for several kinds or without a reason; then none is answered.
        """
        reason = checked_reason(reason)
        ids = tuple(dict.fromkeys(request_ids))
        if not 0 < len(ids) <= MOST_AT_ONCE:
            raise InvalidRequest(f"One to {MOST_AT_ONCE} requests are answered at once.")
        if len({kind_of(self._desk.question(by, request_id).record.request) for request_id in ids}) > 1:
            raise InvalidRequest(
                "These requests are not of one kind.", "Answer at once what one asks by one form of statement; the rest alone."
            )
        words = []
        for request_id in ids:
            try:
                record = await self._desk.answer(request_id, by, approved, reason)
                words.append(Word(request_id, record.state.value))
            except DoorwardError as error:
                words.append(Word(request_id, self._desk.question(by, request_id).record.state.value, error.message))
        return tuple(words)

    def _grouped(self, questions: Sequence[Question]) -> tuple[Group, ...]:
        people: dict[str, bool] = {}

        def is_a_persons(question: Question) -> bool:
            speaker = question.record.request.speaker_id
            if speaker not in people:
                record = self._store.principals.by_id(speaker)
                people[speaker] = record is not None and record.principal.kind is PrincipalKind.HUMAN
            return people[speaker]

        return grouped(questions, lambda question: question.record.request, is_a_persons)
