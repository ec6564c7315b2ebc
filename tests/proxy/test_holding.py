"""Requesters, approvers, the clock, crashes in any order: nothing runs unasked, nothing twice, every end is recorded."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from doorward.errors import DoorwardError
from doorward.model.approval import RequestState
from doorward.model.entry import HoldAnswered, HoldRequested, StatementIntent, StatementOutcome
from tests.patience import examples
from tests.proxy.holding import HOLD_SECONDS, PEOPLE, Holding

# Thousands of small transactions: nothing here has to survive a power cut.
IN_MEMORY = Path("/dev/shm")
APPROVERS = ("alice", "ben", "cat", "mia", "sam")
STATEMENTS = ("DELETE FROM orders WHERE id = $1", "UPDATE orders SET id = $1 WHERE id = 7")


class Interleavings(RuleBasedStateMachine):
    """What anybody may do at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="doorward-holding-", dir=IN_MEMORY if IN_MEMORY.is_dir() else None))
        self.holding = Holding(self.directory)

    @initialize()
    def somebody_connects(self) -> None:
        self.holding.connect("alice")
        self.holding.connect("bot")

    def teardown(self) -> None:
        try:
            self.everything_ended_and_is_recorded()
        finally:
            self.holding.close()
            shutil.rmtree(self.directory)

    # --- clients ------------------------------------------------------------------------------------------------------

    @rule(who=st.sampled_from(["alice", "bot"]))
    def connects(self, who: str) -> None:
        self.holding.connect(who)

    @rule(number=st.integers(0, 9), text=st.sampled_from(STATEMENTS))
    def asks(self, number: int, text: str) -> None:
        if idle := [client for client in self.holding.clients if not client.is_gone and not client.is_waiting]:
            idle[number % len(idle)].begin(text, b"5")

    @rule(number=st.integers(0, 9), leaves=st.booleans())
    def gives_up(self, number: int, leaves: bool) -> None:
        if waiting := [client for client in self.holding.clients if client.is_waiting and not client.is_gone]:
            client = waiting[number % len(waiting)]
            client.leave() if leaves else client.path.withdraw()

    @rule(number=st.integers(0, 9))
    def takes_a_turn(self, number: int) -> None:
        self.holding.clients[number % len(self.holding.clients)].turn()

    # --- people -------------------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(APPROVERS), number=st.integers(0, 9), approved=st.sampled_from([True, True, True, False]))
    def answers(self, name: str, number: int, approved: bool) -> None:
        if request_id := self._pick(number):
            self._try(self.holding.desk.answer(request_id, self.holding.operator(name), approved, "looked at it"))

    @rule(names=st.lists(st.sampled_from(APPROVERS), min_size=2, max_size=3), number=st.integers(0, 9), last=st.booleans())
    def answer_at_once(self, names: list[str], number: int, last: bool) -> None:
        if request_id := self._pick(number):
            words = [True] * (len(names) - 1) + [last]

            async def all_of_them() -> None:
                answers = [
                    self.holding.desk.answer(request_id, self.holding.operator(name), word, "at once")
                    for name, word in zip(names, words, strict=True)
                ]
                for outcome in await asyncio.gather(*answers, return_exceptions=True):
                    assert not isinstance(outcome, BaseException) or isinstance(outcome, DoorwardError), outcome

            self.holding.do(all_of_them())

    @rule(name=st.sampled_from(APPROVERS), number=st.integers(0, 9))
    def takes_back(self, name: str, number: int) -> None:
        if request_id := self._pick(number):
            self._try(self.holding.desk.take_back(request_id, self.holding.operator(name), "on second thoughts"))

    @rule(name=st.sampled_from(["ben", "cat"]), is_in=st.booleans())
    def moves_between_groups(self, name: str, is_in: bool) -> None:
        self.holding.store.principals.replace_groups(PEOPLE[name].id, ("security",) if is_in else ())

    @rule(by=st.sampled_from(["alice", "ben"]))
    def names_somebody_on_call(self, by: str) -> None:
        self._try(self.holding.on_call.put(self.holding.operator(by), "security", "sam", 1))

    # --- the world ----------------------------------------------------------------------------------------------------

    @rule(who=st.sampled_from(["alice", "bot"]), names=st.permutations(["ben", "cat", "sam"]), text=st.sampled_from(STATEMENTS))
    def somebody_asks_and_two_say_yes(self, who: str, names: list[str], text: str) -> None:
        """The usual way, up to where the answer is on its way; what comes next may do anything to it."""
        self.holding.connect(who).begin(text, b"5")
        self.holding.deliver_up(len(self.holding.to_control))
        for name in names[:2]:
            self.answers(name, 0, True)

    @precondition(lambda self: self.holding.to_control or self.holding.to_gateway)
    @rule()
    def everything_arrives(self) -> None:
        self.holding.come_to_rest()

    @rule(seconds=st.sampled_from([1, 1, 1, 41, HOLD_SECONDS]), timers=st.booleans())
    def time_passes(self, seconds: int, timers: bool) -> None:
        self.holding.advance(seconds, timers=timers)

    @rule()
    def the_desk_looks_at_the_clock(self) -> None:
        self.holding.do(self.holding.desk.tick())

    @precondition(lambda self: self.holding.to_control)
    @rule(number=st.integers(1, 3))
    def control_hears(self, number: int) -> None:
        self.holding.deliver_up(number)

    @precondition(lambda self: self.holding.to_gateway)
    @rule(number=st.integers(1, 3))
    def the_gateway_hears(self, number: int) -> None:
        self.holding.deliver_down(number)

    @rule(which=st.sampled_from(["rules", "table"]))
    def something_changes(self, which: str) -> None:
        self.holding.change_rules() if which == "rules" else self.holding.change_table()

    @rule(chance=st.integers(0, 3))
    def the_gateway_crashes(self, chance: int) -> None:
        if chance == 3:
            self.holding.crash()
            self.somebody_connects()

    # --- what must be so ----------------------------------------------------------------------------------------------

    @invariant()
    def nothing_runs_more_often_than_it_was_begun(self) -> None:
        for client in self.holding.clients:
            assert client.ran <= client.begun

    def everything_ended_and_is_recorded(self) -> None:
        holding = self.holding
        holding.come_to_rest()
        for _ in range(3):  # what was asked again meanwhile ends as well
            holding.advance(HOLD_SECONDS + 1)
            holding.come_to_rest()
        entries = holding.entries()
        asked = {entry.request: entry for entry in entries if isinstance(entry, HoldRequested)}
        ends = [entry for entry in entries if isinstance(entry, HoldAnswered)]
        assert sorted(entry.request for entry in ends) == sorted(asked), "every request ends once"
        intents = [entry for entry in entries if isinstance(entry, StatementIntent)]
        outcomes = [entry.execution for entry in entries if isinstance(entry, StatementOutcome)]
        assert sorted(outcomes) == sorted(intent.execution for intent in intents), "every intent has one outcome"
        approved = {end.request: end for end in ends if end.state == "approved"}
        ran = [intent for intent in intents if intent.verdict == "allow"]
        grants = [str(intent.grant) for intent in ran]
        assert len(set(grants)) == len(grants), "a grant is used once"
        assert set(grants) <= set(approved), "nothing runs without a grant"
        assert sum(client.ran for client in holding.clients) == len(ran)
        held = {intent.execution: intent for intent in intents if intent.verdict == "hold"}
        for intent in ran:
            held_then = held[asked[str(intent.grant)].execution]
            assert held_then.policy == intent.policy, "what was approved, by the same rules"
            assert held_then.objects == intent.objects, "and on the same table"
            end = approved[str(intent.grant)]
            people = {end.by_id, *(stamp.id for stamp in end.others or ())}
            assert people.isdisjoint({"prn_alice", "prn_bot"}), "nobody approves their own"
            assert len(people) >= (2 if "DELETE" in intent.statement else 1), "as many as the rule says"
        for record in holding.store.requests.in_state(None, -1):
            state, end_state = record.state, next(end.state for end in ends if end.request == record.request.id)
            assert state is not RequestState.PENDING
            if end_state != state.value:
                # Control said yes, and the process that would have heard it was gone, or no longer waited.
                assert record.answer is not None
                assert state in (RequestState.LAPSED, RequestState.APPROVED, RequestState.REJECTED), (state, end_state)

    def _pick(self, number: int) -> str:
        """A request: mostly one that waits, now and then one that is over."""
        pending = self.holding.store.requests.in_state(RequestState.PENDING, 6)
        records = pending if pending and number < 8 else self.holding.store.requests.in_state(None, 6)
        return records[number % len(records)].request.id if records else ""

    def _try(self, work: Any) -> None:
        try:
            self.holding.do(work)
        except DoorwardError:
            pass  # refused, as it may be


def test_nothing_runs_unasked_and_every_end_is_recorded() -> None:
    """Whatever the order of questions, answers, changes, crashes and the clock."""
    run_state_machine_as_test(Interleavings, settings=examples(40, 2_000))
