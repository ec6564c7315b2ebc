"""Agents as registered things: purpose, limits, tasks; and the switch that stops them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from doorward.control.changes import Changes
from doorward.control.operators import Operator
from doorward.control.principals import Principals, Revoking
from doorward.errors import InvalidRequest, NotFound
from doorward.model.agents import AGENT, EVERY, OWNER, Limits, Registration, Stop, Task, Terms
from doorward.model.identity import Principal, PrincipalKind
from doorward.store.records import PrincipalRecord
from doorward.store.repositories import Store

MOST_TASK_MINUTES = 24 * 60.0
MOST_TABLES = 200
TEXT_LIMIT = 500
MOST_OF_ANYTHING = 1_000_000_000
_MINUTE_US = 60_000_000


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent with all that is settled about it. *stops* are those that hold it now."""

    record: PrincipalRecord
    registration: Registration
    stops: tuple[Stop, ...]


class Agents:
    """All agents. *shares* is how many gateways count by themselves: each is given its part of what is limited."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        principals: Principals,
        sessions: Revoking,
        now: Callable[[], int],
        new_id: Callable[[str], str],
        shares: int = 1,
    ) -> None:
        self._store = store
        self._changes = changes
        self._principals = principals
        self._sessions = sessions
        self._now = now
        self._new_id = new_id
        self._shares = shares

    def all(self, by: Operator) -> tuple[Agent, ...]:
        """The agents that *by* may know of."""
        stops = self._store.agents.stops()
        found = [record for record in self._principals.all(by) if record.principal.kind is PrincipalKind.AGENT]
        return tuple(self._agent(record, stops) for record in found)

    def one(self, by: Operator, name: str) -> Agent:
        """The agent of this name. Raises NotFound."""
        found = next((agent for agent in self.all(by) if agent.record.principal.name == name), None)
        if found is None:
            raise NotFound(f"There is no agent named {name!r}.", "See: doorward agent list")
        return found

    def stops(self, by: Operator) -> tuple[Stop, ...]:
        """The stops that hold agents which *by* may know of."""
        stops = self._store.agents.stops()
        if by.may_read_all:
            return stops
        mine = {(AGENT, record.principal.name) for record in self._principals.all(by)} | {(OWNER, by.name), (EVERY, "")}
        return tuple(stop for stop in stops if (stop.scope, stop.name) in mine)

    async def register(
        self,
        by: Operator,
        name: str,
        *,
        purpose: str | None = None,
        model: str | None = None,
        upstreams: tuple[str, ...] | None = None,
        needs_task: bool | None = None,
        takes_tokens: bool | None = None,
        limits: dict[str, int] | None = None,
    ) -> Agent:
        """Settle what is given, and leave the rest. Live sessions end, as they were let in on the old terms."""
        by.require_administration()
        given: dict[str, object] = {
            "purpose": purpose,
            "model": model,
            "upstreams": upstreams,
            "needs_task": needs_task,
            "takes_tokens": takes_tokens,
        }
        for text in (purpose, model):
            _check_text(text or "")
        known = {upstream.name for upstream in self._store.upstreams.all()}
        for upstream in upstreams or ():
            if upstream not in known:
                raise InvalidRequest(f"There is no database {upstream[:100]!r} here.", f"Known: {', '.join(sorted(known))}.")
        for limit, number in (limits or {}).items():
            if limit not in Limits.__struct_fields__ or not 0 <= number <= MOST_OF_ANYTHING:
                raise InvalidRequest(f"{limit[:100]} can't be {number}.", "Give a number from 0 (no limit of its own) on.")
        async with self._changes.turn():
            agent = self._good(name)
            before = agent.registration
            changes = {key: value for key, value in given.items() if value is not None}
            after = msgspec.structs.replace(before, **changes, limits=msgspec.structs.replace(before.limits, **(limits or {})))
            told = {key: _told(value) for key, value in (changes | (limits or {})).items()}
            await self._changes.record(by, "agent.registered", name, **told)
            await self._settle(agent, after, "The terms of the agent changed.")
        return self.one(by, name)

    async def give_task(
        self,
        by: Operator,
        name: str,
        minutes: float,
        *,
        read_only: bool = True,
        tables: tuple[str, ...] = (),
        rows: int = 0,
        ticket: str = "",
    ) -> Task:
        """Give an agent a task, in place of any other that it has. It acts within it until it ends by itself."""
        if not 0 < minutes <= MOST_TASK_MINUTES:
            raise InvalidRequest(f"A task takes more than 0 and at most {MOST_TASK_MINUTES:.0f} minutes.")
        if len(tables) > MOST_TABLES or not all("." in table and len(table) < TEXT_LIMIT for table in tables):
            raise InvalidRequest("Tables are given with their schema.", "For example: public.orders")
        if not 0 <= rows <= MOST_OF_ANYTHING:
            raise InvalidRequest("That can't be a number of rows.", "Give a number from 0 (no limit) on.")
        _check_text(ticket)
        async with self._changes.turn():
            agent = self._good(name)
            self._require_charge(by, agent.record.principal)
            until_us = self._now() + int(minutes * _MINUTE_US)
            task = Task(self._new_id("tsk"), until_us, read_only, tables, rows, ticket, by.name)
            await self._changes.record(
                by,
                "agent.task-given",
                name,
                task=task.id,
                until_us=str(until_us),
                read_only=_told(read_only),
                tables=_told(tables),
                rows=str(rows),
                ticket=ticket,
            )
            registration = msgspec.structs.replace(agent.registration, task=task)
            await self._settle(agent, registration, "The agent was given a task.")
        return task

    async def end_task(self, by: Operator, name: str) -> None:
        """Take the task of an agent away before its time."""
        async with self._changes.turn():
            agent = self._good(name)
            self._require_charge(by, agent.record.principal)
            task = self._task(agent.registration)
            if task is None:
                raise NotFound(f"{name} has no task.", "See: doorward agent show")
            await self._changes.record(by, "agent.task-ended", name, task=task.id)
            await self._settle(
                agent, msgspec.structs.replace(agent.registration, task=None), "The task of the agent was ended."
            )

    async def stop(self, by: Operator, scope: str, name: str = "", reason: str = "") -> int:
        """Stop one agent, those of one owner, or all, until ``resume``; how many are stopped by it.

        What they run is cancelled, and their sessions are over when this returns. Whoever an agent acts for may stop it.
        """
        _check_text(reason)
        async with self._changes.turn():
            concerned = self._in_scope(by, scope, name)
            await self._changes.record(by, "agent.stopped", name or EVERY, scope=scope, reason=reason)
            self._store.agents.stop(Stop(scope, name, by.name, reason, self._now()))
            for record in concerned:
                await self._sessions.revoke(principal_id=record.principal.id, reason=f"The agent was stopped by {by.name}.")
        return len(concerned)

    async def resume(self, by: Operator, scope: str, name: str = "") -> None:
        """Undo exactly one stop. Others that hold the same agents go on."""
        by.require_administration()
        async with self._changes.turn():
            if not any((stop.scope, stop.name) == (scope, name) for stop in self._store.agents.stops()):
                raise NotFound("There is no such stop.", "See: doorward agent list")
            await self._changes.record(by, "agent.resumed", name or EVERY, scope=scope)
            self._store.agents.resume(scope, name)

    # --- what gateways are told -----------------------------------------------------------------------------------------

    def why_not(self, agent: Principal, upstream: str) -> str:
        """Why *agent* may not act on *upstream* now; empty when it may."""
        if agent.kind is not PrincipalKind.AGENT:
            return ""
        if self._holding(agent, self._store.agents.stops()):
            return "The agent is stopped."
        registration = self._store.agents.of(agent.id)
        if upstream and registration.upstreams and upstream not in registration.upstreams:
            return "The agent is not registered for this database."
        if registration.needs_task and self._task(registration) is None:
            return "The agent has no task, and needs one."
        return ""

    def takes_tokens(self, agent: Principal) -> bool:
        """Whether *agent* shows a token as its password."""
        return agent.kind is PrincipalKind.AGENT and self._store.agents.of(agent.id).takes_tokens

    def terms(self, agent: Principal) -> Terms | None:
        """What a gateway must heed while *agent* acts; None for who is no agent."""
        if agent.kind is not PrincipalKind.AGENT:
            return None
        registration = self._store.agents.of(agent.id)
        limits = registration.limits
        shared = Limits(
            limits.rows_per_statement,
            -(-limits.rows_per_hour // self._shares),
            -(-limits.statements_per_minute // self._shares),
            -(-limits.sessions // self._shares),
        )
        task = self._task(registration)
        if task is not None:
            task = msgspec.structs.replace(task, rows=-(-task.rows // self._shares))
        return Terms(shared, task)

    # --- -----------------------------------------------------------------------------------------------------------------

    def _task(self, registration: Registration) -> Task | None:
        task = registration.task
        return task if task is not None and task.until_us > self._now() else None

    def _agent(self, record: PrincipalRecord, stops: tuple[Stop, ...]) -> Agent:
        registration = self._store.agents.of(record.principal.id)
        registration = msgspec.structs.replace(registration, task=self._task(registration))
        return Agent(record, registration, self._holding(record.principal, stops))

    @staticmethod
    def _holding(agent: Principal, stops: tuple[Stop, ...]) -> tuple[Stop, ...]:
        held = {(AGENT, agent.name), (OWNER, agent.acting_for or ""), (EVERY, "")}
        return tuple(stop for stop in stops if (stop.scope, stop.name) in held)

    def _good(self, name: str) -> Agent:
        record = self._principals.good(name)
        if record.principal.kind is not PrincipalKind.AGENT:
            raise InvalidRequest(f"{name!r} is no agent.", "See: doorward agent list")
        return Agent(record, self._store.agents.of(record.principal.id), ())

    def _in_scope(self, by: Operator, scope: str, name: str) -> list[PrincipalRecord]:
        agents = [r for r in self._store.principals.all() if r.principal.kind is PrincipalKind.AGENT and not r.is_revoked]
        if scope == AGENT:
            found = [self._good(name).record]
            self._require_charge(by, found[0].principal)
            return found
        if scope == OWNER:
            self._principals.good(name)
            if by.name != name:
                by.require_administration()
            return [record for record in agents if record.principal.acting_for == name]
        if scope != EVERY or name:
            raise InvalidRequest("Stop one agent, the agents of an owner, or all.")
        by.require_administration()
        return agents

    @staticmethod
    def _require_charge(by: Operator, agent: Principal) -> None:
        """Who an agent acts for is in charge of it, beside administrators."""
        if by.principal is None or by.name != agent.acting_for:
            by.require_administration()

    async def _settle(self, agent: Agent, registration: Registration, reason: str) -> None:
        principal_id = agent.record.principal.id
        self._store.agents.put(principal_id, registration)
        await self._sessions.revoke(principal_id=principal_id, reason=reason)


def _check_text(text: str) -> None:
    if len(text) > TEXT_LIMIT:
        raise InvalidRequest(f"A text has at most {TEXT_LIMIT} characters.")


def _told(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
