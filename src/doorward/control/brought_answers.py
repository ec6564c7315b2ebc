"""Answers that come from outside console and CLI: a person is named, and may what they may do anywhere else."""

from __future__ import annotations

from doorward.control.changes import Changes
from doorward.control.desk import Desk
from doorward.control.operators import Operator
from doorward.control.principals import Principals
from doorward.errors import DoorwardError, NotPermitted
from doorward.model.identity import PrincipalKind
from doorward.store.records import RequestRecord

DETAIL_LIMIT = 200


class BroughtAnswers:
    """Gives the desk what was answered elsewhere. What brought whose answer is in the log before it counts."""

    def __init__(self, changes: Changes, principals: Principals, desk: Desk) -> None:
        self._changes = changes
        self._principals = principals
        self._desk = desk

    async def answer(self, channel: str, person: str, request_id: str, approved: bool, reason: str) -> RequestRecord:
        """Have *person* answer. *channel* vouches for who it is: ``webhook itsm``, ``slack ops (U024BE7LH)``.

        Raises NotPermitted for anybody but a known person, NotFound, and whatever else the desk refuses that person with.
        """
        try:
            principal = self._principals.good(person).principal
            if principal.kind is not PrincipalKind.HUMAN:
                raise NotPermitted(f"{person} is not a person.", "Only a person can answer a request.")
            self._desk.question(Operator(principal), request_id)
        except DoorwardError as error:
            await self.refused(channel, request_id, error.message)
            raise
        answer = "yes" if approved else "no"
        await self._changes.note("answer.brought", request_id, channel=channel, person=principal.name, answer=answer)
        try:
            return await self._desk.answer(request_id, Operator(principal), approved, reason)
        except DoorwardError as error:
            await self.refused(channel, request_id, error.message)
            raise

    async def refused(self, channel: str, request_id: str, why: str) -> None:
        """Put in the log that an answer was brought and did not count. Raises AuditUnavailable."""
        await self._changes.note(
            "answer.refused",
            request_id[:DETAIL_LIMIT].encode(errors="replace").decode(),
            channel=channel,
            why=why[:DETAIL_LIMIT].encode(errors="replace").decode(),
        )
