"""The JSON of access for a time, of broken glass, and of who is on call."""

from __future__ import annotations

import msgspec

from doorward.control.on_call import Shift
from doorward.model.access import Access
from doorward.store.records import AccessRecord


class NewDuty(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person to put on call for a group."""

    group: str
    principal: str
    hours: float
    reason: str = ""
    begins_in_hours: float = 0.0


class NewAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Access to ask for, for *principal* or, without one, for oneself."""

    upstream: str
    reason: str
    labels: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    minutes: int = 60
    row_limit: int = 0
    ticket: str = ""
    principal: str = ""


class NewBreakGlass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An emergency."""

    upstream: str
    reason: str
    minutes: int = 30
    ticket: str = ""


class NewGlassReview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody thinks of what was done behind broken glass."""

    word: str


class AccessOut(msgspec.Struct, frozen=True):
    """Access for a time, whether it is over, and what was said of broken glass."""

    access: Access
    is_over: bool
    needs_review: bool
    reviewed_by: str
    review: str


class DutyOut(msgspec.Struct, frozen=True):
    """Somebody on call for a group."""

    id: str
    group: str
    principal: str
    from_us: int
    until_us: int
    named_by: str
    reason: str
    holds_now: bool


def duty_out(shift: Shift) -> DutyOut:
    """*shift* for the wire."""
    duty = shift.duty
    return DutyOut(duty.id, duty.group, shift.name, duty.from_us, duty.until_us, duty.named_by, duty.reason, shift.holds_now)


def access_out(record: AccessRecord, now_us: int) -> AccessOut:
    """*record* for the wire."""
    is_over = record.ended_us is not None or not record.access.holds_at(now_us)
    return AccessOut(record.access, is_over, record.needs_review, record.reviewed_by, record.review)
