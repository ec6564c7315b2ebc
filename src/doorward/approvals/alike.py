"""Which requests are of one kind: a program that asks in a circle puts one question many times, and it is read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from doorward.model.approval import ApprovalRequest

T = TypeVar("T")


def kind_of(request: ApprovalRequest) -> tuple[object, ...]:
    """What like requests share: who asks, where, the form of the statement, what it touches, and the rule that asks.

    Values differ, so what is approved is still each request by itself. One whose form nobody knows is like no other.
    """
    if not request.form or request.wish is not None:
        return (request.id,)
    return (
        request.parties,
        request.upstream,
        request.form,
        request.action,
        request.objects,
        request.labels,
        request.rules,
        request.approvers,
        request.escalates_to,
        request.quorum,
        request.policy_version,
    )


def grouped(
    found: Iterable[T], request_of: Callable[[T], ApprovalRequest], is_a_persons: Callable[[T], bool]
) -> tuple[tuple[T, ...], ...]:
    """*found* in groups of one kind: those that people ask before all others, else in the order in which they come."""
    groups: dict[tuple[object, ...], list[T]] = {}
    for one in found:
        groups.setdefault(kind_of(request_of(one)), []).append(one)
    return tuple(map(tuple, sorted(groups.values(), key=lambda group: not is_a_persons(group[0]))))
