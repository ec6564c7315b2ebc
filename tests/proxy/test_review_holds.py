"""What one client can do to the question that is put to approvers: not make it unreadable, not crowd out the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from doorward.audit.log import AuditLog
from doorward.control.gateway_link import LINE_LIMIT_BYTES
from doorward.model import link
from doorward.model.approval import Answer, ApprovalRequest, RequestState
from doorward.model.decision import Decision, Facts, Reason, Verdict
from doorward.model.identity import Identity, Principal, PrincipalKind
from doorward.proxy.execution import Attempt, Family, SessionFacts, Text
from doorward.proxy.holds import MOST_WAITING_OF_ONE, PARAMETERS_SHOWN, Holds, Settlement
from doorward.proxy.scribe import Scribe
from doorward.sql.analyze import analyze

HELD = Decision(Verdict.HOLD, (Reason("needs-a-yes", "It needs a yes."),), "p1", approvers="security", hold_seconds=60)
SESSION = SessionFacts("ses_1", "shop", "shop", "127.0.0.1:1", "")


class NeverCalled:
    """A timer that does not go off."""

    def cancel(self) -> None:
        """It would not have."""


class Desk:
    """Holds over a real log, with what they sent, how each ended, and a clock set by hand."""

    def __init__(self, directory: Path) -> None:
        self.log = AuditLog.open(directory)
        self.sent: list[link.FromGateway] = []
        self.settled: list[Settlement] = []
        self.now_us = 1_000_000
        self._number = 0
        scribe = Scribe(self.log, b"key", lambda _seconds, _call: NeverCalled())
        self.holds = Holds(scribe, self._send, lambda _seconds, _call: NeverCalled(), lambda: self.now_us, self._id)

    def _send(self, message: link.FromGateway) -> bool:
        self.sent.append(message)
        return True

    def _id(self, kind: str) -> str:
        self._number += 1
        return f"{kind}_{self._number}"

    def ask(self, who: str, text: str = "DELETE FROM t", facts: Facts | None = None, *values: bytes) -> ApprovalRequest | None:
        """Put a question as *who*."""
        identity = Identity(Principal(who, PrincipalKind.AGENT, who), (), "scram", "c")
        attempt = Attempt(Text(text, Family(analyze(text))), (), values, "extended", "I", lambda _refusal, _ticket: None)
        facts = facts or Facts("write", ("DELETE",), ("public.t",))
        return self.holds.ask(SESSION, identity, attempt, facts, HELD, "ses_1.1", self.settled.append)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "log")
    yield desk
    desk.log.close()


def test_no_question_is_longer_than_the_control_process_reads(desk: Desk) -> None:
    """The longest statement with the most parameters and objects: one line too long would end the gateway for everybody."""
    facts = Facts("write", ("DELETE",), tuple(f"public.table_{n:040}" for n in range(100_000)))
    values = ("\N{PILE OF POO}" * 600).encode()
    request = desk.ask("bot", "\x01" * (1 << 20), facts, *[values] * 65_535)
    assert request is not None
    assert len(link.encode(desk.sent[-1])) < LINE_LIMIT_BYTES
    assert request.parameters[PARAMETERS_SHOWN] == f"… and {65_535 - PARAMETERS_SHOWN} more"
    assert request.objects[-1].endswith(" more")


def test_values_that_are_no_text_are_shown_from_their_start(desk: Desk) -> None:
    """Bytes as hexadecimal digits, and no more of a long one than is shown."""
    request = desk.ask("bot", "DELETE FROM t", None, b"\0\x01", b"\0" * (1 << 20), b"plain")
    assert request is not None
    assert request.parameters[0] == "0x0001"
    assert request.parameters[1] == "0x" + "00" * 249 + "…"
    assert request.parameters[2] == "plain"


def test_one_speaker_can_not_take_every_place(desk: Desk) -> None:
    """An agent that asks and asks is refused; somebody else is still heard."""
    asked = [desk.ask("bot") for _ in range(MOST_WAITING_OF_ONE)]
    assert None not in asked
    assert desk.ask("bot") is None
    assert desk.ask("alice") is not None
    first = asked[0]
    assert first is not None
    desk.holds.withdraw(first.id)
    assert desk.ask("bot") is not None


@pytest.mark.parametrize(("late", "state"), [(False, RequestState.APPROVED), (True, RequestState.EXPIRED)])
def test_an_approval_after_its_time_is_none(desk: Desk, late: bool, state: RequestState) -> None:
    """Also when the timer is behind the clock: the machine slept."""
    request = desk.ask("bot")
    assert request is not None
    desk.now_us = request.expires_us - (0 if late else 1)
    desk.holds.answered(Answer(request.id, True, "b", "bob", "", desk.now_us))
    assert [settlement.state for settlement in desk.settled] == [state]
    assert desk.holds.answered(Answer(request.id, True, "b", "bob", "", desk.now_us)) is None
    assert len(desk.settled) == 1
