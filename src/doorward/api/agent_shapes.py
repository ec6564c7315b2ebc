"""The JSON that goes in and out about agents. Bodies with a field that nobody knows are refused."""

from __future__ import annotations

from typing import Literal

import msgspec

from doorward.control.agents import Agent
from doorward.model.agents import Limits, Stop, Task


class NewRegistration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be settled about an agent; what is left out stays. *limits* are by name, 0 for none."""

    purpose: str | None = None
    model: str | None = None
    upstreams: tuple[str, ...] | None = None
    needs_task: bool | None = None
    takes_tokens: bool | None = None
    limits: dict[str, int] | None = None


class NewTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A task to give."""

    minutes: float
    read_only: bool = True
    tables: tuple[str, ...] = ()
    rows: int = 0
    ticket: str = ""


class NewStop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Agents to stop."""

    scope: Literal["agent", "owner", "all"]
    name: str = ""
    reason: str = ""


class AgentOut(msgspec.Struct, frozen=True):
    """An agent with all that is settled about it, and the stops that hold it."""

    name: str
    owner: str
    purpose: str
    model: str
    upstreams: tuple[str, ...]
    needs_task: bool
    takes_tokens: bool
    limits: Limits
    task: Task | None
    stops: tuple[Stop, ...]
    revoked_us: int | None


class StoppedOut(msgspec.Struct, frozen=True):
    """How many agents a stop holds."""

    agents: int


def agent_out(agent: Agent) -> AgentOut:
    """*agent* for the wire."""
    principal, registration = agent.record.principal, agent.registration
    return AgentOut(
        principal.name,
        principal.acting_for or "",
        registration.purpose,
        registration.model,
        registration.upstreams,
        registration.needs_task,
        registration.takes_tokens,
        registration.limits,
        registration.task,
        agent.stops,
        agent.record.revoked_us,
    )
