"""Which facts a policy speaks of: what it doesn't mention can't change what it says.

A decision is remembered for the facts that some rule mentions. So a set of rules that never speaks of the time has decisions
that stay good, and one that speaks of the hour makes them good for an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from cedarpy import pst

from doorward.model.decision import Circumstances

EVERYTHING = "*"

_CIRCUMSTANCES = tuple(field.name for field in fields(Circumstances))
_SECOND_US = 1_000_000
# Part of the time -> how long it stays as it is. Each length is a multiple of the one before.
_STEPS_US = {"epoch": _SECOND_US, "minute": 60 * _SECOND_US, "hour": 3_600 * _SECOND_US, "weekday": 86_400 * _SECOND_US}


@dataclass(frozen=True, slots=True)
class Needs:
    """What has to be known of an execution beside its facts.

    *circumstances* are fields of Circumstances. *step_us* is how long a moment is taken for the same, 0 where time has no say.
    *facts* are the names in context that any rule mentions, None for all of them.
    """

    circumstances: tuple[str, ...]
    step_us: int
    facts: frozenset[str] | None


def mentioned(policy: pst.Template) -> frozenset[str]:
    """The names in context that *policy* reads: ``tags``, ``time.hour``; ``*`` where it takes context as a whole."""
    found: set[str] = set()
    waiting: list[object] = [clause.expr for clause in policy.clauses]
    while waiting:
        node = waiting.pop()
        match node:
            case pst.GetAttr(base=pst.GetAttr(base=pst.Var(name="context"), attr="time"), attr=part):
                found.add(f"time.{part}")
            case pst.GetAttr(base=pst.Var(name="context"), attr=name):
                found.add(name)
            case pst.HasAttr(base=pst.Var(name="context"), attrs=attrs):
                found.add(attrs[0])
            case pst.Var(name="context"):
                found.add(EVERYTHING)
            case tuple():
                waiting.extend(node)
            case pst.Record():
                waiting.extend(node.fields.values())
            case _ if hasattr(node, "__dataclass_fields__"):
                waiting.extend(getattr(node, name) for name in node.__dataclass_fields__)
    return frozenset(found)


def needs_of(names: Iterable[str], required: Iterable[str]) -> Needs:
    """What rules need that mention *names* and require the fields *required* of Circumstances to be filled."""
    named = set(names)
    parts = {name.removeprefix("time.") for name in named if name.startswith("time.")}
    if named & {EVERYTHING, "time"}:
        parts = set(_STEPS_US)
    step_us = min((_STEPS_US.get(part, _SECOND_US) for part in parts), default=0)
    if EVERYTHING in named:
        return Needs(_CIRCUMSTANCES, step_us, None)
    wanted = named | set(required)
    facts = frozenset(name.partition(".")[0] for name in named)
    return Needs(tuple(name for name in _CIRCUMSTANCES if name in wanted), step_us, facts)
