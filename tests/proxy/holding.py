"""A gateway that holds statements, and a desk that people answer at, with everything between them in the hands of a test.

The path of statements, the holds, the log, the desk, its store and the rules are the real ones. What crosses the link waits in
two queues until it is let through; the clock stands still until it is moved.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from doorward.audit.log import AuditLog
from doorward.control.changes import Changes
from doorward.control.desk import Desk
from doorward.control.on_call import OnCall
from doorward.control.operators import Operator
from doorward.control.principals import Principals
from doorward.databases import database_for
from doorward.model.approval import Answer, ApprovalRequest
from doorward.model.catalog import Column, Label, Relation, RelationKind, Snapshot
from doorward.model.decision import Verdict
from doorward.model.entry import Entry
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.model.link import Answered, Asked, Configured, FromControl, FromGateway, Settled
from doorward.model.upstream import Upstream
from doorward.policy.decide import Policy
from doorward.policy.load import load, version_of
from doorward.proxy.execution import SessionFacts, Texts
from doorward.proxy.holds import Holds
from doorward.proxy.inference import Meter
from doorward.proxy.rules import Rules
from doorward.proxy.scribe import Scribe
from doorward.proxy.statement_path import StatementPath
from doorward.proxy.taking_up import take_up
from doorward.store.database import SqlStore, open_store
from doorward.store.records import PrincipalRecord
from doorward.wire.governor import Go, Refusal, Ticket
from tests.proxy.attempts import entries_of

T = TypeVar("T")
SECOND_US = 1_000_000
HOLD_SECONDS = 100

RULES = """
@id("all-may-write") @description("Everybody may write.")
permit (principal, action in Action::"statement", resource);

@id("deletes-wait") @description("Deletes wait for two people.")
@hold("security") @quorum("2") @within("100s") @escalate("managers") @escalate_after("40s")
forbid (principal, action == Action::"write", resource) when { context.tags.contains("DELETE") };

@id("updates-wait") @description("Updates wait for one.")
@hold("security") @within("100s")
forbid (principal, action == Action::"write", resource) when { context.tags.contains("UPDATE") };

@id("groups-answer") @description("Groups answer.")
permit (principal is Human, action == Action::"approve", resource) when { principal in resource };
"""

PEOPLE = {
    "alice": Principal("prn_alice", PrincipalKind.HUMAN, "alice", ("security",)),
    "ben": Principal("prn_ben", PrincipalKind.HUMAN, "ben", ("security",)),
    "cat": Principal("prn_cat", PrincipalKind.HUMAN, "cat", ("security",)),
    "mia": Principal("prn_mia", PrincipalKind.HUMAN, "mia", ("managers",)),
    "sam": Principal("prn_sam", PrincipalKind.HUMAN, "sam"),
    "bot": Principal("prn_bot", PrincipalKind.AGENT, "bot", (), "alice"),
}
WHO = {
    "alice": Identity(PEOPLE["alice"], (), "scram-sha-256", "crd_1"),
    "bot": Identity(PEOPLE["alice"], (PEOPLE["bot"],), "scram-sha-256", "crd_2"),
}


def a_snapshot(epoch: int) -> Snapshot:
    """The catalog, which tells the states of a table apart by their columns."""
    columns = (Column(1, "id", "integer", Label.NONE), *(Column(n, f"c{n}", "text", Label.NONE) for n in range(2, 2 + epoch)))
    return Snapshot("shop", str(epoch), (Relation(100 + epoch, "public", "orders", RelationKind.TABLE, columns),))


@dataclass
class Client:
    """One client's session: what it waits for, and how it went on."""

    path: StatementPath
    steps: list[Callable[[], None]]
    resumed: list[tuple[Refusal | None, Ticket | None]] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    is_waiting: bool = False
    is_gone: bool = False
    begun: int = 0
    ran: int = 0

    def begin(self, text: str, *parameters: bytes) -> Go:
        """Run *text*, which may be held."""
        self.begun += 1

        def resume(refusal: Refusal | None, ticket: Ticket | None) -> None:
            self.is_waiting = False
            self.resumed.append((refusal, ticket))
            if ticket is not None:
                self._run(ticket)

        ruling = self.path.begin(self.path.understand(text.encode()), (), parameters, "extended", "I", resume)
        self.is_waiting = ruling.go is Go.WAIT
        if ruling.go is Go.NOW and ruling.ticket is not None:
            self._run(ruling.ticket)
        return ruling.go

    def _run(self, ticket: Any) -> None:
        self.ran += 1
        self.path.finish(ticket, "done", "DELETE 1", 0, 0, "", "")

    def turn(self) -> None:
        """Whatever was put off to the next turn of the loop."""
        steps, self.steps[:] = list(self.steps), []
        for step in steps:
            if not self.is_gone:
                step()

    def leave(self) -> None:
        """The client goes away."""
        self.is_gone = True
        self.path.close()


@dataclass
class _Timer:
    due_us: int
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Holding:
    """The whole of it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.loop = asyncio.new_event_loop()
        self.now_us = 1_000 * SECOND_US
        self._ids = itertools.count(1)
        self.store: SqlStore = open_store(directory / "control.db")
        for person in PEOPLE.values():
            self.store.principals.add(PrincipalRecord(person, b"salt", 1))
        self.to_control: list[FromGateway] = []
        self.to_gateway: list[FromControl] = []
        self.timers: list[_Timer] = []
        self.clients: list[Client] = []
        self.gateway_number = 0
        self.epoch = 0
        self.texts = {"a.cedar": RULES}
        self._configure()
        self._open_gateway()
        changes = Changes(self, self._now)
        principals = Principals(self.store, changes, self, self._now, self._id)
        self.on_call = OnCall(self.store, changes, principals, self._now, self._id, _nothing)
        self.desk = Desk(self.store, changes, self, self._may_approve, self._now, _nothing, self.on_call.stand_ins)
        self.desk.withdraw_left_over()

    def close(self) -> None:
        """Put everything away."""
        self.log.close()
        self.store.close()
        self.loop.close()

    # --- the world ----------------------------------------------------------------------------------------------------

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a control function."""
        return self.loop.run_until_complete(work)

    def operator(self, name: str) -> Operator:
        """Somebody at the desk."""
        record = self.store.principals.named(name)
        assert record is not None
        return Operator(record.principal)

    def connect(self, name: str) -> Client:
        """A client of the gateway of now."""
        steps: list[Callable[[], None]] = []
        client: Client
        facts = SessionFacts(self._id("ses"), "shop", "shop", "127.0.0.1:1", "psql")
        path = StatementPath(
            database_for("postgresql"),
            facts,
            WHO[name],
            lambda: self.rules,
            self._texts,
            self.scribe,
            self.holds,
            meter=Meter(b"key"),
            token_key=b"key",
            shadow_differed=lambda *_told: None,
            strict=False,
            go_on=steps.append,
            notify=lambda *told: client.notices.append(told[0]),
            catalog_touched=_nothing,
            now_us=self._now,
        )
        client = Client(path, steps)
        self.clients.append(client)
        return client

    def advance(self, seconds: int, *, timers: bool = True) -> None:
        """Let time pass; without *timers* they are late, as on a machine that slept."""
        self.now_us += seconds * SECOND_US
        while timers and (due := [timer for timer in self.timers if timer.due_us <= self.now_us]):
            self.timers = [timer for timer in self.timers if timer.due_us > self.now_us]
            for timer in due:
                if not timer.cancelled:
                    timer.call()

    def change_rules(self) -> None:
        """A new version of the same rules."""
        self.texts = {"a.cedar": RULES + f"// version {next(self._ids)}\n"}
        self._configure()

    def change_table(self) -> None:
        """The table becomes another one."""
        self.epoch += 1
        self._configure()

    def crash(self) -> None:
        """The gateway process dies, with all that it had not said; another one takes its place."""
        self.log.close()
        for client in self.clients:
            client.is_gone = True
        self.to_gateway.clear()
        self.timers.clear()
        self.to_control.clear()
        self.desk.gateway_lost(self.gateway_number)
        self._open_gateway()

    def deliver_up(self, number: int = 1) -> None:
        """Let so many messages through to control."""
        for _ in range(min(number, len(self.to_control))):
            message = self.to_control.pop(0)
            match message:
                case Asked():
                    self.desk.asked(self.gateway_number, message.request)
                case Settled():
                    self.desk.settled(message.request_id, message.state)

    def deliver_down(self, number: int = 1) -> None:
        """Let so many messages through to the gateway."""
        for _ in range(min(number, len(self.to_gateway))):
            message = self.to_gateway.pop(0)
            if isinstance(message, Answered):
                self.holds.answered(message.answer)

    def come_to_rest(self) -> None:
        """Everything that is on its way arrives."""
        while self.to_control or self.to_gateway or any(client.steps for client in self.clients):
            self.deliver_up(len(self.to_control))
            self.deliver_down(len(self.to_gateway))
            for client in self.clients:
                client.turn()

    def entries(self) -> list[Entry]:
        """The log so far."""
        self.scribe.flush()
        return entries_of(self.log)

    # --- what the desk asks of the link, and changes of the log -------------------------------------------------------

    is_connected = True

    async def answer(self, answer: Answer) -> None:
        """An answer on its way."""
        await asyncio.sleep(0)
        self.to_gateway.append(Answered(answer))

    async def append(self, entry: Entry) -> int:
        """An entry of control, in the gateway's journal."""
        await asyncio.sleep(0)
        index = self.log.append(entry)
        self.log.flush()
        return index

    async def revoke(self, principal_id: str = "", credential_id: str = "", reason: str = "") -> None:
        """No sessions are ended here."""

    # --- inside -------------------------------------------------------------------------------------------------------

    def _open_gateway(self) -> None:
        self.gateway_number += 1
        self.log = AuditLog.open(self._directory / "log")
        self.scribe = Scribe(self.log, b"key", self._later)
        self.holds = Holds(self.scribe, self._send, self._later, self._now, self._id)
        database = database_for("postgresql")
        self._texts = Texts(database.analyze, database.skeleton, database.normalised)
        take_up(self.log, self.now_us)

    def _configure(self) -> None:
        upstream = Upstream("shop", "postgresql", "127.0.0.1", 5432, "shop", "doorward", "")
        configured = Configured((upstream,), self.texts, version_of(self.texts), {}, "http://127.0.0.1:1")
        rules = Rules.from_configured(configured)
        snapshot = a_snapshot(self.epoch)
        self.rules = Rules(
            rules.policy,
            rules.policy_version,
            rules.upstreams,
            {"shop": snapshot},
            "http://127.0.0.1:1",
            {"shop": snapshot.epoch},
        )
        self._policy = Policy(load(self.texts))

    def _may_approve(self, person: Principal, request: ApprovalRequest) -> str:
        decision = self._policy.may_approve(person, request)
        return "" if decision.verdict is Verdict.ALLOW else decision.reasons[0].text

    def _send(self, message: FromGateway) -> bool:
        self.to_control.append(message)
        return True

    def _later(self, seconds: float, call: Callable[[], None]) -> _Timer:
        timer = _Timer(self.now_us + int(seconds * SECOND_US), call)
        self.timers.append(timer)
        return timer

    def _now(self) -> int:
        return self.now_us

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{next(self._ids)}"


def _nothing() -> None:
    """Nobody watches."""
