"""Executions that wait: each is asked about once, ends once, and its end is in the log."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from doorward.audit.log import AuditLog
from doorward.errors import AuditUnavailable
from doorward.model.approval import Answer, ApprovalRequest, RequestState, Voice
from doorward.model.catalog import Column, Label, Relation, RelationKind
from doorward.model.decision import Decision, Facts
from doorward.model.entry import ActorStamp, HoldAnswered, HoldRequested, StatementOutcome
from doorward.model.identity import Identity
from doorward.model.link import Asked, FromGateway, Settled
from doorward.proxy import holds as holds_module
from doorward.proxy.execution import Attempt, SessionFacts
from doorward.proxy.holds import DEFAULT_HOLD_SECONDS, Holds, Settlement, binding_of
from doorward.proxy.scribe import Scribe
from doorward.proxy.taking_up import take_up
from tests.control.gateway import Clock
from tests.proxy.attempts import ALICE, BOT, BOT_FOR_ALICE, FACTS, HELD, SESSION, Later, an_attempt, entries_of

SECOND_US = 1_000_000


@dataclass
class Office:
    """A gateway's holds, and the control process at the other end of *sent*."""

    scribe: Scribe
    log: AuditLog
    later: Later = field(default_factory=Later)
    now: Clock = field(default_factory=Clock)
    sent: list[FromGateway] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)
    is_there: bool = True

    def __post_init__(self) -> None:
        counter = itertools.count(1)
        self.holds = Holds(self.scribe, self._send, self.later, self.now, lambda prefix: f"{prefix}_{next(counter)}")

    def _send(self, message: FromGateway) -> bool:
        if self.is_there:
            self.sent.append(message)
        return self.is_there

    def ask(self, attempt: Attempt | None = None, decision: Decision = HELD) -> ApprovalRequest | None:
        """Hold one execution."""
        return self.holds.ask(SESSION, BOT_FOR_ALICE, attempt or an_attempt(), FACTS, decision, "exe_1", self.settled.append)

    def answer(self, request: ApprovalRequest, *, approved: bool = True, at_us: int | None = None) -> None:
        """Dana says yes or no."""
        at = self.now() if at_us is None else at_us
        self.holds.answered(Answer(request.id, approved, "prn_dana", "dana", "as agreed", at))

    def ends(self) -> list[tuple[str, str, str]]:
        """How requests ended, by the log."""
        return [(e.request, e.state, e.by) for e in entries_of(self.log) if isinstance(e, HoldAnswered)]


@pytest.fixture
def office(scribe: Scribe, log: AuditLog) -> Office:
    return Office(scribe, log)


def test_the_question_is_in_the_log_before_anybody_waits(office: Office) -> None:
    """With its time, and a keyed digest of its binding: the binding itself would let values be guessed."""
    request = office.ask()
    assert request is not None
    assert office.sent == [Asked(request)]
    (entry,) = entries_of(office.log)
    assert isinstance(entry, HoldRequested)
    assert (entry.request, entry.binding, entry.approvers) == (request.id, office.scribe.digest(request.binding), "security")
    assert request.binding not in entry.binding
    assert entry.expires_us == request.expires_us == office.now() + 60 * SECOND_US
    assert (request.principal_id, request.actor_ids, request.chain) == ("prn_alice", ("prn_bot",), "report-bot for alice")
    assert office.settled == []


def test_a_yes_gives_a_grant_for_just_that(office: Office) -> None:
    """Bound to the request, in the approver's name."""
    request = office.ask()
    assert request is not None
    office.answer(request)
    (settlement,) = office.settled
    assert (settlement.state, settlement.by, settlement.reason) == (RequestState.APPROVED, "dana", "as agreed")
    assert settlement.grant is not None
    assert settlement.grant.covers(request.binding, office.now())
    assert not settlement.grant.covers(request.binding, request.expires_us)
    assert office.sent[-1] == Settled(request.id, "approved")
    assert office.ends() == [(request.id, "approved", "dana")]


def end_by(office: Office, how: str, request: ApprovalRequest) -> None:
    """Bring *request* to an end."""
    if how == "withdrawn":
        office.holds.withdraw(request.id)
    elif how == "expired":
        office.later.come()
    else:
        office.answer(request, approved=how == "approved")


HOWS = ("approved", "rejected", "withdrawn", "expired")


@pytest.mark.parametrize("second", HOWS)
@pytest.mark.parametrize("first", HOWS)
def test_a_request_ends_once(office: Office, first: str, second: str) -> None:
    """Whatever comes second changes nothing, is not recorded, and is told to nobody."""
    request = office.ask()
    assert request is not None
    end_by(office, first, request)
    end_by(office, second, request)
    assert [settlement.state.value for settlement in office.settled] == [first]
    assert (office.settled[0].grant is not None) == (first == "approved")
    assert office.ends() == [(request.id, first, "dana" if first in ("approved", "rejected") else "")]
    assert office.sent[1:] == [Settled(request.id, first)]


def test_the_timer_of_an_ended_request_is_called_off(office: Office) -> None:
    """It must not keep what was held alive."""
    request = office.ask()
    assert request is not None
    timer, reminder = office.later.calls
    assert timer.seconds == 60
    office.answer(request)
    assert timer.cancelled
    assert reminder.cancelled


@pytest.mark.parametrize(
    ("late_us", "state"), [(-1, RequestState.APPROVED), (0, RequestState.EXPIRED), (1, RequestState.EXPIRED)]
)
def test_a_yes_that_came_late_is_none(office: Office, late_us: int, state: RequestState) -> None:
    """The time that counts is when it was said; the last microsecond is too late."""
    request = office.ask()
    assert request is not None
    office.answer(request, at_us=request.expires_us + late_us)
    assert [(s.state, s.grant is None) for s in office.settled] == [(state, state is RequestState.EXPIRED)]
    assert office.ends()[0][1] == state.value


def test_an_answer_to_what_nobody_asked_is_not_heard(office: Office) -> None:
    """Another gateway's request, or one from before a restart."""
    request = office.ask()
    assert request is not None
    office.holds.answered(Answer("req_other", True, "prn_dana", "dana", "", office.now()))
    office.holds.withdraw("req_other")
    assert (office.settled, office.ends(), len(office.sent)) == ([], [], 1)


def test_nobody_waits_when_there_is_nobody_to_ask(office: Office) -> None:
    """The control process is gone: no timer, and a late answer finds nothing."""
    office.is_there = False
    assert office.ask() is None
    assert office.later.calls == []
    office.holds.answered(Answer("req_1", True, "prn_dana", "dana", "", office.now()))
    assert office.settled == []


def test_only_so_many_wait_at_once(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next is asked about when one of them has ended."""
    monkeypatch.setattr(holds_module, "MOST_WAITING", 3)
    waiting = [office.ask() for _number in range(3)]
    assert None not in waiting
    assert office.ask() is None
    assert len(office.sent) == 3
    assert waiting[0] is not None
    office.answer(waiting[0])
    assert office.ask() is not None


def test_programs_leave_room_for_people(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many agents ask in circles, a person can still ask."""
    monkeypatch.setattr(holds_module, "MOST_WAITING_OF_PROGRAMS", 2)
    assert None not in [office.ask() for _number in range(2)]
    assert office.ask() is None
    person = replace(BOT_FOR_ALICE, actors=())
    assert office.holds.ask(SESSION, person, an_attempt(), FACTS, HELD, "exe_2", office.settled.append) is not None


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (an_attempt("DELETE FROM t WHERE a = 1"), an_attempt("DELETE FROM t WHERE a = 22"), True),
        (an_attempt("DELETE FROM t WHERE a = $1", b"1"), an_attempt("DELETE FROM t WHERE a = $1", b"2"), True),
        (an_attempt("DELETE FROM t WHERE a = 1"), an_attempt("DELETE FROM t WHERE b = 1"), False),
        (an_attempt("DELETE FROM t"), an_attempt("DELETE FROM t", inner=("DELETE FROM t",)), False),
        (an_attempt("EXECUTE p", inner=("DELETE FROM t",)), an_attempt("EXECUTE p", inner=("DELETE FROM u",)), False),
        (an_attempt("DELETE FROM t WHERE a = '%s'" % ("x" * 5000)), an_attempt("DELETE FROM t WHERE a = 'y'"), False),
    ],
)
def test_the_form_tells_statements_apart_that_differ_in_more_than_values(
    office: Office, one: Attempt, other: Attempt, is_same: bool
) -> None:
    """So that approvers read like ones as one; what is too long to be compared is like no other."""
    asked = [office.ask(attempt) for attempt in (one, other)]
    forms = {request.form for request in asked if request is not None}
    assert len(forms) == (1 if is_same else 2)
    assert "" not in forms


def test_a_rule_that_says_no_time_waits_for_the_usual_one(office: Office) -> None:
    """Nobody waits for ever."""
    request = office.ask(decision=replace(HELD, hold_seconds=0))
    assert request is not None
    assert request.expires_us - request.asked_us == DEFAULT_HOLD_SECONDS * SECOND_US
    assert office.later.calls[0].seconds == DEFAULT_HOLD_SECONDS


def test_a_question_that_can_not_be_recorded_is_not_put(office: Office) -> None:
    """The log comes first."""
    office.log.close()
    with pytest.raises(AuditUnavailable):
        office.ask()
    assert (office.sent, office.later.calls) == ([], [])


def test_a_yes_that_can_not_be_recorded_is_not_heeded(office: Office) -> None:
    """No grant without its entry; whoever waits is told all the same."""
    request = office.ask()
    assert request is not None
    office.log.close()
    office.answer(request)
    (settlement,) = office.settled
    assert (settlement.state, settlement.grant) == (RequestState.WITHDRAWN, None)
    assert office.sent[-1] == Settled(request.id, "withdrawn")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "NULL"),
        (b"", ""),
        (b"open", "open"),
        ("ä".encode(), "ä"),
        (b"\0\0\0\x07", "0x00000007"),
        (b"two\nlines", "0x74776f0a6c696e6573"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}".encode(), "0xe280ae"),
        (b"x" * 600, "x" * 500 + "…"),
    ],
)
def test_approvers_see_the_values_that_will_run(office: Office, value: bytes | None, shown: str) -> None:
    """In full as far as they are readable, and nothing that plays tricks with the page."""
    request = office.ask(an_attempt("SELECT $1", value))
    assert request is not None
    assert request.parameters == (shown,)


Bound = tuple[SessionFacts, Identity, Attempt, Facts, Decision]
TEXT = "UPDATE orders SET status = $1"
PLAIN: Bound = (SESSION, BOT_FOR_ALICE, an_attempt(TEXT, b"open"), FACTS, HELD)
DIFFERENT: dict[str, Bound] = {
    "text": (*PLAIN[:2], an_attempt(TEXT + " ", b"open"), *PLAIN[3:]),
    "what it runs by name": (*PLAIN[:2], an_attempt(TEXT, b"open", inner=("DELETE FROM orders",)), *PLAIN[3:]),
    "value that looks like an inner text": (*PLAIN[:2], an_attempt(TEXT, b"DELETE FROM orders", b"open"), *PLAIN[3:]),
    "value": (*PLAIN[:2], an_attempt(TEXT, b"opem"), *PLAIN[3:]),
    "NULL value": (*PLAIN[:2], an_attempt(TEXT, None), *PLAIN[3:]),
    "empty value": (*PLAIN[:2], an_attempt(TEXT, b""), *PLAIN[3:]),
    "value that looks like NULL": (*PLAIN[:2], an_attempt(TEXT, b"-"), *PLAIN[3:]),
    "no value": (*PLAIN[:2], an_attempt(TEXT), *PLAIN[3:]),
    "one value more": (*PLAIN[:2], an_attempt(TEXT, b"open", b""), *PLAIN[3:]),
    "value cut in two": (*PLAIN[:2], an_attempt(TEXT, b"op", b"en"), *PLAIN[3:]),
    "text and value joined": (*PLAIN[:2], an_attempt(TEXT + "open"), *PLAIN[3:]),
    "objects": (*PLAIN[:3], replace(FACTS, objects=("audit.orders",)), HELD),
    "unresolved names": (*PLAIN[:3], replace(FACTS, unresolved=("gone",)), HELD),
    "labels": (*PLAIN[:3], replace(FACTS, labels=(Label.EMAIL,)), HELD),
    "action": (*PLAIN[:3], replace(FACTS, action="destroy"), HELD),
    "principal": (SESSION, replace(BOT_FOR_ALICE, principal=replace(ALICE, id="prn_eve")), *PLAIN[2:]),
    "no actor": (SESSION, replace(BOT_FOR_ALICE, actors=()), *PLAIN[2:]),
    "another actor": (SESSION, replace(BOT_FOR_ALICE, actors=(replace(BOT, id="prn_bot2"),)), *PLAIN[2:]),
    "one actor more": (SESSION, replace(BOT_FOR_ALICE, actors=(BOT, BOT)), *PLAIN[2:]),
    "upstream": (replace(SESSION, upstream="payroll"), *PLAIN[1:]),
    "policy": (*PLAIN[:4], replace(HELD, policy_version="p2")),
}


@pytest.mark.parametrize("difference", DIFFERENT)
def test_an_approval_binds_all_that_was_approved(difference: str) -> None:
    """Anything else is another execution, and no two of these are the same."""
    others = {name: binding_of(*bound) for name, bound in DIFFERENT.items() if name != difference}
    others["plain"] = binding_of(*PLAIN)
    assert binding_of(*DIFFERENT[difference]) not in others.values()


def test_the_same_execution_binds_the_same() -> None:
    """On another connection of the same people: the session's own id is not part of what was approved."""
    again: Bound = (replace(SESSION, id="ses_2"), BOT_FOR_ALICE, an_attempt(TEXT, b"open"), replace(FACTS), replace(HELD))
    assert binding_of(*again) == binding_of(*PLAIN)


def test_what_several_must_approve_waits_for_all_of_them(office: Office) -> None:
    """One yes is not heeded, nor one person's twice, nor the asker's own; two people's is, and both are in the log."""
    request = office.ask(decision=replace(HELD, quorum=2, escalates_to="managers", escalates_seconds=20))
    assert request is not None
    assert (request.quorum, request.escalates_to) == (2, "managers")
    assert request.escalates_us == request.asked_us + 20 * SECOND_US
    dana = Voice("prn_dana", "dana", "fine", office.now())
    for others in ((), (dana,), (Voice("prn_alice", "alice", "mine", office.now()),), (Voice("", "", "", office.now()),)):
        office.holds.answered(Answer(request.id, True, "prn_dana", "dana", "as agreed", office.now(), others))
        assert (office.settled, office.ends()) == ([], [])
    office.holds.answered(Answer(request.id, True, "prn_ben", "ben", "as agreed", office.now(), (dana,)))
    (settlement,) = office.settled
    assert settlement.grant is not None
    (entry,) = [e for e in entries_of(office.log) if isinstance(e, HoldAnswered)]
    assert (entry.by, entry.others) == ("ben", (ActorStamp("prn_dana", "human", "dana"),))


@pytest.mark.parametrize("by_id", ["prn_alice", "prn_bot"])
def test_a_yes_of_who_asks_is_not_heeded(office: Office, by_id: str) -> None:
    """Whatever the control process lets through."""
    request = office.ask()
    assert request is not None
    office.holds.answered(Answer(request.id, True, by_id, "somebody", "fine", office.now()))
    assert (office.settled, office.ends()) == ([], [])


def test_an_approval_of_what_has_changed_lapses(office: Office) -> None:
    """The control process hears that its answer came to nothing."""
    office.holds.lapsed("req_1")
    assert office.sent == [Settled("req_1", "lapsed")]


def test_what_a_crash_left_waiting_ends_when_the_journal_is_taken_up(office: Office, tmp_path: Path) -> None:
    """Nobody waits any more: the request is withdrawn and its execution refused, once, though it is taken up twice."""
    request = office.ask()
    assert request is not None
    office.log.close()
    for _ in range(2):
        log = AuditLog.open(tmp_path / "log")
        take_up(log, office.now())
        log.close()
    assert office.ends() == [(request.id, "withdrawn", "")]
    outcomes = [(e.execution, e.status) for e in entries_of(office.log) if isinstance(e, StatementOutcome)]
    assert outcomes == [("exe_1", "refused")]


def test_who_waits_hears_of_it_now_and_then(office: Office) -> None:
    """With the time that is left, and who else is asked by then; and no more once it has ended."""
    heard: list[tuple[int, str]] = []
    decision = replace(HELD, escalates_to="managers", escalates_seconds=20)
    request = office.holds.ask(
        SESSION,
        BOT_FOR_ALICE,
        an_attempt(),
        FACTS,
        decision,
        "exe_1",
        office.settled.append,
        remind=lambda *told: heard.append(told),
    )
    assert request is not None
    for _ in range(2):
        reminder = office.later.calls[-1]
        assert reminder.seconds == 15
        office.now.now_us += 15 * SECOND_US
        reminder.call()
    assert heard == [(45, ""), (30, "managers")]
    office.answer(request)
    assert office.later.calls[-1].cancelled
    office.later.calls[-1].call()
    assert len(heard) == 2


def test_who_asks_without_end_is_refused_for_a_while(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """However fast each one ends: others are still heard, and so is it, later."""
    monkeypatch.setattr(holds_module, "MOST_ASKED_WITHIN", 3)
    for _ in range(3):
        request = office.ask()
        assert request is not None
        office.holds.withdraw(request.id)
    assert office.ask() is None
    other = replace(BOT_FOR_ALICE, actors=())
    assert office.holds.ask(SESSION, other, an_attempt(), FACTS, HELD, "exe_2", office.settled.append) is not None
    office.now.now_us += holds_module.ASKED_WITHIN_US
    assert office.ask() is not None


def relation(oid: int = 7, definition: str = "", *columns: Column) -> Relation:
    return Relation(oid, "public", "orders", RelationKind.TABLE, columns, definition=definition)


COLUMN = Column(1, "id", "integer", Label.NONE)
OTHER_OBJECTS = {
    "none": (),
    "plain": (relation(7, "", COLUMN),),
    "made anew": (relation(8, "", COLUMN),),
    "a column more": (relation(7, "", COLUMN, replace(COLUMN, number=2, name="total")),),
    "another type": (relation(7, "", replace(COLUMN, type_name="text")),),
    "another label": (relation(7, "", replace(COLUMN, label=Label.EMAIL)),),
    "another definition": (relation(7, "d2", COLUMN),),
    "one more": (relation(7, "", COLUMN), relation(9, "", COLUMN)),
}


def test_an_approval_binds_objects_by_id_and_definition() -> None:
    """A table that was dropped and made anew, or changed, is another one though its name is the same."""
    bindings = {name: binding_of(*PLAIN, objects) for name, objects in OTHER_OBJECTS.items()}
    assert len(set(bindings.values())) == len(OTHER_OBJECTS)
    grown = replace(relation(7, "", COLUMN), estimated_rows=99)
    assert binding_of(*PLAIN, (grown,)) == bindings["plain"], "more rows make no other table"
