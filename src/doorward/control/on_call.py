"""Who answers for a group now: people on call, and those who stand in for others while they are away.

Members of a group answer anyway. Whoever is on call is asked first, and need not be a member.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from doorward.approvals.eligibility import GROUP_JOINT, StandIn, asked_now
from doorward.control.changes import Changes
from doorward.control.operators import Operator
from doorward.control.principals import Principals, check_name
from doorward.errors import Conflict, InvalidRequest, NotFound, NotPermitted
from doorward.model.approval import ApprovalRequest
from doorward.model.identity import PrincipalKind
from doorward.store.records import Duty
from doorward.store.repositories import Store

LONGEST_HOURS = 24.0 * 31
FURTHEST_HOURS = 24.0 * 366
REASON_LIMIT = 500
_HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Shift:
    """A duty with the name of who has it."""

    duty: Duty
    name: str
    holds_now: bool


class OnCall:
    """Duties, each named for a group and a time by an administrator or a member of the group."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        principals: Principals,
        now: Callable[[], int],
        new_id: Callable[[str], str],
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._changes = changes
        self._principals = principals
        self._now = now
        self._new_id = new_id
        self._changed = changed

    async def put(
        self, by: Operator, group: str, name: str, hours: float, reason: str = "", *, begins_in_hours: float = 0.0
    ) -> Shift:
        """Put a person on call for *group*. Raises NotPermitted unless *by* administers or is of the group."""
        check_name(group, "group")
        if not 0 < hours <= LONGEST_HOURS or not 0 <= begins_in_hours <= FURTHEST_HOURS:
            raise InvalidRequest(f"Somebody is on call for more than 0 and at most {LONGEST_HOURS:.0f} hours.")
        if len(reason) > REASON_LIMIT:
            raise InvalidRequest(f"A reason has at most {REASON_LIMIT} characters.")
        async with self._changes.turn():
            self._require_say(by, group)
            person = self._principals.good(name).principal
            if person.kind is not PrincipalKind.HUMAN:
                raise InvalidRequest(f"{name!r} is no person, and only people answer requests.")
            begins = self._now() + int(begins_in_hours * _HOUR_US)
            duty = Duty(
                self._new_id("dty"),
                group,
                person.id,
                begins,
                begins + int(hours * _HOUR_US),
                by.principal.id if by.principal else "",
                by.name,
                reason,
            )
            await self._changes.record(
                by, "oncall.put", name, group=group, id=duty.id, reason=reason, until_us=str(duty.until_us)
            )
            self._store.duties.add(duty)
        self._changed()
        return Shift(duty, name, duty.holds_at(self._now()))

    async def end(self, by: Operator, duty_id: str) -> None:
        """End a duty early. Whoever has it may as well."""
        async with self._changes.turn():
            duty = self._store.duties.by_id(duty_id)
            if duty is None:
                raise NotFound("There is no such duty.", "See doorward oncall.")
            if by.principal is None or by.principal.id != duty.principal_id:
                self._require_say(by, duty.group)
            if duty.ended_us is not None or duty.until_us <= self._now():
                raise Conflict("It is over already.")
            await self._changes.record(by, "oncall.ended", self._name(duty), group=duty.group, id=duty.id)
            self._store.duties.end(duty_id, self._now())
        self._changed()

    def shifts(self, group: str = "") -> tuple[Shift, ...]:
        """Who is on call now or later, by group and time."""
        now_us = self._now()
        lasting = self._store.duties.lasting(now_us)
        return tuple(Shift(duty, self._name(duty), duty.holds_at(now_us)) for duty in lasting if group in ("", duty.group))

    def names_for(self, request: ApprovalRequest) -> tuple[str, ...]:
        """Who is on call now for the groups that *request* is put to."""
        now_us = self._now()
        groups = {group for asked in asked_now(request, now_us) for group in asked.approvers.split(GROUP_JOINT)}
        return tuple(dict.fromkeys(shift.name for shift in self.shifts() if shift.holds_now and shift.duty.group in groups))

    def stand_ins(self) -> tuple[StandIn, ...]:
        """Who answers for a group now, as answers are judged."""
        now_us = self._now()
        lasting = self._store.duties.lasting(now_us)
        return tuple(StandIn(d.group, d.principal_id, d.named_by_id) for d in lasting if d.holds_at(now_us))

    def _name(self, duty: Duty) -> str:
        record = self._store.principals.by_id(duty.principal_id)
        return record.principal.name if record else duty.principal_id

    def _require_say(self, by: Operator, group: str) -> None:
        is_member = by.principal is not None and by.principal.kind is PrincipalKind.HUMAN and group in by.principal.groups
        if not by.may_administer and not is_member:
            raise NotPermitted(
                f"{by.name} has no say in who is on call for {group!r}.", f"Ask a member of {group!r}, or an administrator."
            )
